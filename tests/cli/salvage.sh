#!/bin/bash
# `verify --salvage`: a file that was cut short or damaged gives what is whole in it, and every
# later report says that something is missing, and how much it may have been.
. "$(dirname "$0")/../support/tap.sh"

make=$BUILD/tests/cli/helpers/make_snapshots
# Several frames of pages.
"$make" random 5 30000 "$WORK/whole.zst" || exit 1
size=$(stat -c %s "$WORK/whole.zst")

# member FILE PATH: a value in a JSON document, by dotted path.
member()
{
    python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[key]
print(json.dumps(value))' "$@"
}

# saved NAME: what was salvaged into $WORK/saved.zst can be used everywhere, and says what it is.
saved()
{
    check "$1: the result is whole" "$RUDO_SNAP" verify -q "$WORK/saved.zst"
    run "$RUDO_SNAP" info "$WORK/saved.zst"
    check_output "$1: info says that it is not complete" stdout "*  complete    no*missing: salvaged from a damaged file, *"
    "$RUDO_SNAP" info --json "$WORK/saved.zst" >"$WORK/info.json"
    is "$1: and so does its JSON" "$(member "$WORK/info.json" complete)" false
    run "$RUDO_SNAP" mark --json "$WORK/mark.json" "$WORK/saved.zst"
    check_exit "$1: it can be marked" 0
    check_output "$1: the summary says what may be missing" stdout "*note: the snapshot is incomplete*upper bounds: *"
    is "$1: the report is not complete" "$(member "$WORK/mark.json" snapshot.complete)" false
    check "$1: and has upper ends" test "$(member "$WORK/mark.json" totals_possible.objects)" -gt \
        "$(member "$WORK/mark.json" totals.objects)"
}

head -c $((size / 2)) "$WORK/whole.zst" >"$WORK/cut.zst"
run "$RUDO_SNAP" mark "$WORK/cut.zst"
check_exit "a file that was cut short is bad input" 3
check_output "the way out is named" stderr "*\`rudo-snap verify --salvage *cut.zst -o saved.zst\` keeps the * frame* whole"
run "$RUDO_SNAP" verify --salvage "$WORK/cut.zst" -o "$WORK/saved.zst"
check_exit "cut short: it is salvaged" 0
check_output "cut short: and how much is said" stdout "*cut.zst: * frames are undamaged
  pages   * of *
  roots   0
*wrote   *saved.zst, which is incomplete*next: rudo-snap info *"
saved "cut short"
check "cut short: the roots are among what is lost" grep -q '"kind": "roots"' "$WORK/info.json"

# A few bytes in the middle: what lies before and behind stays.
cp "$WORK/whole.zst" "$WORK/flipped.zst"
printf 'damaged' | dd of="$WORK/flipped.zst" bs=1 seek=$((size / 3)) conv=notrunc status=none
run "$RUDO_SNAP" verify --salvage "$WORK/flipped.zst" -o "$WORK/saved.zst"
check_exit "an existing file stays" 2
run "$RUDO_SNAP" verify --salvage "$WORK/flipped.zst" --force -o "$WORK/saved.zst"
check_exit "damaged in the middle: it is salvaged" 0
saved "damaged in the middle"
check "damaged in the middle: the roots are there" \
    test "$(member "$WORK/info.json" heap.root_words)" -gt 0

run "$RUDO_SNAP" verify --salvage "$WORK/whole.zst" -f -o "$WORK/saved.zst"
check_exit "a whole file is salvaged whole" 0
check_output "and that is said" stdout "*which is complete*"
"$RUDO_SNAP" mark -q --json "$WORK/a.json" "$WORK/whole.zst"
"$RUDO_SNAP" mark -q --json "$WORK/b.json" "$WORK/saved.zst"
check "with the same report" cmp "$WORK/a.json" "$WORK/b.json"

rm "$WORK/saved.zst"
head -c 70 "$WORK/whole.zst" >"$WORK/nothing.zst"
run "$RUDO_SNAP" verify --salvage "$WORK/nothing.zst" -o "$WORK/saved.zst"
check_exit "where nothing is whole there is nothing to salvage" 3
check_output "as is said" stderr "*there is nothing to salvage*"
run "$RUDO_SNAP" verify --salvage "$WORK/nowhere.zst" -o "$WORK/saved.zst"
check_exit "a file that does not exist" 4
seq 300 >"$WORK/random.zst"
run "$RUDO_SNAP" verify --salvage "$WORK/random.zst" -o "$WORK/saved.zst"
check_exit "a file that is not a snapshot" 3
check "leaves nothing" test ! -e "$WORK/saved.zst"
done_testing
