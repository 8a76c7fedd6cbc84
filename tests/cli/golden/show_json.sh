# shellcheck shell=bash
# The document of an object and of a type.
rudo-snap show --json - shop.zst 0x600000001680
rudo-snap show --json - --top 2 shop.zst Cart | sed -n '/"asked"/,$p'
