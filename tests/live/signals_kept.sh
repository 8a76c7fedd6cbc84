#!/bin/bash
# No signal is lost, doubled or changed, while queued ones arrive all the time: neither by
# captures, whichever way, nor by captures that are killed at a random moment.
# timeout: 1200
. "$(dirname "$0")/../support/live.sh"

# check_signals NAME: what the target says about its signals.
check_signals()
{
    local line
    end_target
    line=$(tail -1 "$WORK/target.out")
    note "$line"
    # shellcheck disable=SC2086  # words on purpose
    set -- "$1" $line
    # sent N received R missing M duplicates D foreign F
    is "$1" "missing ${7:-?} duplicates ${9:-?} foreign ${11:-?} unreceived $((${3:-1} - ${5:-0}))" \
        "missing 0 duplicates 0 foreign 0 unreceived 0"
    check "many signals were sent" test "${3:-0}" -gt 500
}

captures=$((4 * DOSE))
for method in $(capture_methods); do
    start_target signal_storm
    failed=""
    for ((i = 0; i < captures; i++)); do
        capture_by "$method"
        [ "$STATUS" -eq 0 ] || failed+="$(head -1 "$WORK/stderr")"$'\n'
    done
    is "$method: $captures captures in a storm of signals succeed" "$failed" ""
    check_runs "$method: the target runs on"
    check_signals "$method: captures lose no signal"

    start_target signal_storm
    began=$(now_us)
    capture_by "$method"
    took=$(($(now_us) - began))
    for ((i = 0; i < captures; i++)); do
        # shellcheck disable=SC2046  # words on purpose
        "$RUDO_SNAP" capture $(method_options "$method") --pid "$TARGET" -o "$WORK/heap.zst" \
            --force >/dev/null 2>&1 &
        tool=$!
        draw "$took"
        sleep_us "$DRAWN"
        kill -KILL "$tool" 2>/dev/null
        wait "$tool" 2>/dev/null
    done
    check_runs "$method: the target runs on after $captures captures were killed"
    check_signals "$method: captures that are killed lose no signal"
done
done_testing
