# shellcheck shell=bash
# Limits that are kept and exceeded, alone and from a budget; growth; leaks; and what was not measured.
try()
{
    echo "$ rudo-snap $*"
    rudo-snap "$@"
    echo "exit $?"
}
cat >shop.budget <<'BUDGET'
# The heap of the shop.
count(shop::Order) <= 20    # four carts of five
retained(Cart) <= 1kB
growth(shop::Order) <= 5%   # orders are closed
growth(total) <= 10%
occupancy >= 50%
unreachable <= 90%          # one collection a minute
no path shop::Order -> shop::Cart
no path shop::Cart -> shop::Order
count(shop::Draft) <= 5
suspects = 0
complete
known leak 12345678         # fixed since
BUDGET
try check --budget shop.budget --baseline shop.zst --allow sizes grown.zst
try check -q --budget shop.budget --baseline shop.zst --allow sizes grown.zst
try check --limit 'count(shop::Order) <= 100' --limit 'count(i64) <= 9%' shop.zst
try check --limit 'count(shop::*) <= 5' --limit 'count(Ordr) = 0' --known shop.zst
try check --limit 'retained(shop::Cart) <= 1MiB' shop.zst
try check -q --limit 'pages <= 100' partial.zst
try check -q --limit 'pages <= 100' --allow incomplete partial.zst
try check --limit complete --allow incomplete partial.zst
for baseline in fallback shop; do
    try check -q --limit 'growth(total) <= 1000%' --baseline $baseline.zst shop.zst
done
try check -q --limit 'count(total) <= 1000' --limit ' count(total) <= 1000' --junit - shop.zst
try check --limit 'count(shop::Order) <= 10' --json - shop.zst
printf '\xef\xbb\xbfcount(shop::Order) <= 100\r\n\r\nsuspects = 0 # none\r\n' >crlf.budget
try check --budget crlf.budget shop.zst
# Quotes around a type only delimit, in a budget, too; a pattern fits types only.
try check --limit "count('shop::*') <= 5" --limit "count('total') <= 5" --limit 'count(*) <= 100' shop.zst
try check -q --limit "no path 'shop::C*' -> 'shop::O*'" shop.zst
echo "no path 'shop::C # *' -> 'shop::O*' # don't" >quoted.budget
echo "count('shop::O*') <= 20 # 'few' orders" >>quoted.budget
try check --budget quoted.budget shop.zst
try check --limit 'retained(Cart) <= 1MiB' --limit 'count(shop::Order) <= 1' shop.zst
try check --limit 'growth(shop::Order) <= 5' --baseline later.zst shop.zst
cp shop.zst 'x;touch PWNED.zst'
try check --limit 'count(shop::Order) <= 1' 'x;touch PWNED.zst'
