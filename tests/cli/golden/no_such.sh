# shellcheck shell=bash
# Addresses, types and roots that there are not: status 2, and the nearest that there are.
try()
{
    echo "$ rudo-snap $*" >&2
    rudo-snap "$@"
    echo "exit $?" >&2
}
try path shop.zst Odrer
try path shop.zst ORDER
try path shop.zst shop::Crat
try path shop.zst nothing::like::that
try path shop.zst 0x600000000000
try path shop.zst 0x600000000e00
try path shop.zst 0x1000
try path shop.zst 0x700000000000
try path shop.zst 0x600000000c80
try path shop.zst 0xyz
try path shop.zst Order --avoid Odrer
try path shop.zst stack
try path shop.zst
try path -k 0 shop.zst Order
try what-if --cut thread:shup shop.zst
try what-if --cut exact shop.zst
try what-if --cut 0x7ffd00001010 shop.zst
try what-if shop.zst
try what-if --cut '' shop.zst
