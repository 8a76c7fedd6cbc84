#!/bin/bash
# A program that captures itself, with roots and types that it knows: what is found is what it says
# to the object, reachable and garbage alike, and it can be captured from outside as well.
. "$(dirname "$0")/../support/live.sh"

SAMPLE=$BUILD/samples/c-heap
[ -x "$SAMPLE" ] || skip_all "$SAMPLE is not built"

# counts FILE [OPTION...]
counts()
{
    "$RUDO_SNAP" mark -q --json - "$@" | python3 -c '
import json, sys
report = json.load(sys.stdin)
totals = report["totals"]
print(report["mark"]["rule"], totals["objects"], totals["zombies"], totals["reachable_objects"],
      totals["invalid_references"])'
}
truth()
{
    sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$WORK/truth"
}

for threads in 1 4 9; do
    start "$WORK/sample.out" "$SAMPLE" --threads $threads --objects 4000 --seed $threads \
        --snapshot "$WORK/self.zst"
    sample=$STARTED
    wait_until 30 grep -q allocated "$WORK/sample.out" || bail "$(cat "$WORK/sample.out")"
    grep allocated "$WORK/sample.out" >"$WORK/truth"
    check "$threads threads: the snapshot is whole" "$RUDO_SNAP" verify "$WORK/self.zst"
    is "$threads threads: every count is exact" "$(counts "$WORK/self.zst")" \
        "exact/1 $(truth objects) $(truth zombies) $(truth reachable) 0"
    is "$threads threads: and those of a minor mark" \
        "$(counts "$WORK/self.zst" --kind minor | cut -d' ' -f1-4)" \
        "exact/1 $(truth objects) $(truth zombies) $(truth minor_reachable)"
    is "$threads threads: one report for all ways to mark" \
        "$("$RUDO_SNAP" mark -q --json - --workers 16 --policy owner --relocate "$WORK/self.zst" | md5sum)" \
        "$("$RUDO_SNAP" mark -q --json - --workers 1 "$WORK/self.zst" | md5sum)"
    run "$RUDO_SNAP" capture -f --pid "$sample" -o "$WORK/outside.zst"
    check_exit "$threads threads: it is captured from outside, too" 0
    outside=$(counts "$WORK/outside.zst")
    is "$threads threads: with the same objects" "$(cut -d' ' -f2-3 <<<"$outside")" \
        "$(truth objects) $(truth zombies)"
    # Conservative: a little more may be kept, never less.
    reachable=$(cut -d' ' -f4 <<<"$outside")
    check "$threads threads: of which no fewer are reachable" \
        test "$reachable" -ge "$(truth reachable)"
    kill "$sample"
    wait "$sample" 2>/dev/null
done
run "$RUDO_SNAP" mark "$WORK/self.zst"
check_output "types have the names that the program told" stdout "*Folder*"
check_output "all roots are explicit" stdout "*   explicit 18
*"
done_testing
