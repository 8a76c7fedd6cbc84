# shellcheck shell=bash
# --stats: a table of the workers, and `statistics` in the JSON.
rudo-snap mark --stats --workers 2 shop.zst | sed -n '/^worker/,/^$/p' | cut -c 1-6
rudo-snap mark --stats --workers 2 --json - shop.zst | sed -n '/^  "statistics"/,$s/[0-9][0-9]*/N/p'
