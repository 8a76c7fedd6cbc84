# shellcheck shell=bash
# Scheduled marks: the same bytes from every compiler, on every machine, wherever the image lies.
for policy in steal owner; do
    rudo-snap mark --schedule seed:7 --workers 5 --policy "$policy" --stats --json - shop.zst |
        sed -n '/"statistics"/,$p' >"$policy.json"
    cat "$policy.json"
    rudo-snap mark --schedule seed:7 --workers 5 --policy "$policy" --stats --json - --relocate \
        shop.zst | sed -n '/"statistics"/,$p' | cmp - "$policy.json"
done
for scheduler in round-robin pct preemption longest-idle thief clock; do
    rudo-snap mark --schedule seed:7 --scheduler "$scheduler" --workers 4 --stats shop.zst |
        sed -n "/^digest/p; /^schedule/,/^\$/p"
done
