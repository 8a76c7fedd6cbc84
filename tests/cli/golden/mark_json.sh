# shellcheck shell=bash
# With --json - standard output holds the JSON alone.
rudo-snap mark --json - shop.zst
