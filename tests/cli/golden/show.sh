# shellcheck shell=bash
# An object, the inside of one, a block, a large object; garbage, a zombie, a free slot that is still
# referred to, a page header, a page's end, a root word, nothing at all; a type.
rudo-snap show shop.zst 0x600000001680
rudo-snap show shop.zst 0x600000000b48 | sed 1,2d
rudo-snap show shop.zst 0x555580001010 | sed 1,2d
rudo-snap show --top 3 shop.zst 0x600000004630 | sed 1,2d
rudo-snap show shop.zst 0x600000001880 | sed 1,2d
rudo-snap show shop.zst 0x600000000d00 | sed 1,2d
rudo-snap show shop.zst 0x600000000f00 | sed 1,2d
rudo-snap show shop.zst 0x600000000008 | sed 1,2d
rudo-snap show shop.zst 0x600000006ff8 | sed 1,2d
rudo-snap show shop.zst 0x7ffd00001000 | sed 1,2d
rudo-snap show shop.zst 0x10 | sed 1,2d
rudo-snap show --top 3 shop.zst Order | sed 1,2d
rudo-snap show shop.zst 'foreign block' | sed 1,2d
rudo-snap show -q shop.zst Cart
