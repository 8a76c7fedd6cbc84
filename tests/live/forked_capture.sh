#!/bin/bash
# A capture by fork sees what a capture by stopping sees, and the process does not notice: no
# SIGCHLD, no child to wait for, no zombie, no lock that outlives its file, whatever ends the
# capture. What does not fork is there all the same.
# timeout: 180
. "$(dirname "$0")/../support/live.sh"

heap=$WORK/heap.zst

# capture METHOD [OPTION...]
capture()
{
    run "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --force --method "$@"
}

# What a mark says, without how it was captured.
marked()
{
    "$RUDO_SNAP" mark --json - "$heap" | sed '/"capture": {/,/}/d'
}

# Processes that are not gone: children of the target, zombies included.
children()
{
    ps -o pid=,stat= --ppid "$TARGET" | tr '\n' ';'
}

has_no_children()
{
    [ -z "$(children)" ]
}

field()
{
    sed -n "s/.*\b$1 \([0-9]*\).*/\1/p" <<<"$said"
}

pages=2000
start_target watches_forks $pages
capture stop
check_exit "a capture by stopping" 0
by_stop=$(marked)
objects=$("$RUDO_SNAP" mark "$heap" | awk '/^reachable/ { gsub(",", "", $2); print $2 }')
capture fork
check_exit "a capture by fork" 0
is "both see the same" "$(diff <(echo "$by_stop") <(marked))" ""
check "the chain through memory that does not fork is whole" test "${objects:-0}" -eq $((3 * pages))
run "$RUDO_SNAP" info --json "$heap"
check_output "info says how it was made" stdout '*"method": "fork"*"phase": "fork"*"phase": "reap"*'
is "the fork is gone" "$(children)" ""

captures=$((6 * DOSE))
failed=""
for ((i = 0; i < captures; i++)); do
    capture fork
    [ "$STATUS" -eq 0 ] || failed+="$(head -1 "$WORK/stderr")"$'\n'
done
is "$captures captures succeed" "$failed" ""
check_runs "the target runs on"

began=$(now_us)
capture fork
took=$(($(now_us) - began))
trouble=""
for ((i = 0; i < captures; i++)); do
    "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --force --method fork >/dev/null 2>&1 &
    tool=$!
    draw "$took"
    sleep_us "$DRAWN"
    kill -KILL "$tool" 2>/dev/null
    wait "$tool" 2>/dev/null
    wait_until 5 has_no_children || trouble+="round $i: left behind: $(children)"$'\n'
    found=$(target_trouble)
    [ -z "$found" ] || trouble+="round $i: $found"$'\n'
done
is "$captures captures are killed: no fork stays, the target runs on" "$trouble" ""
end_target
said=$(tail -1 "$WORK/target.out")
note "$said"
is "no SIGCHLD came" "$(field sigchld)" 0
is "wait() knew of no child" "$(field children)" 0
is "no lock outlived its file" "$(field locks)" 0

# It starts another program once it is forked, and cannot be traced meanwhile: the fork is reaped
# when it can, which may be after the capture.
cp "$TARGETS/slow_exec" "$WORK/again"
start_target slow_exec "$WORK/again"
reason=$(sed -n 's/^skipped: //p' "$WORK/target.out")
if [ -n "$reason" ]; then
    skip "a process that starts another program slowly" "$reason"
else
    capture fork
    check_exit "a process that starts another program slowly is captured" 0
    check "it had begun to" grep -q '^slow' "$WORK/target.out"
    run "$RUDO_SNAP" info "$heap"
    check_output "info says what could not be done" stdout \
        '*cannot be traced while it starts another program*'
    check "it does start it" wait_until 10 grep -q '^again' "$WORK/target.out"
    check "no fork stays" wait_until 10 has_no_children
    check_runs "it runs on"
    end_target
fi

# What the limit says.
start_target many_threads sleeping=4 pages=16000
capture stop --max-pause 1ms
check_exit "a stop that takes longer than it may" 1
check_output "the overshoot is told" stderr '*stood still for * ms, * ms more than the 1.000 ms*'
check_runs "the target runs on"
capture fork --max-pause 100us
check_exit "a fork that would take much longer than it may" 1
check_output "it is not begun" stderr '*would stand still for about*it was not stopped*'
capture auto --max-pause 10s
check_exit "a limit that is kept" 0
rm -f "$heap"
run "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --max-pause 1ms --method stop
check "a limit that is not kept: no file is left" test ! -e "$heap"
check_runs "the target runs on"
end_target

# Where forking could kill.
start_target sandboxed
wait_until 5 grep -q closed "$WORK/target.out" || bail "the target is not closed in"
wrapper=()
[ "$(id -u)" -ne 0 ] || wrapper=(setpriv --bounding-set=-sys_admin)
run "${wrapper[@]}" "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --force --method fork
check_exit "a process under seccomp is not forked" 4
check_output "the reason is told" stderr '*runs under seccomp*--method auto*'
run "${wrapper[@]}" "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --force
check_exit "but it is captured" 0
run "$RUDO_SNAP" info "$heap"
check_output "info says why it was stopped" stdout \
    '*note: it was stopped, not forked: *runs under seccomp*'
check_runs "it runs on"
end_target

# Where some threads run under seccomp, another one makes the calls.
for filtered in 1 20; do
    start_target sandboxed $filtered
    wait_until 5 grep -q closed "$WORK/target.out" || bail "the target is not closed in"
    trouble=""
    for ((i = 0; i < 2 * DOSE; i++)); do
        run "${wrapper[@]}" "$RUDO_SNAP" capture --pid "$TARGET" -o "$heap" --force --method fork
        # At once: a zombie that is left to the guard stays for a while.
        trouble+=$(children)
        [ "$STATUS" -eq 0 ] || trouble+="$i: status $STATUS: $(head -1 "$WORK/stderr")"$'\n'
        "$RUDO_SNAP" info "$heap" | grep -q '^note: .*\(zombie\|seccomp\)' && trouble+="$i: a note"$'\n'
    done
    is "$filtered threads under seccomp beside a free one: forked, and no fork stays" "$trouble" ""
    check_runs "it runs on"
    end_target
done
done_testing
