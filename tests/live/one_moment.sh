#!/bin/bash
# A snapshot shows one moment, by each method of capturing: a condition that all threads of a program
# keep true at every moment is true in it. See tests/support/invariant_heap.h.
# timeout: 1800
. "$(dirname "$0")/../support/live.sh"

# start_keeper ARG...: leaves the arguments of the checker in $heap.
start_keeper()
{
    start_target keeps_invariants "$@"
    heap=$(sed -n 's/^heap //p' "$WORK/target.out")
}

# A torn snapshot is noticed: this program breaks the condition for most of the time, so each
# snapshot of it must be refused.
start_keeper 4096 4 0 breaks
caught=0
for ((i = 0; i < 5; i++)); do
    capture_by "$(capture_methods | tail -1)"
    # shellcheck disable=SC2086  # words on purpose
    "$TARGETS/check_invariants" "$WORK/heap.zst" $heap >/dev/null 2>&1 || caught=$((caught + 1))
done
is "a program that breaks the condition is caught in 5 of 5 snapshots" "$caught" 5
end_target

# check_captures METHOD NAME CAPTURES
check_captures()
{
    local torn="" failed="" i output
    for ((i = 0; i < $3; i++)); do
        capture_by "$1"
        if [ "$STATUS" -ne 0 ]; then
            failed+="$(head -1 "$WORK/stderr")"$'\n'
            continue
        fi
        # shellcheck disable=SC2086
        output=$("$TARGETS/check_invariants" "$WORK/heap.zst" $heap 2>&1) ||
            torn+="capture $i: $output"$'\n'
    done
    is "$1, $2: $3 captures succeed" "$failed" ""
    is "$1, $2: none of $3 is torn" "$torn" ""
    check_runs "$1, $2: the target runs on"
}

for method in $(capture_methods) precopy-staged fork-staged; do
    start_keeper 8192 4 6400
    check_captures "$method" "10,000 pages written a second" $((2 * DOSE))
    end_target
    start_keeper 8192 4 0
    check_captures "$method" "threads that write as fast as they can" $((1 * DOSE))
    end_target
done
done_testing
