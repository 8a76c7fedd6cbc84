#!/bin/bash
# Two captures of one process at once, by all pairs of methods and beside one that the process makes of
# itself: each shows one moment. And captures of a process whose writes another process tracks, too.
# See tests/support/invariant_heap.h and write_tracker.h.
# timeout: 3600
. "$(dirname "$0")/../support/live.sh"

# start_keeper ARG...: leaves the arguments of the checker in $heap.
start_keeper()
{
    start_target keeps_invariants "$@"
    heap=$(sed -n 's/^heap //p' "$WORK/target.out")
}

self_captures()
{
    [ "$(grep -c '^captured' "$WORK/target.out")" -ge "$1" ]
}

# capture_once METHOD FILE: its status; `self` is the capture that the process makes of itself.
capture_once()
{
    local before
    if [ "$1" = self ]; then
        before=$(grep -c '^captured' "$WORK/target.out")
        kill -USR1 "$TARGET"
        wait_until 60 self_captures $((before + 1)) || return 9
        mv "$WORK/heartbeat.self.zst" "$2" && grep '^captured' "$WORK/target.out" | tail -1 |
            grep -q '^captured 0'
        return
    fi
    # shellcheck disable=SC2046  # words on purpose
    "$RUDO_SNAP" capture -q $(method_options "$1") --pid "$TARGET" -o "$2" --force 2>"$2.err"
}

# check_snapshot METHOD STATUS FILE: adds to $failed and $torn.
check_snapshot()
{
    local output
    if [ "$2" -ne 0 ]; then
        failed+="$1: status $2: $(head -1 "$3.err" 2>/dev/null)"$'\n'
        return
    fi
    # shellcheck disable=SC2086  # words on purpose
    output=$("$TARGETS/check_invariants" "$3" $heap 2>&1) || torn+="$1: $output"$'\n'
}

# check_pairs METHOD METHOD PAIRS
check_pairs()
{
    local i first second one
    failed=""
    torn=""
    for ((i = 0; i < $3; i++)); do
        capture_once "$1" "$WORK/one.zst" &
        one=$!
        draw 20000
        sleep_us "$DRAWN"
        capture_once "$2" "$WORK/other.zst"
        second=$?
        wait "$one"
        first=$?
        check_snapshot "$1" "$first" "$WORK/one.zst"
        check_snapshot "$2" "$second" "$WORK/other.zst"
    done
    is "$1 and $2: $3 pairs of captures succeed" "$failed" ""
    is "$1 and $2: none of $((2 * $3)) snapshots is torn" "$torn" ""
    pairs=$((pairs + $3))
}

# 540 pairs in `make soak`.
each=$((DOSE > 1 ? 3 * DOSE : 1))
pairs=0
start_keeper 4096 4 6400
mapfile -t methods < <(capture_methods)
for ((a = 0; a < ${#methods[@]}; a++)); do
    for ((b = a; b < ${#methods[@]}; b++)); do
        check_pairs "${methods[a]}" "${methods[b]}" "$each"
    done
    check_pairs self "${methods[a]}" "$each"
done
note "$pairs pairs"
check_runs "the target runs on"
is "nothing is left in it" "$(target_leftovers)" ""
end_target

# A lock that another process holds is waited for, and named in the end.
start_keeper 256 1 6400
exec 9<"/proc/$TARGET/fd"
flock 9
"$RUDO_SNAP" capture -q --pid "$TARGET" -o "$WORK/heap.zst" --force 2>"$WORK/stderr" 9<&- &
waiting=$!
sleep 0.3
check "a capture waits for its turn" kill -0 "$waiting"
exec 9<&-
wait "$waiting"
is "and takes it" $? 0
end_target

start_keeper 4096 4 6400 tracked
if grep -q '^skipped: ' "$WORK/target.out"; then
    skip "a process whose writes another process tracks" \
        "$(sed -n 's/^skipped: //p' "$WORK/target.out")"
    done_testing
fi
capture_by precopy
check_exit "tracked by another process: precopy is refused" 4
check_output "the reason is said" stderr '*another process tracks the writes*--method auto*'
capture_by auto
check_exit "tracked by another process: captured in another way" 0
run "$RUDO_SNAP" info "$WORK/heap.zst"
check_output "info says why" stdout '*note: *another process tracks the writes*'
for method in auto fork stop; do
    failed=""
    torn=""
    for ((i = 0; i < DOSE; i++)); do
        capture_once "$method" "$WORK/one.zst"
        check_snapshot "$method" $? "$WORK/one.zst"
    done
    is "$method, tracked by another process: $DOSE captures succeed" "$failed" ""
    is "$method, tracked by another process: none is torn" "$torn" ""
done
check_runs "the target runs on"
end_target
done_testing
