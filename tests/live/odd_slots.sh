#!/bin/bash
# A heap whose slots are of any size and begin anywhere (targets/odd_slots.c) is captured by pid and
# by the program itself; every number of workers finds what the program knows of itself, and every
# command takes such a heap.
. "$(dirname "$0")/../support/live.sh"

LAYOUT=$ROOT/tests/live/targets/odd_slots.json

# totals FILE [OPTION...]
totals()
{
    "$RUDO_SNAP" mark -q --json - "$@" | python3 -c '
import json, sys
report = json.load(sys.stdin)
totals = report["totals"]
print("objects", totals["objects"], "reachable", totals["reachable_objects"])'
}

digest()
{
    "$RUDO_SNAP" mark -q --json - "$@" | sed -n 's/.*"digest": "\(.*\)".*/\1/p'
}

start_target odd_slots "$LAYOUT" "$WORK/self.zst"
truth=$(head -n 1 "$WORK/target.out")
for method in $(capture_methods); do
    capture_by "$method" --layout "$LAYOUT"
    check_exit "captured by $method" 0
    is "by $method: objects and reachable ones are the program's" "$(totals "$WORK/heap.zst")" "$truth"
done
run "$RUDO_SNAP" capture --pid "$TARGET" --layout "$LAYOUT" --redact -o "$WORK/redacted.zst"
check_exit "captured redacted" 0
check_runs "the program runs on"
end_target
is "by itself: the same" "$(totals "$WORK/self.zst")" "$truth"
is "redacted: the same digest" "$(digest "$WORK/redacted.zst")" "$(digest "$WORK/heap.zst")"

serial=$("$RUDO_SNAP" replay --help >/dev/null && digest --workers 1 "$WORK/heap.zst")
for workers in 2 3 5 8 16; do
    for policy in steal owner; do
        is "$workers workers, $policy: the same digest" \
            "$(digest --workers "$workers" --policy "$policy" "$WORK/heap.zst")" "$serial"
    done
done
run "$RUDO_SNAP" replay --seeds 2 "$WORK/heap.zst"
check_exit "replay: the serial marker, schedules and threads agree" 0

address=$("$RUDO_SNAP" mark -q --objects - "$WORK/self.zst" | grep '"reachable": *true' | head -n 1 |
    sed 's/.*"address": *"\(0x[0-9a-f]*\)".*/\1/')
for command in "report" "info" "verify" "simulate" "retained" "mark --kind minor" "mark --schedule seed:3"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$RUDO_SNAP" $command "$WORK/self.zst"
    check_exit "$command" 0
done
run "$RUDO_SNAP" show "$WORK/self.zst" "$address"
check_exit "show" 0
run "$RUDO_SNAP" path "$WORK/self.zst" "$address"
check_exit "path" 0
run "$RUDO_SNAP" what-if --cut "$address" "$WORK/self.zst"
check_exit "what-if" 0
run "$RUDO_SNAP" diff "$WORK/heap.zst" "$WORK/redacted.zst"
check_exit "diff" 0
head -c $(($(stat -c %s "$WORK/self.zst") - 40)) "$WORK/self.zst" >"$WORK/cut.zst"
run "$RUDO_SNAP" verify --salvage "$WORK/cut.zst" -o "$WORK/saved.zst"
check_exit "salvage" 0
is "salvaged: the same" "$(totals "$WORK/saved.zst")" "$truth"
done_testing
