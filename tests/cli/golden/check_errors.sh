# shellcheck shell=bash
# No limit, limits that cannot be read, and the order of exit statuses: 3 and 4 win over 1.
try()
{
    echo "$ rudo-snap $*" >&2
    rudo-snap "$@"
    echo "exit $?" >&2
}
try check shop.zst
: >empty.budget
try check --budget empty.budget shop.zst
try check --budget nothing.budget shop.zst
printf 'complete\ncount(shop::Order) <= \n' >wrong.budget
try check --budget wrong.budget shop.zst
try check --budget shop.zst shop.zst
try check --limit 'count(shop::Order) = < 5' shop.zst
try check --limit 'shop::Order+10%' shop.zst
try check --limit 'occupancy >= 500%' shop.zst
try check --limit "count('shop::*) <= 1" shop.zst
try check --limit 'count(total) <= 1e3' shop.zst
try check --limit 'growth(shop::Order) <= 10%' shop.zst
try check --limit complete --allow everything shop.zst
try check --limit complete --json shop.zst shop.zst
try check --limit complete --baseline grown.zst --junit grown.zst shop.zst
head -c 900 shop.zst >cut.zst
try check --limit 'count(total) <= 0' cut.zst
try check --limit 'count(total) <= 0' --baseline cut.zst shop.zst
try check --limit 'count(total) <= 0' nothing.zst
try check -q --limit 'count(total) <= 0' --json folder/x.json shop.zst
try check --limit 'malloc(total) <= 0B' --mem-limit 10 shop.zst
try check --limit complete --precise shop.zst
