#!/bin/bash
# Heaps of the Boehm collector: samples/boehm/boehm.c knows which of its objects are reachable, by
# the line that allocated them, and every way of capturing finds the same; so does a capture of the
# program without symbols, static or not. A Guile program's memo table is found.
. "$(dirname "$0")/../support/live.sh"

pkg-config --exists bdw-gc 2>/dev/null || skip_all "the Boehm collector is not installed (libgc-dev)"

# start_waiting OUTPUT PROGRAM...: a program that waits for the end of its input.
start_waiting()
{
    start "$1" bash -c 'exec "$@" < <(exec sleep 600)' waiting "${@:2}"
    TARGET=$STARTED
    wait_until 60 grep -q '^ready' "$1" || bail "${*:2} did not get ready: $(head -c 300 "$1")"
}

# lines FILE: what the heap says of each line, in the words of the program.
lines()
{
    "$RUDO_SNAP" report -q --json - "$1" | python3 -c '
import json, sys
for type in sorted(json.load(sys.stdin)["types"], key=lambda type: type["type_label"]):
    file, _, line = type["type_label"].rpartition(":")
    if file.endswith("boehm.c"):
        print("line %s: %d reachable, %d garbage"
              % (line, type["reachable_objects"], type["unreachable_objects"]))'
}

digest()
{
    "$RUDO_SNAP" mark -q --json - "$@" | sed -n 's/.*"digest": "\(.*\)".*/\1/p'
}

flags=$(pkg-config --cflags bdw-gc)
# shellcheck disable=SC2086  # words on purpose
check "the sample is built" cc -g -O1 $flags samples/boehm/boehm.c -o "$WORK/boehm" -lgc -lpthread
start_waiting "$WORK/out" "$WORK/boehm"
truth=$(grep '^line' "$WORK/out" | sort)
kill -STOP "$TARGET"
for method in $(capture_methods); do
    capture_by "$method"
    check_exit "captured by $method" 0
    is "by $method: each line's objects" "$(lines "$WORK/heap.zst" | sort)" "$truth"
    first=${first:-$(digest "$WORK/heap.zst")}
    is "by $method: the same digest" "$(digest "$WORK/heap.zst")" "$first"
done
for options in "--heap bdwgc" "--staging 16M" "--keep-free" "--redact"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$RUDO_SNAP" capture --pid "$TARGET" $options -o "$WORK/other.zst" --force
    check_exit "captured with $options" 0
    is "with $options: the same digest" "$(digest "$WORK/other.zst")" "$first"
done
is "the file tells what was asked for" "$("$RUDO_SNAP" info --json "$WORK/heap.zst" |
    grep -E '"(heap_requested|wait_collection_ns)"' | tr -d ' \n')" \
    '"heap_requested":"auto","wait_collection_ns":2000000000,'
check "verify reads it" "$RUDO_SNAP" verify -q "$WORK/heap.zst"
is "a program that waits is not inside a collection" \
    "$("$RUDO_SNAP" mark -q --json - "$WORK/heap.zst" | grep -o '"complete": *[a-z]*')" '"complete": true'
run "$RUDO_SNAP" capture --pid "$TARGET" --heap rudo-gc -o "$WORK/none.zst"
check_exit "it has no heap of rudo-gc" 3
run "$RUDO_SNAP" capture --pid "$TARGET" --heap bdwgc --layout rudo-gc-0.8 -o "$WORK/none.zst"
check_exit "--heap bdwgc and --layout exclude each other" 2
kill -CONT "$TARGET"
kill "$TARGET"

for workers in 2 5 16; do
    is "$workers workers: the same digest" "$(digest --workers "$workers" "$WORK/heap.zst")" "$first"
done
for command in "replay --seeds 2" "simulate" "retained --prove 20" "info" "diff $WORK/heap.zst"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$RUDO_SNAP" $command "$WORK/heap.zst"
    check_exit "${command%% *}" 0
done
# path_to LINE: how an object of the line is reached.
path_to()
{
    "$RUDO_SNAP" path "$WORK/heap.zst" "samples/boehm/boehm.c:$1"
}
check "path: a global holds the list" grep -q 'global global_list' <(
    path_to "$(sed -n 's/^line \([0-9]*\): 1300 .*/\1/p' "$WORK/out")")
check "path: an object that only its finalizer keeps" grep -q 'the queue of finalizers that are due' <(
    sed -n 's/^line \([0-9]*\): 1 reachable.*/\1/p' "$WORK/out" | while read -r line; do path_to "$line"; done)

# A damaged file: whole parts are saved, and verify.
head -c $(($(stat -c %s "$WORK/heap.zst") * 3 / 4)) "$WORK/heap.zst" >"$WORK/cut.zst"
run "$RUDO_SNAP" verify "$WORK/cut.zst"
check_exit "a file that was cut short is damaged" 3
run "$RUDO_SNAP" verify --salvage "$WORK/cut.zst" -o "$WORK/saved.zst"
[ ! -e "$WORK/saved.zst" ] || check "the part that is saved verifies" "$RUDO_SNAP" verify -q "$WORK/saved.zst"

# Without symbols.
# shellcheck disable=SC2086  # words on purpose
if cc -g -O1 $flags -static samples/boehm/boehm.c -o "$WORK/static" -lgc -lpthread 2>"$WORK/static.log"; then
    strip "$WORK/static"
    start_waiting "$WORK/out" "$WORK/static"
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/static.zst"
    check_exit "a stripped static program is captured" 0
    is "and each line's objects are found" "$(lines "$WORK/static.zst" | sort)" \
        "$(grep '^line' "$WORK/out" | sort)"
    kill "$TARGET"
else
    skip "a stripped static program" "there is no static libgc"
fi

# At the end of a program that it runs.
run "$RUDO_SNAP" capture -o "$WORK/end.zst" -- "$WORK/boehm"
check_exit "a program is captured at its end" 0
check "with its heap" "$RUDO_SNAP" mark -q "$WORK/end.zst"

# Interpreted, names of records are in the heap; compiled, in the file of the code.
if command -v guile >/dev/null 2>&1; then
    export XDG_CACHE_HOME=$WORK/cache
    for option in --no-auto-compile --auto-compile; do
        start_waiting "$WORK/out" guile $option samples/boehm/memo.scm 3000
        run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/guile.zst" --force
        check_exit "a Guile program is captured ($option)" 0
        kill "$TARGET"
        is "its 3,000 orders are reachable" "$("$RUDO_SNAP" report -q --json - "$WORK/guile.zst" | python3 -c '
import json, sys
print([t["reachable_objects"] for t in json.load(sys.stdin)["types"] if t["type_label"] == "record <order>"])')" '[3000]'
        check "a hash table keeps them" grep -q 'hash table' <("$RUDO_SNAP" path "$WORK/guile.zst" 'record <order>')
    done
else
    skip "a Guile program" "Guile is not installed (guile-3.0)"
fi

# Types by the code that allocates, as a debug build of Crystal has it; and those of a real one.
# shellcheck disable=SC2086  # words on purpose
check "a program with Crystal's code is built" cc -g -O1 $flags tests/live/programs/crystal_code.c -o "$WORK/crystal_code" -lgc
start_waiting "$WORK/out" "$WORK/crystal_code"
run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/crystal.zst"
kill "$TARGET"
is "its types have their names" "$("$RUDO_SNAP" query --format csv "$WORK/crystal.zst" \
    "SELECT type, reachable_objects FROM types WHERE type IN ('Order', 'String', 'Array(Shop::Order)') ORDER BY type" | tail -n +2)" \
    "$(printf 'Array(Shop::Order),20\nOrder,300\nString,40')"

# Types by the table that compilers from 1.16.2 on make. Integers and buffers have no names.
for option in "-fpie -pie" "-fno-pie -no-pie"; do
    # shellcheck disable=SC2086  # words on purpose
    check "a program with Crystal's table is built ($option)" \
        cc -O1 $option $flags tests/live/programs/named_classes.c -o "$WORK/named_classes" -lgc
    start_waiting "$WORK/out" "$WORK/named_classes"
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/crystal.zst" --force
    kill "$TARGET"
    is "the table names its types ($option)" "$("$RUDO_SNAP" query --format csv "$WORK/crystal.zst" \
        "SELECT type, reachable_objects FROM types WHERE type NOT LIKE '%bytes' AND type NOT LIKE '%, large' ORDER BY type" | tail -n +2)" \
        "$(printf 'Array(Order),20\nOrder,300\nPoint,10\nString,40')"
done
if [ "${CHECK_TIER:-}" = quick ]; then
    note "programs of Crystal and Nix take seconds: make check-all runs them"
elif command -v crystal >/dev/null 2>&1; then
    check "a Crystal program is built" env HOME="$WORK" crystal build samples/boehm/shop.cr -o "$WORK/shop"
    start_waiting "$WORK/out" "$WORK/shop"
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/crystal.zst" --force
    kill "$TARGET"
    is "its orders are reachable" "$("$RUDO_SNAP" query --format csv "$WORK/crystal.zst" \
        "SELECT type, reachable_objects FROM types WHERE type IN ('Order', 'Shop') ORDER BY type" | tail -n +2)" \
        "$(printf 'Order,20000\nShop,1')"
else
    skip "a Crystal program" "Crystal is not installed (crystal)"
fi

# Values of Nix, in the middle of an evaluation: the list of orders is there, and each order has a name.
if [ "${CHECK_TIER:-}" = quick ]; then
    :
elif command -v nix-instantiate >/dev/null 2>&1; then
    start "$WORK/out" env HOME="$WORK" nix-instantiate --store dummy:// --eval samples/boehm/orders.nix
    TARGET=$STARTED
    # The orders are there before its memory grows.
    # shellcheck disable=SC2016  # expanded by the other shell
    wait_until 60 sh -c 'test "$(cut -d " " -f 2 "/proc/$1/statm")" -gt 20000' - "$TARGET" ||
        bail "Nix did not evaluate: $(head -c 300 "$WORK/out")"
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/nix.zst"
    check_exit "Nix is captured while it evaluates" 0
    kill "$TARGET"
    is "its 20,000 attribute sets are reachable" "$("$RUDO_SNAP" query --format csv "$WORK/nix.zst" \
        "SELECT reachable_objects >= 20000 FROM types WHERE type = 'attribute set'" | tail -n 1)" 1
    check "the list of orders keeps them" grep -q 'list elements' <("$RUDO_SNAP" path "$WORK/nix.zst" 'attribute set')
else
    skip "values of Nix" "Nix is not installed (nix-bin)"
fi
done_testing
