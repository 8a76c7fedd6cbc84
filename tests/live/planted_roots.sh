#!/bin/bash
# Which words are roots, and what malloc'd memory contributes, on a real process that knows the truth:
# one object for each place that may, or must not, hold a root. See targets/planted_roots.c.
. "$(dirname "$0")/../support/live.sh"

case $BUILD in
*/sanitize | */tsan | */fuzz) skip_all "the sanitizer brings a malloc of its own" ;;
esac

# Joins what the target said with what was marked: prints each object that is not as expected.
# compare OBJECTS EXPECTATION_OF_BLOCK [IGNORED_EXPECTATION]
compare()
{
    sed -n 's/^{"address":"\(0x[0-9a-f]*\)".*"reachable":\(true\|false\)}$/\1 \2/p' "$1" |
        awk -v block="$2" -v ignored="${3:-}" '
            FNR == NR { reachable[$1] = $2; next }
            $1 ~ /^0x/ && $2 != ignored {
                expected = ($2 == "block") ? block : $2
                checked++
                if (reachable[$1] != (expected == "live" ? "true" : "false")) {
                    found = ($1 in reachable) ? reachable[$1] : "missing"
                    print $0 ": reachable is " found
                }
            }
            END { if (checked < 30) print "only " checked " objects compared" }
        ' - "$WORK/target.out"
}

# capture_and_mark NAME MODE
capture_and_mark()
{
    rm -f "$WORK/objects"
    run "$RUDO_SNAP" capture --foreign "$2" --force --pid "$TARGET" -o "$WORK/heap.zst"
    check_exit "$1: captured with --foreign $2" 0
    run "$RUDO_SNAP" mark --json "$WORK/report.json" --objects "$WORK/objects" "$WORK/heap.zst"
    check_exit "$1: marked" 0
}

total()
{
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$WORK/report.json" | head -n 1
}

truth()
{
    sed -n "s/^\([0-9]*\) $1\$/\1/p" "$WORK/target.out"
}

for how in stack coroutine signal; do
    name="main thread on its own stack"
    [ "$how" = stack ] || name="main thread on a $how stack"
    start_target planted_roots "$how"
    capture_and_mark "$name" blocks
    is "$name: pages are all there, and nothing else" "$(total pages)" "$(truth pages)"
    is "$name: objects are all there, and nothing else" "$(total objects)" "$(truth objects)"
    is "$name: each object is reachable or not, as it must be" "$(compare "$WORK/objects" live)" ""
    end_target
done

# Shared memory is not copied on write, and its writes are not tracked.
start_target planted_roots stack
for method in precopy fork stop; do
    run "$RUDO_SNAP" capture --method "$method" --force --pid "$TARGET" -o "$WORK/heap.zst"
    if [ "$STATUS" != 0 ]; then
        skip "$method: each object is reachable or not, as it must be" "this method cannot be used here"
        continue
    fi
    rm -f "$WORK/objects"
    run "$RUDO_SNAP" mark --json "$WORK/report.json" --objects "$WORK/objects" "$WORK/heap.zst"
    is "$method: each object is reachable or not, as it must be" "$(compare "$WORK/objects" live)" ""
    is "$method: the mapping that was not searched is named" "$("$RUDO_SNAP" info "$WORK/heap.zst" |
        grep -c "^ *4096 bytes at 0x[0-9a-f]*: planted-roots-")" 1
done
end_target

start_target planted_roots stack
capture_and_mark "malloc as roots" roots
is "malloc as roots: nothing that is held is lost" "$(compare "$WORK/objects" live dead)" ""
is "malloc as roots: the report says so" \
    "$(sed -n 's/.*"foreign_mode": *"\([a-z]*\)".*/\1/p' "$WORK/report.json" | head -n 1)" roots
capture_and_mark "malloc left out" none
is "malloc left out: only what it alone holds is lost" "$(compare "$WORK/objects" dead)" ""
end_target

# Another allocator: its chunks cannot be walked, so nothing of its memory may be left out.
preload=$(find /usr/lib /lib -name 'libjemalloc.so.2' 2>/dev/null | head -n 1)
if [ -n "$preload" ]; then
    LD_PRELOAD=$preload start_target planted_roots stack
    capture_and_mark "jemalloc" blocks
    is "jemalloc: nothing that is held is lost" "$(compare "$WORK/objects" live dead)" ""
    is "jemalloc: its memory was walked" \
        "$(sed -n 's/.*"foreign_mode": *"\([a-z]*\)".*/\1/p' "$WORK/report.json" | head -n 1)" blocks
    end_target
else
    skip "jemalloc: nothing that is held is lost" "libjemalloc2 is not installed"
fi

done_testing
