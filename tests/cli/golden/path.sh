# shellcheck shell=bash
# Paths to an address, a type, an abbreviated type; several of them, merged, avoiding; to garbage.
rudo-snap path shop.zst 0x600000000640
rudo-snap path shop.zst Order
rudo-snap path -k 3 shop.zst 'i64' | sed 1,2d
rudo-snap path shop.zst shop::Order --avoid register --merge | sed 1,2d
rudo-snap path shop.zst 0x600000000b68 --merge | sed 1,2d
rudo-snap path shop.zst 0x555580001018 | sed 1,2d
rudo-snap path shop.zst Cart --avoid 'foreign block' | sed 1,2d
rudo-snap path shop.zst 0x600000001880 | sed 1,2d
rudo-snap path shop.zst 'type #4' -q
