# shellcheck shell=bash
# The report, all of it, with an older heap, on a narrow terminal, in ASCII, and with too little memory.
rudo-snap report shop.zst
rudo-snap report --full shop.zst
rudo-snap report shop.zst grown.zst | head -n 24
COLUMNS=60 rudo-snap report --full --top 3 shop.zst
LC_ALL=C rudo-snap path shop.zst shop::Order
rudo-snap report --mem-limit 40K shop.zst | sed -n 3,12p
rudo-snap report --mem-limit 10 fallback.zst | tail -n 4
rudo-snap report -q shop.zst
# Older heaps that are not older.
rudo-snap report later.zst shop.zst | grep '^note: .*capture'
rudo-snap report shop.zst shop.zst | grep '^note: .*same snapshot'
