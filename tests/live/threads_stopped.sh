#!/bin/bash
# Threads of all kinds are stopped, read, and let go as they were.
. "$(dirname "$0")/../support/live.sh"

capture()
{
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/heap.zst" --force
}

start_target many_threads sleeping=64 pages=7000
capture
check_exit "a process of 66 threads" 0
check_runs "it runs on"
end_target

start_target many_threads sleeping=4 spawning=4
failed=0
for ((i = 0; i < 50 * DOSE; i++)); do
    capture
    [ "$STATUS" -eq 0 ] || failed=$((failed + 1))
done
is "threads that are born and die meanwhile" "$failed $(head -c 300 "$WORK/stderr")" "0 "
check_runs "it runs on"
end_target

start_target many_threads sleeping=2 main-ends
capture
check_exit "a process whose first thread has ended" 0
check "it runs on" has_beaten_since "$(beats)"
end_target

# Stopped before: it stays stopped, and goes on when it is told to.
start_target many_threads sleeping=3
kill -STOP "$TARGET"
is_stopped()
{
    ! grep -h '^State:' "/proc/$TARGET/task"/*/status | grep -qv 'T (stopped)'
}
wait_until 5 is_stopped
before=$(beats)
capture
check_exit "a process that is stopped by SIGSTOP" 0
wait_until 5 is_stopped
check "all its threads stay stopped" is_stopped
is "its heartbeat stands still" "$(beats)" "$before"
kill -CONT "$TARGET"
check "SIGCONT wakes it" wait_until 5 has_beaten_since "$before"
check_runs "it runs on"
end_target

# Stopped and continued while captures go on.
start_target many_threads sleeping=3 pages=4000
while :; do
    kill -STOP "$TARGET" 2>/dev/null || break
    sleep 0.003
    kill -CONT "$TARGET" 2>/dev/null
    sleep 0.003
done &
nuisance=$!
failed=0
for ((i = 0; i < 30 * DOSE; i++)); do
    capture
    [ "$STATUS" -eq 0 ] || failed=$((failed + 1))
done
kill "$nuisance"
wait "$nuisance" 2>/dev/null
kill -CONT "$TARGET"
is "a process that is stopped and continued all the time" "$failed $(head -c 300 "$WORK/stderr")" \
    "0 "
check_runs "it runs on"
end_target

# Gone at a random moment: a capture succeeds, or says so.
surprises=""
for ((i = 0; i < 20 * DOSE; i++)); do
    start_target many_threads sleeping=8 spawning=1 pages=8000 "lifetime-ms=$((20 + i % 20 * 3))"
    rm -f "$WORK/heap.zst"
    capture
    case $STATUS in
    0) [ -e "$WORK/heap.zst" ] || surprises+="$i: status 0 without a file"$'\n' ;;
    4)
        [ ! -e "$WORK/heap.zst" ] || surprises+="$i: status 4 with a file"$'\n'
        grep -qE "exited while it was captured|no such process|has ended already" "$WORK/stderr" ||
            surprises+="$i: $(head -1 "$WORK/stderr")"$'\n'
        ;;
    *) surprises+="$i: status $STATUS: $(head -1 "$WORK/stderr")"$'\n' ;;
    esac
    wait "$TARGET" 2>/dev/null
done
is "a process that ends meanwhile" "$surprises" ""
done_testing
