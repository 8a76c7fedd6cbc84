# shellcheck shell=bash
# What keeps most alive, by object and by type, and the proof of some figures.
rudo-snap retained shop.zst --top 8
rudo-snap retained --by type --prove 6 shop.zst
rudo-snap retained -q --prove 3 shop.zst
rudo-snap retained partial.zst --top 1
