# shellcheck shell=bash
# Wrong limits, types that there are not, and heaps that cannot be read.
try()
{
    echo "$ rudo-snap $*" >&2
    rudo-snap "$@"
    echo "exit $?" >&2
}
try diff shop.zst
try diff shop.zst nothing.zst
try diff --fail-on Order shop.zst grown.zst
try diff --fail-on Order+x shop.zst grown.zst
try diff --fail-on +5 shop.zst grown.zst
try diff --fail-on Order+5 --allow everything shop.zst grown.zst
try diff --json shop.zst shop.zst grown.zst
