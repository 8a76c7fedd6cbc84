#!/bin/bash
# The guard of a capture is put to sleep (SIGSTOP) at a random moment, by each method: it is woken, so
# that the capture ends and the target runs on, also when rudo-snap is killed or sleeps as well.
# timeout: 3600
. "$(dirname "$0")/../support/live.sh"

start_target many_threads sleeping=8 pages=16000
heap=$WORK/heap.zst

# find_guard TOOL: waits until it has a guard, or has ended; leaves $guard.
find_guard()
{
    local child children
    guard=""
    while [ -z "$guard" ] && kill -0 "$1" 2>/dev/null; do
        # It does not end with a line feed, which read reports.
        read -r children 2>/dev/null <"/proc/$1/task/$1/children"
        for child in $children; do
            [ "$(cat "/proc/$child/comm" 2>/dev/null)" != rudo-snap-guard ] || guard=$child
        done
    done
}

# put_to_sleep METHOD WHAT ROUNDS: leaves $trouble, $statuses, $slept.
put_to_sleep()
{
    local i tool found took began
    read -ra method <<<"$(method_options "$1")"
    began=$(now_us)
    run "$RUDO_SNAP" capture "${method[@]}" --pid "$TARGET" -o "$heap" --force
    took=$(($(now_us) - began))
    trouble=""
    statuses=""
    slept=0
    for ((i = 0; i < $3; i++)); do
        start "$WORK/capture.out" "$RUDO_SNAP" capture -q "${method[@]}" --pid "$TARGET" -o "$heap" --force
        tool=$STARTED
        find_guard "$tool"
        draw "$((took / 2))"
        sleep_us "$DRAWN"
        # A guard that has ended is a zombie of the tool, which reaps it.
        if [ -n "$guard" ] && grep -q "^PPid:[[:space:]]*$tool\$" "/proc/$guard/status" 2>/dev/null &&
            kill -STOP "$guard" 2>/dev/null; then
            slept=$((slept + 1))
        fi
        case $2 in
        killed) kill -KILL "$tool" 2>/dev/null ;;
        asleep) kill -STOP "$tool" 2>/dev/null ;;
        esac
        found=$(target_trouble)
        [ "$2" = asleep ] || found+=$(target_leftovers)
        [ "$2" = asleep ] && kill -CONT "$tool" 2>/dev/null
        wait "$tool" 2>/dev/null
        statuses+=" $?"
        [ "$2" != asleep ] || found+=$(target_leftovers)
        [ -z "$found" ] || trouble+="round $i: $found"$'\n'
    done
}

rounds=$DOSE
for name in $(capture_methods); do
    put_to_sleep "$name" awake "$rounds"
    is "$name: the guard sleeps $slept times in $rounds captures: the target runs on" "$trouble" ""
    is "$name: each capture succeeds" "$(tr ' ' '\n' <<<"$statuses" | grep -vxE '|0')" ""
    put_to_sleep "$name" killed "$rounds"
    is "$name: the guard sleeps $slept times, and rudo-snap is killed: the target runs on" "$trouble" ""
    put_to_sleep "$name" asleep "$rounds"
    is "$name: the guard sleeps $slept times, and rudo-snap, too: the target runs on" "$trouble" ""
    is "$name: it ends well later, or says that it had to let go" \
        "$(tr ' ' '\n' <<<"$statuses" | grep -vxE '|0|1')" ""
done
done_testing
