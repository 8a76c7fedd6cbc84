# shellcheck shell=bash
# Each wrong usage: its message, and status 2.
try()
{
    echo "$ rudo-snap $*" >&2
    rudo-snap "$@"
    echo "exit $?" >&2
}
try
try maak shop.zst
try --versoin
try help capsure
try help mark info
try version now
try mark
try mark --worker 3 shop.zst
try mark --wurkers 3 shop.zst
try mark --nonsense shop.zst
try mark -z shop.zst
try mark --workers
try mark --workers 0 shop.zst
try mark --workers 17 shop.zst
try mark --workers=two shop.zst
try mark --workers '' shop.zst
try mark --workers ' 2' shop.zst
try mark --workers 2x shop.zst
try mark --workers 99999999999999999999 shop.zst
try mark --kind minro shop.zst
try mark --policy none shop.zst
try mark --stats=yes shop.zst
try mark --json '' shop.zst
try mark --json - --objects - shop.zst
try mark --json same --objects same shop.zst
try mark --json ./shop.zst shop.zst
try mark --objects shop.zst shop.zst
try mark --schedule seed:1 --record shop.zst shop.zst
try mark --schedule seed:1 --json same --record same shop.zst
try simulate --svg shop.zst shop.zst
try simulate --trace-events - --svg - shop.zst
try diff --json fallback.zst shop.zst fallback.zst
try path --json - shop.zst
try mark shop.zst fallback.zst
try mark -- --json shop.zst
try info
try info --jsno shop.zst
try info shop.zst fallback.zst
try verify
try verify --quite shop.zst
try verify --salvage shop.zst
try verify -o saved.zst shop.zst
try verify --salvage -o saved.zst shop.zst fallback.zst
try capture
try capture --pid 1
try capture -o heap.zst
try capture --pid 1 --core core -o heap.zst
try capture --pid 1 --exe shop -o heap.zst
try capture --pid 1 -o heap.zst -- true
try capture --pid 1 -o heap.zst --every 1s
try capture --every 1s --after 1s -o heap.zst -- true
try capture --every 0 -o heap.zst -- true
try capture --after soon -o heap.zst -- true
try capture --on-signal KILL -o heap.zst -- true
try capture -o - -- true
try capture --pid 0 -o heap.zst
try capture --pid shop -o heap.zst
try capture --pid 1 -o
try capture --pid 1 -o heap.zst --foreign block
try capture --pid 1 -o heap.zst --level 20
try capture --pid 1 -o heap.zst --max-size many
try capture --pid 1 -o heap.zst --max-size 1.5Zi
try capture --pid 1 -o heap.zst --max-size 0.5
try capture --pid 1 -o heap.zst --max-size -1
try capture --pid 1 -o heap.zst --max-size 9000000T
try capture --pid 1 -o heap.zst --progress sometimes
try capture --pid 2147483647 -o shop.zst
try capture --pid 2147483647 --output=shop.zst --quiet
ls
