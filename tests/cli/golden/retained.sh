# shellcheck shell=bash
# The largest retained sizes, by object and by type, and the proof of some.
rudo-snap retained shop.zst --top 8
rudo-snap retained --by type --prove 6 shop.zst
rudo-snap retained -q --prove 3 shop.zst
rudo-snap retained partial.zst --top 1
