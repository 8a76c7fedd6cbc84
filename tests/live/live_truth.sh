#!/bin/bash
# timeout: 600
# A capture finds in a sample program what the program knows of itself.
#
# Objects and zombies are exact. Marking is conservative: it may keep a little more than the program's
# own count, at most a thousandth. All worker counts, policies and builds give one result.
. "$(dirname "$0")/../support/live.sh"

# Marks of each kind: a few, or as many as a soak wants.
MARKS=$((DOSE > 1 ? 20 : 1))

# value FILE KEY: a number in a JSON document, by dotted key.
value()
{
    python3 -c '
import json, sys
found = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    found = found[key]
print(found)' "$1" "$2"
}

truth()
{
    value "$WORK/truth.json" "$1"
}

# start_sample PROGRAM [ARG...]: starts it and waits for its truth, in $WORK/truth.json.
start_sample()
{
    rm -f "$WORK/truth.json"
    start "$WORK/truth.json" "$@" --seconds 300
    SAMPLE=$STARTED
    wait_until 60 grep -q '}$' "$WORK/truth.json" || bail "$1 did not tell its truth"
}

end_sample()
{
    kill -TERM "$SAMPLE" 2>/dev/null
    wait "$SAMPLE" 2>/dev/null
}

# capture_sample NAME FILE [OPTION...]
capture_sample()
{
    local name=$1 file=$2
    shift 2
    run "$RUDO_SNAP" capture --pid "$SAMPLE" -o "$file" "$@"
    check_exit "$name" 0
}

# check_between NAME ACTUAL LOW HIGH
check_between()
{
    if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
        ok "$1"
    else
        not_ok "$1" "got $2, expected $3 to $4"
    fi
}

# A thousandth more than there is.
with_excess()
{
    echo $(($1 + $1 / 1000))
}

# check_counts NAME JSON: the totals of a marked snapshot against the program's truth.
check_counts()
{
    local objects zombies reachable
    objects=$(value "$2" totals.objects)
    zombies=$(value "$2" totals.zombies)
    reachable=$(value "$2" totals.reachable_objects)
    is "$1: objects and zombies are what was allocated" "$((objects + zombies))" \
        "$(truth allocated)"
    is "$1: zombies" "$zombies" "$(truth zombies)"
    check_between "$1: reachable objects" "$reachable" "$(truth reachable)" \
        "$(with_excess "$(truth reachable)")"
    is "$1: what is not reachable is unreachable" "$(value "$2" totals.unreachable_objects)" \
        "$((objects - reachable))"
    check_between "$1: reachable without words that look left over" \
        "$(value "$2" totals.reachable_without_residue_objects)" "$(truth reachable)" "$reachable"
    note "$1: $reachable reachable, the program says $(truth reachable)"
}

# same_marks NAME SNAPSHOT JSON: every way to mark gives these bytes of JSON.
same_marks()
{
    local name=$1 snapshot=$2 json=$3 way run differing=""
    local ways=("--workers 1" "--workers 3" "--relocate --workers 16" "--policy owner --workers 16")
    [ "$DOSE" -eq 1 ] || ways+=("--workers 2" "--workers 5" "--workers 8" "--workers 16" "--relocate")
    for way in "${ways[@]}"; do
        for ((run = 0; run < MARKS; run++)); do
            # shellcheck disable=SC2086  # options, word by word
            "$RUDO_SNAP" mark $way --json - "$snapshot" | cmp -s - "$json" ||
                differing="$differing '$way'"
        done
    done
    is "$name: one result for all worker counts, policies and places" "$differing" ""
}

# check_sample NAME PROGRAM [ARG...]: leaves the sample running, $WORK/heap.zst and $WORK/heap.json.
check_sample()
{
    local name=$1 began captured marked
    shift
    start_sample "$@"
    rm -f "$WORK/heap.zst"
    began=$(now_us)
    capture_sample "$name: captured while it runs" "$WORK/heap.zst"
    captured=$(now_us)
    check "$name: it runs on" kill -0 "$SAMPLE"
    marked=$(now_us)
    run "$RUDO_SNAP" mark "$WORK/heap.zst" --json "$WORK/heap.json"
    marked=$(($(now_us) - marked))
    check_exit "$name: marked" 0
    check_counts "$name" "$WORK/heap.json"
    check "$name: the snapshot verifies" "$RUDO_SNAP" verify "$WORK/heap.zst"
    same_marks "$name" "$WORK/heap.zst" "$WORK/heap.json"
    note "$name: captured in $(((captured - began) / 1000)) ms, marked with JSON in" \
        "$((marked / 1000)) ms, $(truth allocated) slots"
}

# check_foreign NAME: with malloc's memory as roots, the garbage that hangs together through it
# is kept; left out, what is reached through it is lost.
check_foreign()
{
    capture_sample "$1: captured with --foreign roots" "$WORK/roots.zst" --foreign roots
    "$RUDO_SNAP" mark -q "$WORK/roots.zst" --json "$WORK/roots.json"
    is "$1: --foreign roots retains all garbage" "$(value "$WORK/roots.json" \
        totals.unreachable_objects)" 0
    capture_sample "$1: captured with --foreign none" "$WORK/none.zst" --foreign none
    "$RUDO_SNAP" mark -q "$WORK/none.zst" --json "$WORK/none.json"
    check_between "$1: --foreign none loses what containers hold" \
        "$(value "$WORK/none.json" totals.reachable_objects)" 1 $(($(truth reachable) / 2))
}

# What only the heap in C has.
check_c_heap()
{
    local kinds
    is "c-heap: bytes of all objects" "$(value "$WORK/heap.json" totals.object_bytes)" \
        "$(truth object_bytes)"
    "$RUDO_SNAP" mark -q --kind minor "$WORK/heap.zst" --json "$WORK/minor.json"
    check_between "c-heap: minor marking" \
        "$(value "$WORK/minor.json" totals.reachable_objects)" "$(truth minor_reachable)" \
        "$(with_excess "$(truth minor_reachable)")"
    is "c-heap: young objects" "$(($(value "$WORK/minor.json" totals.reachable_objects) + $(value \
        "$WORK/minor.json" totals.unreachable_objects)))" "$(truth young_objects)"
    kinds=$(python3 -c '
import json, sys
kinds = json.load(open(sys.argv[1]))["root_kinds"]
print(*sorted(kind["kind"] for kind in kinds if kind["roots"] > 0))' "$WORK/heap.json")
    note "c-heap: kinds of roots: $kinds"
}

# check_clang: clang's build marks the same. `make check` and `make check-all` have built one.
check_clang()
{
    local name="a build by clang gives the same result" variant
    for variant in clang sanitize; do
        # As new as its sources: an older one may write other members.
        env -u MAKEFLAGS -u MAKELEVEL -u CC make -s -q VARIANT=$variant build/$variant/rudo-snap 2>/dev/null || continue
        run build/$variant/rudo-snap mark --workers 16 --json - "$WORK/heap.zst"
        check "$name ($variant)" cmp "$WORK/stdout" "$WORK/heap.json"
        return
    done
    skip "$name" "none is up to date here"
}

check_sample c-heap "$BUILD/samples/c-heap"
check_c_heap
check_clang
end_sample

# Heaps of other shapes: one thread, many, next to nothing.
for shape in "--threads 1 --objects 1000 --garbage 3000 --zombies 500" \
    "--threads 9 --objects 400 --garbage 0 --zombies 0" "--threads 2 --objects 1 --seed 7"; do
    # shellcheck disable=SC2086  # options, word by word
    start_sample "$BUILD/samples/c-heap" $shape
    capture_sample "c-heap $shape: captured" "$WORK/shape.zst" --force
    "$RUDO_SNAP" mark -q "$WORK/shape.zst" --json "$WORK/shape.json"
    is "c-heap $shape: objects" "$(value "$WORK/shape.json" totals.objects)" "$(truth objects)"
    is "c-heap $shape: zombies" "$(value "$WORK/shape.json" totals.zombies)" "$(truth zombies)"
    # So small a heap allows no thousandth: one ring of garbage may hang on an old word.
    check_between "c-heap $shape: reachable objects" \
        "$(value "$WORK/shape.json" totals.reachable_objects)" "$(truth reachable)" \
        $(($(truth reachable) + 8))
    end_sample
done

rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0)
    check_sample fields "$rust/release/fields"
    end_sample
    # `make check-all` looks at containers of 49 kinds, besides.
    if [ "${CHECK_TIER:-all}" = all ]; then
        check_sample containers "$rust/release/containers"
        check_foreign containers
        end_sample
    fi
    check_sample service "$rust/release/service"
    end_sample
    # All that was removed is kept by words that are left over; at most one by a word on a stack.
    for kind in 1 2 3 4; do
        start_sample "$rust/release/leftovers" --threads 1 --kind "$kind"
        capture_sample "leftovers $kind: captured" "$WORK/leftovers.zst" --force
        "$RUDO_SNAP" mark -q "$WORK/leftovers.zst" --json "$WORK/leftovers.json"
        check_between "leftovers $kind: reachable without residue" \
            "$(value "$WORK/leftovers.json" totals.reachable_without_residue_objects)" \
            "$(truth reachable)" $(($(truth reachable) + 2))
        end_sample
    done
    ;;
77)
    for name in fields containers service leftovers; do
        skip "$name: what a capture finds is its truth" "$reason"
    done
    ;;
*)
    not_ok "the rudo-gc samples are built"
    ;;
esac
done_testing
