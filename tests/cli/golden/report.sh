# shellcheck shell=bash
# The whole report, and one with too little memory.
rudo-snap report shop.zst
rudo-snap report --mem-limit 40K shop.zst | sed -n 3,12p
rudo-snap report --mem-limit 10 fallback.zst | tail -n 4
rudo-snap report -q shop.zst
