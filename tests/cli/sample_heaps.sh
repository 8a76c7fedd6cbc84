#!/bin/bash
# The recorded heaps in samples/heaps: redacted, complete, and marked as their goldens say, whatever
# compiler and machine this is.
. "$(dirname "$0")/../support/tap.sh"

seeds=1..$((${TEST_DOSE:-1} > 1 ? 200 : 20))
count=0
for heap in samples/heaps/*.zst; do
    count=$((count + 1))
    run "$RUDO_SNAP" info --json "$heap"
    check_output "$heap is redacted" stdout '*"redacted": true*'
    check_output "$heap is complete" stdout '*"complete": true*'
done
check "there are heaps" test "$count" -ge 8
run "$RUDO_SNAP" replay samples/heaps --golden samples/heaps/golden --seeds "$seeds" --json "$WORK/replay.jsonl"
check_exit "all are marked as their goldens say" 0
check "each golden has its heap" sh -c "! grep -q '^note: ' '$WORK/stdout'"
# Made heaps: the program that makes them makes the same ones, by the fingerprints in their goldens.
mkdir "$WORK/made"
run "$BUILD/tests/cli/helpers/make_marked_heaps" "$WORK/made"
check_exit "heaps are made" 0
run "$RUDO_SNAP" replay "$WORK/made" --golden samples/heaps/golden/made --workers 1 --seeds 1..1
check_exit "they are those in samples/heaps/made" 0
# What the scheduled runs did, step by step, is the same on every machine and from every compiler.
[ "$seeds" != 1..20 ] || is "the schedules made as many steps as they always do" \
    "$(sed -n 's/.*"heap":"samples\/heaps\/\([^"]*\).zst".*"steps":\([0-9]*\).*/\1 \2/p' "$WORK/replay.jsonl")" \
    "$(cat samples/heaps/golden/steps)"
# A heap of each older layout of rudo-gc, from programs that know the truth about themselves.
for heap in samples/heaps/rudo-gc-*.zst; do
    name=$(basename "$heap" .zst)
    is "$name has its layout, all objects, and no overlooked reference" \
        "$("$RUDO_SNAP" mark -q --json - "$heap" | python3 -c '
import json, sys
document = json.load(sys.stdin)
totals = document["totals"]
print(document["snapshot"]["layout"], document["snapshot"]["references_overlooked"],
      totals["objects"], totals["zombies"], totals["reachable_objects"])')" \
        "$name 0 2344 60 2244"
done
done_testing
