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

# A recorded schedule, followed to the letter, ...
rudo-snap mark --schedule seed:3 --scheduler thief --workers 3 --record thief.schedule -q shop.zst
head -12 thief.schedule
rudo-snap mark --schedule file:thief.schedule --relocate shop.zst | grep '^digest'
# ... and what is not the schedule of this heap.
sed 's/^heap .*/heap xxh3-128:00000000000000000000000000000000/' thief.schedule >moved.schedule
rudo-snap mark --schedule file:moved.schedule shop.zst
echo "status $?"
awk 'NR == 12 { $5++ } { print }' thief.schedule >other.schedule
rudo-snap mark --schedule file:other.schedule shop.zst
echo "status $?"
sed '20,$d; s/^steps .*/steps 11/' thief.schedule >short.schedule
tail -n 1 thief.schedule >>short.schedule
rudo-snap mark --schedule file:short.schedule shop.zst
echo "status $?"
rudo-snap mark --schedule file:thief.schedule --workers 4 shop.zst
echo "status $?"
rudo-snap mark --record x --workers 4 shop.zst
rudo-snap mark --schedule seed:-1 shop.zst
rudo-snap mark --schedule always shop.zst
rudo-snap mark --schedule file:thief.schedule grown.zst
echo "another heap: status $?"
for line in 2 3 4 5 6 7 9 '$'; do
    sed "${line}s/.*/nonsense/" thief.schedule >damaged.schedule
    rudo-snap mark --schedule file:damaged.schedule shop.zst
    echo "line $line: status $?"
done
echo nonsense >nonsense.schedule
rudo-snap mark --schedule file:nonsense.schedule shop.zst
echo "status $?"
