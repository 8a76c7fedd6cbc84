# shellcheck shell=bash
rudo-snap diff --json - --fail-on 'Order+50%' shop.zst grown.zst
rudo-snap diff --json file.json --relocate --fail-on 'Order+50%' shop.zst grown.zst >/dev/null
rudo-snap diff --json - --fail-on 'Order+50%' shop.zst grown.zst | cmp - file.json
