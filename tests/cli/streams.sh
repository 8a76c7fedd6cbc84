#!/bin/bash
# Where results go: "-", /dev/stdout, /dev/stderr and /dev/fd/N are streams, which are written to as
# they are; no result replaces an input, or a snapshot without --force; two results never share a
# file or a stream.
. "$(dirname "$0")/../support/tap.sh"

cd "$WORK" || exit 1
for heap in a b c; do
    "$BUILD/tests/cli/helpers/write_shop_heap" $heap.zst || bail "cannot write the sample"
done
sums=$(md5sum a.zst b.zst c.zst)
"$RUDO_SNAP" mark -q --json reach.json a.zst || bail "cannot mark the sample"

# ---- streams ----

for stream in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
    echo before >log
    "$RUDO_SNAP" mark --json "$stream" a.zst >>log
    is "$stream is appended to" "$(cat log)" "before
$(cat reach.json)"
    { echo before; "$RUDO_SNAP" mark --json "$stream" a.zst; echo behind; } >log
    is "$stream goes on in the middle of a group" "$(cat log)" "before
$(cat reach.json)
behind"
    is "$stream goes to a pipe" "$("$RUDO_SNAP" mark --json "$stream" a.zst | cat)" "$(cat reach.json)"
done
exec 8<>removed
rm removed
"$RUDO_SNAP" mark -q --json - a.zst >&8
is "a file that was removed gets it, too" "$(cat /proc/self/fd/8)" "$(cat reach.json)"
exec 8>&-
"$RUDO_SNAP" mark --json /dev/fd/7 a.zst 7>seven >out
is "any descriptor that is open" "$(cat seven)" "$(cat reach.json)"
check "leaves standard output to the summary" grep -q '^digest' out
run "$RUDO_SNAP" mark --json /dev/fd/7 a.zst
check_exit "one that is not open" 2
check_output "is named" stderr "*descriptor 7 is not open*"
"$RUDO_SNAP" verify --salvage a.zst -o - >salvaged.zst 2>stderr
check "a salvaged snapshot goes to standard output" "$RUDO_SNAP" verify -q salvaged.zst
check "and what is said to standard error" grep -q 'frames are undamaged' stderr

# ---- collisions ----

# refused NAME COMMAND...: usage error, and all snapshots are as they were.
refused()
{
    local name=$1
    shift
    run "$RUDO_SNAP" "$@"
    check_exit "$name" 2
    is "$name: nothing is lost" "$(md5sum a.zst b.zst c.zst)" "$sums"
}

few=(--workers 1 --seeds 1..1)
refused "two results to one stream" mark --json - --objects /dev/stdout a.zst
refused "two results to one file" simulate --svg one --trace-events ./one a.zst
refused "mark --json onto its input" mark --json a.zst a.zst
refused "mark --objects onto its input" mark --objects a.zst a.zst
ln -s a.zst link
refused "onto a link to its input" mark --json link a.zst
refused "diff onto an operand" diff --json b.zst a.zst b.zst
refused "diff onto another snapshot" diff --json a.zst b.zst c.zst
refused "replay --json onto a heap" replay -q "${few[@]}" --json a.zst a.zst
refused "replay --junit onto a heap of a folder, though forced" replay -f -q "${few[@]}" --junit a.zst .
refused "simulate --svg onto its heap, though forced" simulate -f --svg a.zst a.zst
refused "salvage onto its input, though forced" verify --salvage -f a.zst -o a.zst
refused "a snapshot that stands beside it" mark --json b.zst a.zst
check_output "the way out is named" stderr "*--json would replace the snapshot 'b.zst'*--force*"
"$RUDO_SNAP" mark -q --schedule seed:1 --record steps a.zst
refused "a schedule that is followed" mark --schedule file:steps --json steps a.zst
"$RUDO_SNAP" simulate -q --json costs.json --calibrate a.zst
refused "costs that are read" simulate --costs costs.json --json costs.json a.zst
cp b.zst bystander.zst
run "$RUDO_SNAP" mark -q --force --json bystander.zst a.zst
check_exit "--force replaces another snapshot" 0
is "by the result" "$(cat bystander.zst)" "$(cat reach.json)"
run "$RUDO_SNAP" mark -q --json /dev/null --objects /dev/null a.zst
check_exit "/dev/null takes any number of results" 0
is "no file is left over" "$(find . -name '*tmp' -o -name '.?*')" ""
cd "$ROOT" || exit 1
done_testing
