# shellcheck shell=bash
# The JSON, relocated or not, to a file or not, is the same.
rudo-snap retained --json - --by type --top 4 --prove 2 shop.zst
rudo-snap retained --json file.json --relocate --by type --top 4 --prove 2 shop.zst >/dev/null
rudo-snap retained --json - --by type --top 4 --prove 2 shop.zst | cmp - file.json
