# shellcheck shell=bash
# Errors of the system are status 4 and name the cause.
try()
{
    echo "$ rudo-snap $*" >&2
    rudo-snap "$@"
    echo "exit $?" >&2
}
try mark missing.zst
try info missing.zst
try verify missing.zst
try info .
mkdir folder
try mark --json folder shop.zst
try mark --json no/such/folder/reach.json shop.zst
# Not writable for root either.
try mark --objects /sys/objects.jsonl shop.zst
try mark --json /dev/full shop.zst
try mark --objects /dev/full shop.zst
try capture --pid 2147483647 -o heap.zst
try capture --pid 2147483647 -o heap.zst --force
try capture --pid 2147483647 -o no/such/folder/heap.zst
try capture -o heap.zst 2147483647
ls
