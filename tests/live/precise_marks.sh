#!/bin/bash
# timeout: 300
# By debug information, --precise finds the objects that a Rust program still refers to: neither what
# removed values leave over (samples/rudo-gc/src/bin/leftovers.rs) nor what weak references refer to.
. "$(dirname "$0")/../support/live.sh"

rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0) ;;
77) skip_all "$reason" ;;
*) bail "cannot build the rudo-gc samples" ;;
esac

# value FILE PATH: a number in a JSON file.
value()
{
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."): d = d[key]
print(d)' "$1" "$2"
}

names=("" "a map" "a queue" "a list" "options" "weak references")
for kind in 1 2 3 4 5; do
    start "$WORK/truth" "$rust/release/leftovers" --threads 1 --kind "$kind"
    wait_until 20 grep -q '}$' "$WORK/truth" || bail "leftovers did not tell its truth"
    run "$RUDO_SNAP" capture --force --pid "$STARTED" -o "$WORK/heap.zst"
    check_exit "${names[kind]}: captured" 0
    kill -KILL "$STARTED" 2>/dev/null
    wait "$STARTED" 2>/dev/null
    grep '}$' "$WORK/truth" >"$WORK/truth.json"
    "$RUDO_SNAP" mark -q --json "$WORK/all.json" "$WORK/heap.zst"
    "$RUDO_SNAP" mark -q --precise --json "$WORK/precise.json" "$WORK/heap.zst"
    truth=$(value "$WORK/truth.json" reachable)
    found=$(value "$WORK/precise.json" totals.reachable_objects)
    is "${names[kind]}: the rule" "$(value "$WORK/precise.json" mark.rule)" precise/1
    # One or two may be kept by old words on the stack, which no type describes.
    check "${names[kind]}: precisely $truth, found $found" \
        test "$found" -ge "$truth" -a "$found" -le $((truth + 2))
    check "${names[kind]}: the conservative rule marks more" \
        test "$(value "$WORK/all.json" totals.reachable_objects)" -gt $((truth + 100))
    # An object that only its own reference and a weak one are left of.
    [ "$kind" -eq 5 ] || continue
    shelf=$("$RUDO_SNAP" show --json - "$WORK/heap.zst" Shelf | sed -n 's/.*"address": "\(0x[0-9a-f]*\)".*/\1/p' | head -1)
    "$RUDO_SNAP" show "$WORK/heap.zst" "$shelf" >"$WORK/shelf"
    check "a weak reference is called one" grep -qE '\.last_known +-> leftovers::Item  0x[0-9a-f]+  \(weak\)$' "$WORK/shelf"
    check "a Vec has its length" grep -q '\.known .*Vec -> .*, length 1,000, capacity 1,000  1,000 x leftovers::Item$' "$WORK/shelf"
done
done_testing
