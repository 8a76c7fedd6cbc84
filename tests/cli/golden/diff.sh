# shellcheck shell=bash
# Growth in one process and between two, in two and three steps, and limits on it.
try()
{
    echo "$ rudo-snap $*"
    rudo-snap "$@"
    echo "exit $?"
}
try diff shop.zst grown.zst later.zst
try diff later.zst shop.zst
try diff shop.zst shop.zst -q --fail-on total+0
try diff -q --fail-on 'Order+8%' shop.zst grown.zst
try diff --fail-on 'Order+10%' --fail-on Cart+0 --fail-on any+1 --fail-on total+127B shop.zst grown.zst |
    sed -n '/EXCEEDED\|^ok\|^exit/p'
try diff --fail-on Odrer+5 --fail-on 'shop::*+100%' shop.zst grown.zst | sed -n '/EXCEEDED\|^ok\|^exit/p'
# Heaps that cannot be compared: another foreign mode, an incomplete one, the same one twice, another program.
for older in fallback partial shop; do
    try diff -q --fail-on total+1000% $older.zst shop.zst
    try diff -q --fail-on total+1000% --allow foreign-mode --allow incomplete --allow same-file $older.zst shop.zst
done
try diff partial.zst shop.zst | sed -n '/note:\|^exit/p'
try diff -q --fail-on Order+8% --fail-on Cart+1 --junit - shop.zst grown.zst
try diff --mem-limit 10 shop.zst grown.zst | sed -n '/skipped/p'
