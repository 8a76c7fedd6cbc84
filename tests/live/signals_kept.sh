#!/bin/bash
# No signal is lost, doubled or changed, while queued ones arrive all the time: neither by
# captures, nor by captures that are killed at a random moment.
# timeout: 180
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

start_target signal_storm
captures=$((20 * DOSE))
failed=0
for ((i = 0; i < captures; i++)); do
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/heap.zst" --force
    [ "$STATUS" -eq 0 ] || failed=$((failed + 1))
done
is "$captures captures in a storm of signals succeed" "$failed $(head -c 300 "$WORK/stderr")" "0 "
check_runs "the target runs on"
check_signals "captures lose no signal"

start_target signal_storm
began=$(now_us)
run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/heap.zst" --force
took=$(($(now_us) - began))
for ((i = 0; i < captures; i++)); do
    "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/heap.zst" --force >/dev/null 2>&1 &
    tool=$!
    sleep_us "$(random_below "$took")"
    kill -KILL "$tool" 2>/dev/null
    wait "$tool" 2>/dev/null
done
check_runs "the target runs on after $captures captures were killed"
check_signals "captures that are killed lose no signal"
done_testing
