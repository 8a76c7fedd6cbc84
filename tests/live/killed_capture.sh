#!/bin/bash
# A capture that is ended by a signal, at a random moment and by each method: the target runs on,
# untraced; none of its pages is left write-protected, it has no child, and a file with the final name
# is whole.
# timeout: 3600
. "$(dirname "$0")/../support/live.sh"

# Enough memory that a good part of the time goes into stopping and copying.
start_target many_threads sleeping=12 spawning=1 pages=16000
mkdir "$WORK/out"
heap=$WORK/out/heap.zst

# time_capture METHOD: one that is not disturbed; leaves how long it took in $took, and its options
# in $method, for the functions below.
time_capture()
{
    local began
    read -ra method <<<"$(method_options "$1")"
    began=$(now_us)
    run "$RUDO_SNAP" capture "${method[@]}" --pid "$TARGET" -o "$heap"
    took=$(($(now_us) - began))
    check_exit "$1: a capture that is not disturbed" 0
    check "$1: its snapshot verifies" "$RUDO_SNAP" verify "$heap"
    rm -f "$heap"
    note "$1: one capture takes $took us"
}

# wait_for_guard TOOL: until it begins to trace the target, which its child does, or ends.
wait_for_guard()
{
    local child=""
    while [ -z "$child" ] && kill -0 "$1" 2>/dev/null; do
        read -r child 2>/dev/null <"/proc/$1/task/$1/children"
    done
}

# end_captures SIGNAL ROUNDS: sends it to captures at random moments, every other one while the
# target is first stopped, or about to be; leaves $trouble, $whole, $statuses.
end_captures()
{
    local i tool found
    trouble=""
    whole=0
    statuses=""
    for ((i = 0; i < $2; i++)); do
        "$RUDO_SNAP" capture "${method[@]}" --pid "$TARGET" -o "$heap" >/dev/null \
            2>"$WORK/capture.err" &
        tool=$!
        if ((i % 2 == 0)); then
            draw "$took"
        else
            wait_for_guard "$tool"
            draw 5000
        fi
        sleep_us "$DRAWN"
        kill "-$1" "$tool" 2>/dev/null
        wait "$tool" 2>/dev/null
        statuses+=" $?"
        found=$(target_trouble)$(target_leftovers)
        [ -z "$found" ] || trouble+="round $i: $found"$'\n'
        if [ -e "$heap" ]; then
            whole=$((whole + 1))
            "$RUDO_SNAP" verify "$heap" >/dev/null 2>&1 || trouble+="round $i: a damaged file"$'\n'
            rm -f "$heap"
        fi
        # A writer that is killed leaves a file of another name.
        if [ "$1" != KILL ] && [ -n "$(ls -A "$WORK/out")" ]; then
            trouble+="round $i: left behind: $(ls -A "$WORK/out")"$'\n'
        fi
        rm -rf "${WORK:?}/out/"* "$WORK"/out/.[!.]*
    done
}

# A capture that is put to sleep must not hold the target meanwhile: SIGTSTP takes effect once the
# target runs again, and when SIGSTOP comes while the target stands still, the guard lets it go.
# put_to_sleep SIGNAL ROUNDS: leaves $trouble, $statuses.
put_to_sleep()
{
    local i tool found
    trouble=""
    statuses=""
    for ((i = 0; i < $2; i++)); do
        start "$WORK/capture.out" "$RUDO_SNAP" capture "${method[@]}" --pid "$TARGET" -o "$heap"
        tool=$STARTED
        draw "$took"
        sleep_us "$DRAWN"
        kill "-$1" "$tool" 2>/dev/null
        sleep 0.2
        found=$(target_trouble)
        [ -z "$found" ] || trouble+="round $i: $found"$'\n'
        kill -CONT "$tool" 2>/dev/null
        wait "$tool"
        statuses+=" $?"
        rm -f "$heap"
    done
}

rounds=$((3 * DOSE))
for name in $(capture_methods) precopy-staged; do
    time_capture "$name"
    end_captures KILL "$rounds"
    is "$name: $rounds captures are killed: the target is as before, and files are whole or absent" \
        "$trouble" ""
    note "$whole of them had written their files"
    for signal in INT TERM; do
        case $signal in INT) number=2 ;; TERM) number=15 ;; esac
        end_captures "$signal" $((2 * DOSE))
        is "$name: $((2 * DOSE)) captures get SIG$signal: the target is as before, and nothing left" \
            "$trouble" ""
        is "$name: SIG$signal takes effect once that is done" \
            "$(tr ' ' '\n' <<<"$statuses" | grep -vxE "|0|$((128 + number))")" ""
    done
done

for name in $(capture_methods); do
    time_capture "$name"
    put_to_sleep TSTP $((1 * DOSE))
    is "$name: a capture that is put to sleep by SIGTSTP does not hold the target" "$trouble" ""
    is "$name: it ends well later" "$(tr ' ' '\n' <<<"$statuses" | grep -vxE '|0')" ""
    put_to_sleep STOP $((1 * DOSE))
    is "$name: a capture that is put to sleep by SIGSTOP does not hold the target" "$trouble" ""
    is "$name: it ends well later, or says that it had to let go" \
        "$(tr ' ' '\n' <<<"$statuses" | grep -vxE '|0|1')" ""
    note "SIGSTOP: statuses$statuses"
done
done_testing
