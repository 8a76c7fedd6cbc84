# shellcheck shell=bash
# The JSON, relocated or not, is the same; with little memory it names the skipped parts.
rudo-snap report --json - --top 2 shop.zst
rudo-snap report --json file.json --relocate --top 2 shop.zst >/dev/null
rudo-snap report --json - --top 2 shop.zst | cmp - file.json
rudo-snap report --json - --mem-limit 40K shop.zst | grep -A1 -E '"(left_out|suspects|ambiguity)"'
