#!/bin/bash
# A leak has one fingerprint in all captures of its program: in other processes, at other addresses, with
# other counts. A budget that lists it is kept until there is another leak; limits measure what the other
# commands print.
. "$(dirname "$0")/../support/live.sh"

# capture_leak FILE: of a new process that has leaked, and would leak more for each line that it gets.
capture_leak()
{
    local leaky
    rm -f leaky.out
    "$BUILD/samples/leaky" --seconds 60 <requests >leaky.out &
    leaky=$!
    TAP_STARTED+=("$leaky")
    wait_until 30 test -s "$WORK/leaky.out" || bail "the sample did not tell its truth"
    run "$RUDO_SNAP" capture --pid "$leaky" -q -o "$1"
    check_exit "capture of process $leaky" 0
    kill -KILL "$leaky"
    wait "$leaky" 2>/dev/null
}

# number FILE KEY: the first number of that name.
number()
{
    sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$1" | head -n 1
}

cd "$WORK" || exit 1
mkfifo requests
# Opened for both, so that neither side waits for the other.
exec 7<>requests
capture_leak first.zst
capture_leak second.zst
for heap in first second; do
    run "$RUDO_SNAP" check --limit 'suspects = 0' $heap.zst
    check_exit "$heap: a leak that is not known" 1
    sed -n 's/^ *leak \([0-9a-f]\{8\}\): .*/\1/p' stdout | sort >$heap.leaks
    check "$heap: it has a fingerprint" test -s $heap.leaks
done
check "the fingerprints are the same" cmp first.leaks second.leaks

sed 's/^/known leak /; s/$/ # in its ticket/' first.leaks >heap.budget
echo 'suspects = 0' >>heap.budget
run "$RUDO_SNAP" check --budget heap.budget --baseline first.zst second.zst
check_exit "a known leak is not counted" 0
check_output "it is listed" stdout "*known     leak * listed in heap.budget line 1*"
sed -i '1d' heap.budget
run "$RUDO_SNAP" check --budget heap.budget second.zst
check_exit "another one is" 1

"$RUDO_SNAP" what-if --cut trace_hub --json what-if.json -q second.zst
"$RUDO_SNAP" check --limit 'retained(trace_hub) <= 1B' --json check.json -q second.zst >exceeded
is "retained is what what-if says" "$(number check.json measured)" \
    "$(number what-if.json freed_bytes)"
check "with --quiet the verdict is printed nevertheless" grep -q '^EXCEEDED  retained(trace_hub) <= 1B ' exceeded
run "$RUDO_SNAP" check --limit 'growth(total) <= 1000%' --baseline second.zst second.zst
check_exit "a heap is not compared with itself" 1
run "$RUDO_SNAP" check --limit 'growth(total) <= 10%' --baseline first.zst second.zst
check_exit "two processes of a program are" 0
done_testing
