#!/bin/bash
# Threads of all kinds are stopped, read, and let go as they were, by every method.
# timeout: 1200
. "$(dirname "$0")/../support/live.sh"

mapfile -t methods < <(capture_methods)
captures=0

# By another method than the last time; its name is in $method.
capture()
{
    method=${methods[captures++ % ${#methods[@]}]}
    capture_by "$method"
}

# check_each NAME: each method captures it.
check_each()
{
    for _ in "${methods[@]}"; do
        capture
        check_exit "$method: $1" 0
    done
}

start_target many_threads sleeping=64 pages=7000
check_each "a process of 66 threads"
check_runs "it runs on"
end_target

start_target many_threads sleeping=4 spawning=4
failed=""
for ((i = 0; i < 8 * DOSE; i++)); do
    capture
    [ "$STATUS" -eq 0 ] || failed+="$method: $(head -1 "$WORK/stderr")"$'\n'
done
is "threads that are born and die meanwhile" "$failed" ""
check_runs "it runs on"
end_target

start_target many_threads sleeping=2 main-ends
check_each "a process whose first thread has ended"
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
check_each "a process that is stopped by SIGSTOP"
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
failed=""
for ((i = 0; i < 6 * DOSE; i++)); do
    capture
    [ "$STATUS" -eq 0 ] || failed+="$method: $(head -1 "$WORK/stderr")"$'\n'
done
kill "$nuisance"
wait "$nuisance" 2>/dev/null
kill -CONT "$TARGET"
is "a process that is stopped and continued all the time" "$failed" ""
check_runs "it runs on"
end_target

# Gone at a random moment: a capture succeeds, or says so.
surprises=""
for ((i = 0; i < 8 * DOSE; i++)); do
    draw 60
    start_target many_threads sleeping=8 spawning=1 pages=8000 "lifetime-ms=$((20 + DRAWN))"
    rm -f "$WORK/heap.zst"
    capture
    case $STATUS in
    0) [ -e "$WORK/heap.zst" ] || surprises+="$i, $method: status 0 without a file"$'\n' ;;
    4)
        [ ! -e "$WORK/heap.zst" ] || surprises+="$i, $method: status 4 with a file"$'\n'
        grep -qE "exited while it was captured|no such process|has ended already" "$WORK/stderr" ||
            surprises+="$i, $method: $(head -1 "$WORK/stderr")"$'\n'
        ;;
    *) surprises+="$i, $method: status $STATUS: $(head -1 "$WORK/stderr")"$'\n' ;;
    esac
    wait "$TARGET" 2>/dev/null
done
is "a process that ends meanwhile" "$surprises" ""
done_testing
