#!/bin/bash
# capture --explain: of a heap that is described wrongly, which checks fail with which values is
# said of its pages, and nothing is written.
. "$(dirname "$0")/../support/live.sh"

LAYOUT=$ROOT/tests/live/targets/odd_slots.json

# changed NAME SED...: the layout with another value.
changed()
{
    sed "$2" "$LAYOUT" >"$WORK/$1.json"
    echo "$WORK/$1.json"
}

# explained LAYOUT [OPTION...]: leaves $STATUS and the output.
explained()
{
    run "$RUDO_SNAP" capture --pid "$TARGET" --layout "$1" --explain "${@:2}"
}

start_target odd_slots
before=$(find "$WORK" -type f | wc -l)
explained "$LAYOUT"
check_exit "the right layout" 0
check_output "sizes and first slots are said" stdout \
    "odd_slots (pid $TARGET), layout odd-slots: * valid pages*84 slots of 48 bytes, the first at +40*"
check_output "nothing else is" stdout "*50 slots of 80 bytes, the first at +72*"
check "of no page that it is not valid" sh -c "! grep -q 'not valid' '$WORK/stdout'"
is "nothing was written" "$(($(find "$WORK" -type f | wc -l) - before))" 2 # the two streams of run
pages=$("$RUDO_SNAP" capture --pid "$TARGET" --layout "$LAYOUT" --explain -v | grep -c '^0x.* valid ')
is "--verbose has a line for each page" "$pages" \
    "$(sed -n 's/.*layout odd-slots: \([0-9,]*\) valid pages.*/\1/p' "$WORK/stdout" | tr -d ,)"

explained "$(changed size 's/"max_block_size": 1008/"max_block_size": 128/')"
check_exit "some pages are valid" 0
check_output "the field, its value, and the range are said" stdout \
    "*not valid*0x*block_size (offset 8) is 336, expected a multiple of 16 from 48 to 128 that fits the page*"
explained "$(changed step 's/"block_size_step": 16/"block_size_step": 0/; s/: 48,/: 64,/; s/1008/1024/')"
check_output "several sizes are several lines" stdout \
    "*is 336, expected a power of two from 64 to 1024*is 48, expected a power of two*is 80, expected*"
explained "$(changed count 's/"object_count": { "offset": 12/"object_count": { "offset": 18/')"
check_exit "no page is valid" 1
check_output "the count is said" stdout "*object_count (offset 18) is 0, expected 84, for slots of 48 bytes*"
explained "$(changed magic 's/"magic": { "offset": 0/"magic": { "offset": 8/')"
check_exit "the magic is not where it should be" 1
check_output "it is found where it is" stdout "*0 of them*The magic lies at * at offset 0 of a page*Is the offset of 'magic' 0?*"
explained "$(changed value 's/0x53544f4c5344444f/0x53544f4c53444400/')"
check_output "or nowhere" stdout "*The magic lies nowhere*"
explained "$(changed quiet 's/0x53544f4c5344444f/0x53544f4c53444400/')" -q
is "with --quiet the status says it" "$STATUS $(wc -c <"$WORK/stdout")" "1 0"
explained "$LAYOUT" -o "$WORK/x.zst"
check_exit "no snapshot at the same time" 2
run "$RUDO_SNAP" capture --explain --layout "$LAYOUT" -- true
check_exit "no program" 2
run "$RUDO_SNAP" capture --pid "$TARGET" -v -o "$WORK/x.zst"
check_exit "--verbose alone" 2
run "$RUDO_SNAP" capture --pid "$TARGET" --explain
check_exit "without a layout: that of the program's version, or the newest" 1
check_runs "the program runs on"
run "$RUDO_SNAP" capture --pid "$TARGET" --layout "$WORK/count.json" -o "$WORK/x.zst"
check_exit "a capture that finds no valid page" 3
check_output "says the same of the first" stderr \
    "*headers are not valid; the first at 0x*: object_count (offset 18) is 0, expected *"
check_output "and how to learn more" stderr "*--explain*"
if command -v gcore >/dev/null && gcore -o "$WORK/core" "$TARGET" >/dev/null 2>&1; then
    explained "$LAYOUT" >/dev/null
    grep -v '^odd_slots\|searched' "$WORK/stdout" >"$WORK/of-pid"
    run "$RUDO_SNAP" capture --core "$WORK/core.$TARGET" --layout "$LAYOUT" --explain
    check_exit "of a core" 0
    grep -v '^odd_slots\|searched' "$WORK/stdout" >"$WORK/of-core"
    check "the same is said" cmp "$WORK/of-pid" "$WORK/of-core"
else
    skip "of a core" "no gcore here"
fi
end_target
done_testing
