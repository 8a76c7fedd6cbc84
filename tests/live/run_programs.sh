#!/bin/bash
# timeout: 300
# `capture -- PROGRAM`: the program is captured when it was asked for, ends as it would have ended
# alone, and so does rudo-snap.
. "$(dirname "$0")/../support/live.sh"

# A program that is traced cannot look for its own leaks.
program=(env "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" "$TARGETS/ending_program")
snapshot=$WORK/end.zst

# objects FILE: how many objects are reachable in a snapshot, of how many.
objects()
{
    "$RUDO_SNAP" mark -q --json - "$1" | python3 -c '
import json, sys
totals = json.load(sys.stdin)["totals"]
print(totals["reachable_objects"], "of", totals["objects"])'
}

# ends HOW STATUS [ARGUMENT...]: captured at its end, with all its objects reachable.
ends()
{
    local how=$1 status=$2
    shift 2
    run "$RUDO_SNAP" capture -f -o "$snapshot" -- "${program[@]}" "$how" "$@"
    check_exit "$how $*: rudo-snap ends as the program did" "$status"
    is "$how $*: the heap is captured whole" "$(objects "$snapshot")" "$expected of $expected"
    rm -f "$snapshot"
}
expected=$((64 * 39))
for threads in 0 5; do
    ends exit 7 threads=$threads
    ends thread-exit 8 threads=$threads
    ends main-leaves 9 threads=$threads
    ends abort 134 threads=$threads
    ends kill 137 threads=$threads
    ends fork 7 threads=$threads
done
ends exit 7 threads=64 pages=64
expected=$((3 * 39)) # of the program that it becomes
for threads in 0 5; do
    ends exec 7 threads=$threads
    ends thread-exec 7 threads=$threads
done

# Standard input and output are the program's.
seq 50000 >"$WORK/input"
"$RUDO_SNAP" capture -q -o "$snapshot" -- "${program[@]}" copy <"$WORK/input" >"$WORK/output" 2>"$WORK/stderr"
is "standard input and output are the program's: status" "$?" 7
check "standard input and output are the program's: every byte" cmp "$WORK/input" "$WORK/output"
is "--quiet says nothing" "$(cat "$WORK/stderr")" ""
rm -f "$snapshot"

# Times.
run "$RUDO_SNAP" capture --after 100ms -o "$snapshot" -- "${program[@]}" exit ms=600
check_exit "--after: the program's status" 7
check_output "--after: the summary goes to standard error" stderr "*ending_program (pid *wrote *"
check_output "--after: standard output stays the program's" stdout ""
is "--after: the heap is captured whole" "$(objects "$snapshot")" "2496 of 2496"
rm -f "$snapshot"
run "$RUDO_SNAP" capture --after 10s -o "$snapshot" -- "${program[@]}" exit ms=1
check_exit "--after: a program that ends before is an error" 4
check_output "and is said" stderr "rudo-snap: 'env' (pid *) ended before the first snapshot*"
run "$RUDO_SNAP" capture --every 200ms -o "$WORK/series.zst" -- "${program[@]}" exit ms=1100
check_exit "--every: the program's status" 7
count=$(find "$WORK" -name 'series.*.zst' | wc -l)
check "--every: several snapshots" test "$count" -ge 2 -a "$count" -le 5
check "--every: numbered from 1" test -s "$WORK/series.0001.zst" -a -s "$WORK/series.0002.zst"
check "--every: each is whole" "$RUDO_SNAP" verify "$WORK"/series.*.zst
sums=$(cd "$WORK" && md5sum series.*.zst)
run "$RUDO_SNAP" capture --every 200ms --force -o "$WORK/series.zst" -- "${program[@]}" exit ms=1100
check_exit "--every: a service that is started again" 7
check "replaces none of its snapshots, though forced" \
    sh -c "cd '$WORK' && echo '$sums' | md5sum --quiet -c"
check "and continues behind them" test -s "$WORK/series.$(printf %04d $((count + 1))).zst"

# Signals. start_captured ARGUMENT...: rudo-snap in the background; its pid is $STARTED.
start_captured()
{
    rm -f "$WORK/target.out"
    start "$WORK/target.out" "$RUDO_SNAP" capture "$@" -- "${program[@]}" term
    wait_until 20 grep -q '^ready' "$WORK/target.out" || bail "the program did not start"
    program_pid=$(sed -n 's/^pid //p' "$WORK/target.out")
}
start_captured -f -o "$snapshot"
kill -TERM "$STARTED"
wait "$STARTED"
is "a signal for rudo-snap is handed on to the program" "$?" 42
is "which is captured at its end nevertheless" "$(objects "$snapshot")" "2496 of 2496"

start_captured --on-signal USR2 -o "$WORK/signal"
kill -USR2 "$STARTED"
wait_until 10 test -s "$WORK/signal.0001"
kill -USR2 "$STARTED"
wait_until 10 test -s "$WORK/signal.0002"
kill -TERM "$STARTED"
wait "$STARTED"
is "--on-signal: the program's status" "$?" 42
check "--on-signal: a snapshot for each signal" "$RUDO_SNAP" verify "$WORK/signal.0001" "$WORK/signal.0002"

# The program stops and goes on as it would alone.
state_is()
{
    grep -q "^State:[[:space:]]*[$1]" "/proc/$program_pid/status"
}
start_captured -f -o "$snapshot"
kill -STOP "$program_pid"
check "a program that is watched can be stopped" wait_until 5 state_is "Tt"
kill -CONT "$program_pid"
check "and goes on" wait_until 5 state_is S
# Without us it is as well as before.
kill -KILL "$STARTED"
wait "$STARTED" 2>/dev/null
untraced()
{
    grep -q '^TracerPid:[[:space:]]*0$' "/proc/$program_pid/status" && state_is S
}
check "when rudo-snap is killed the program runs on, untraced" wait_until 5 untraced
kill -TERM "$program_pid"

# What cannot be.
run "$RUDO_SNAP" capture -o "$WORK/never" -- "$WORK/nowhere"
check_exit "a program that does not exist" 4
check_output "is said" stderr "rudo-snap: cannot run '*/nowhere': No such file or directory*"
run "$RUDO_SNAP" capture -o "$WORK/never" -- true
check_exit "a program without a heap" 3
run "$RUDO_SNAP" capture -o "$WORK/no/folder" -- "${program[@]}" exit
check_exit "a folder that does not exist" 4
run "$RUDO_SNAP" capture --max-size 100 -o "$WORK/never" -- "${program[@]}" exit
check_exit "a snapshot that is too large" 1
check "nothing is left of all these" test ! -e "$WORK/never"
done_testing
