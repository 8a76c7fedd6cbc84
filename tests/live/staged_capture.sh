#!/bin/bash
# timeout: 300
# A process that is larger than the memory that its copy may take (--staging): the snapshot is the
# same, by every method, and rudo-snap takes no more memory than it may.
. "$(dirname "$0")/../support/live.sh"

case $BUILD in
*/sanitize | */tsan | */fuzz) skip_all "sanitizers take memory of their own" ;;
esac

# Runs the rest and leaves in $peak_kib how much memory it took at most.
measured()
{
    run python3 -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"peak {peak} KiB", file=sys.stderr)
sys.exit(status)' "$@"
    peak_kib=$(sed -n 's/^peak \([0-9]*\) KiB$/\1/p' "$WORK/stderr")
}

start "$WORK/heap.out" "$BUILD/samples/c-heap" --threads 2 --objects 250000
TARGET=$STARTED
wait_until 60 grep -q '"objects"' "$WORK/heap.out" || bail "the sample did not get ready"

mark_of()
{
    "$RUDO_SNAP" mark -q --json - "$1" | python3 -c '
import json, sys
report = json.load(sys.stdin)
print(report["mark"]["digest"], report["totals"]["objects"], report["totals"]["roots"])'
}

for method in $(capture_methods); do
    run "$RUDO_SNAP" capture --method "$method" --pid "$TARGET" -o "$WORK/plain.zst" -f
    check_exit "$method, all in memory" 0
    resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$TARGET/status")
    check "the process is larger than what is allowed ($resident KiB)" test "$resident" -gt 80000
    # Redaction is the same behind every method.
    first=${first:-$method}
    options=("")
    if [ "$method" = "$first" ] || [ "$DOSE" -gt 1 ]; then
        options+=(--redact)
    fi
    for option in "${options[@]}"; do
        # shellcheck disable=SC2086  # one option or none
        measured "$RUDO_SNAP" capture --method "$method" --pid "$TARGET" --staging 24M $option \
            -o "$WORK/staged.zst" -f
        check_exit "$method, in 24 MiB $option" 0
        check_output "it says so" stdout "*staged * compressed to *"
        is "$method $option: the mark is the same" "$(mark_of "$WORK/staged.zst")" \
            "$(mark_of "$WORK/plain.zst")"
        # What the tool itself takes, and what it finds, is not part of the copy.
        check "$method $option: it took $peak_kib KiB" test "$peak_kib" -lt $((24 * 1024 + 16 * 1024))
    done
    run "$RUDO_SNAP" verify "$WORK/staged.zst"
    check_exit "$method: the snapshot verifies" 0
done
run "$RUDO_SNAP" capture --staging 16M -o "$WORK/end.zst" -- \
    "$BUILD/samples/c-heap" --threads 2 --objects 100000 --seconds 0
check_exit "a program that is held at its end" 0
check_output "it says that it was kept compressed" stderr "*staged * compressed to *"
check "its snapshot verifies" "$RUDO_SNAP" verify "$WORK/end.zst"
rm -f "$WORK/end.zst"

# dying_targets CAPTURES: the target is killed at some moment of each; leaves $trouble, $refused.
dying_targets()
{
    local methods=(precopy fork stop) target status i
    trouble="" refused=0
    for ((i = 0; i < $1; i++)); do
        start "$WORK/dying.out" "$BUILD/samples/c-heap" --threads 2 --objects 100000
        target=$STARTED
        wait_until 60 grep -q '"objects"' "$WORK/dying.out"
        "$RUDO_SNAP" capture --method "${methods[i % 3]}" --staging 16M --pid "$target" \
            -o "$WORK/dead.zst" >/dev/null 2>"$WORK/dead.err" &
        draw 150000
        sleep_us "$DRAWN"
        kill -KILL "$target"
        wait $!
        status=$?
        wait "$target" 2>/dev/null
        if [ "$status" -eq 0 ]; then
            "$RUDO_SNAP" verify "$WORK/dead.zst" >/dev/null || trouble+="$i: a damaged file"$'\n'
            rm -f "$WORK/dead.zst"
        elif [ "$status" -eq 4 ] && grep -q "exited\|killed\|no such process" "$WORK/dead.err"; then
            refused=$((refused + 1))
        else
            trouble+="$i: status $status: $(head -1 "$WORK/dead.err")"$'\n'
        fi
    done
}

dying_targets $((3 * DOSE))
is "targets that are killed while they are captured: it says so, or has it all" "$trouble" ""
note "$refused of $((3 * DOSE)) said so"
check "no other file is left" test "$(cd "$WORK" && echo ./*.zst)" = "./plain.zst ./staged.zst"

run "$RUDO_SNAP" capture --pid "$TARGET" --staging 1G -o "$WORK/plain.zst" -f
check_exit "a process that is smaller than what is allowed" 0
check_output "is not compressed" stdout "*pid $TARGET*"
check "nor is anything said of it" test -z "$(grep "^ *staged" "$WORK/stdout")"

run "$RUDO_SNAP" capture --pid "$TARGET" --staging 1M -o "$WORK/little.zst"
check_exit "less than is possible" 2
check_output "it says how much is" stderr "*the minimum is 16.0 MiB*"
run "$RUDO_SNAP" capture --core "$WORK/heap.out" --staging 16M -o "$WORK/little.zst"
check_exit "a core file" 2

# In a control group that could not hold the process, where there is a choice of one.
group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/rudo-snap-test.$$
limit=$group/memory.limit_in_bytes
if [ ! -e "${group%/*}/memory.limit_in_bytes" ]; then
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/rudo-snap-test.$$
    limit=$group/memory.max
fi
if mkdir "$group" 2>/dev/null && echo 64M 2>/dev/null >"$limit"; then
    run bash -c 'echo $BASHPID >"$1/cgroup.procs" && exec "${@:2}"' - "$group" \
        "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/group.zst"
    check_exit "by default, in a group of 64 MiB" 0
    check_output "it is kept compressed" stdout "*staged * compressed to *"
    is "the mark is the same" "$(mark_of "$WORK/group.zst")" "$(mark_of "$WORK/plain.zst")"
else
    skip "a control group with little memory" "none can be made here"
fi
rmdir "$group" 2>/dev/null
done_testing
