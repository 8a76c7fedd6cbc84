#!/bin/bash
# A runtime that only describes its heap is captured in every way, and what is found is what it
# knows of itself.
. "$(dirname "$0")/../support/live.sh"

SAMPLE=$BUILD/samples/toy-heap
LAYOUT=$ROOT/samples/toy-heap/toy-heap.json
[ -x "$SAMPLE" ] || skip_all "$SAMPLE is not built"

# truth KEY: what the sample said.
truth()
{
    sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$WORK/sample.out"
}

# right NAME SNAPSHOT
right()
{
    "$RUDO_SNAP" mark -q --json "$WORK/mark.json" "$2"
    is "$1: objects, reachable and garbage are the program's own" "$(python3 -c '
import json, sys
report = json.load(open(sys.argv[1]))
totals = report["totals"]
print(report["snapshot"]["layout"], totals["objects"], totals["reachable_objects"],
      totals["unreachable_objects"])' "$WORK/mark.json")" \
        "toy-heap-1 $(truth objects) $(truth reachable) $(truth garbage)"
}

start "$WORK/sample.out" "$SAMPLE"
wait_until 10 grep -q objects "$WORK/sample.out" || bail "the sample did not get ready"
run "$RUDO_SNAP" capture --pid "$STARTED" --layout "$LAYOUT" -o "$WORK/pid.zst"
check_exit "by pid" 0
right "by pid" "$WORK/pid.zst"
run "$RUDO_SNAP" mark "$WORK/pid.zst"
check_output "types are named by the variables that type words point at" stdout "*toy_vector*"
run "$RUDO_SNAP" capture --pid "$STARTED" -o "$WORK/other.zst"
check_exit "another layout finds nothing" 3
check_output "as is said" stderr "*is not a rudo-gc process*"
if command -v gcore >/dev/null 2>&1 && gcore -o "$WORK/core" "$STARTED" >"$WORK/gcore.log" 2>&1; then
    run "$RUDO_SNAP" capture --core "$WORK/core.$STARTED" --layout "$LAYOUT" -o "$WORK/core.zst"
    check_exit "from a core" 0
    right "from a core" "$WORK/core.zst"
else
    skip "from a core" "no gcore here: $(head -c 200 "$WORK/gcore.log" 2>/dev/null)"
fi
kill "$STARTED"
"$RUDO_SNAP" capture -q --layout "$LAYOUT" -o "$WORK/run.zst" -- "$SAMPLE" 0 >"$WORK/sample.out"
is "run by rudo-snap" "$?" 0
right "run by rudo-snap" "$WORK/run.zst"
run "$RUDO_SNAP" capture --layout "$ROOT/samples/rudo-gc-0.8.json" -o "$WORK/no.zst" -- "$SAMPLE" 0
check_exit "a layout that is another heap's finds nothing" 3
check_output "and says so" stderr "*has no heap with the layout 'rudo-gc-0.8'*begins with the layout's magic*"
done_testing
