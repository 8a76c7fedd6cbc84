#!/bin/bash
# `rudo-snap explore`: finds nothing in the marker that is built in, and the planted error in a
# program with a mutated one; what it finds is small, readable, and runs again.
# timeout: 300
. "$(dirname "$0")/../support/tap.sh"

cd "$WORK" || exit 1
write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
"$write_shop_heap" shop.zst || bail "cannot write the sample"

run "$RUDO_SNAP" explore --schedules 300
check_exit "nothing is found" 0
check "and said so for each model" \
    test "$(grep -cE '^(sc|tso|c11) .* nothing$' stdout)" = 3
run "$RUDO_SNAP" explore --schedules 300 --model sc --subject mark --workers 3 shop.zst
check_exit "nothing in marks of a recorded heap" 0
check "of N objects" grep -q 'shop.zst: marks of [0-9]* of its objects' stdout
run "$RUDO_SNAP" explore --schedules 300 --seed 5 --from 1000 --model tso
cp stdout first
run "$RUDO_SNAP" explore --schedules 300 --seed 5 --from 1000 --model tso
check "the same seed is the same search" cmp -s first stdout
run "$RUDO_SNAP" explore --subject queue shop.zst
check_exit "a queue needs no heap" 2
run "$RUDO_SNAP" explore --replay nothing.schedule
check_exit "no such schedule" 4
printf 'rudo-snap operations 1\nmodel sc\n' >cut.schedule
run "$RUDO_SNAP" explore --replay cut.schedule
check_exit "a damaged schedule" 3
"$RUDO_SNAP" mark --schedule seed:3 --record steps.schedule -q shop.zst
run "$RUDO_SNAP" explore --replay steps.schedule shop.zst
check_exit "a schedule of steps is another kind" 3
check "and the message names the command for it" grep -q 'mark --schedule file:steps.schedule' stderr
cat >fine.schedule <<'EOF'
rudo-snap operations 1
model tso
case queue
capacity 2
operations ++-
thieves 1
steals 2
violation none
choices 3
w0 0 3
end
EOF
run "$RUDO_SNAP" explore --replay fine.schedule
check_exit "a schedule that leads nowhere bad" 0
check "and shows its steps" grep -q '1  worker 0  .*steal_queue_push' stdout
sed 's/^choices 3/choices 16/; s/^w0 0 3/w0 0 9\nf0 0 2\nw1 0 5/; s/^steals 2/steals 1/' fine.schedule >shown.schedule
run "$RUDO_SNAP" explore --replay shown.schedule
check_exit "stores wait in a buffer" 0
check "until that goes to memory" \
    grep -q 'worker 0  store buffer to memory: slots\[0\] := 1, queue->bottom := 1$' stdout
check "the others do not see them" \
    grep -q 'queue->bottom is 1 (2 waits in the buffer of worker 0)' stdout
check "and each item that a worker gets" grep -q 'queue->top 0 -> 1; gets item 1$' stdout
sed 's/^w0 0 3/w3 0 3/' fine.schedule >gone.schedule
run "$RUDO_SNAP" explore --replay gone.schedule
check_exit "a schedule that cannot be followed" 1
check "says where" \
    grep -q "departs from schedule 'gone.schedule' at operation 0 of 3: worker 3 cannot continue" stderr
sed 's/^w0 0 3/w0 0 1\nf0 0 1\nw0 0 1/' fine.schedule >flushed.schedule
run "$RUDO_SNAP" explore --replay flushed.schedule
check "nor one with a store that is not there" \
    grep -q 'at operation 1 of 3: the store buffer of worker 0 is empty' stderr
sed 's/^w0 0 3/w0 0 1\nw0 1 2/' fine.schedule >valued.schedule
run "$RUDO_SNAP" explore --replay valued.schedule
check "or a value that is not there" \
    grep -q 'at operation 1 of 3: worker 0 cannot read that value' stderr
sed 's/^choices 3/choices 9003/; s/^w0 0 3/w0 0 3\nw0 0 9000/' fine.schedule >long.schedule
run "$RUDO_SNAP" explore --replay long.schedule
check "or that goes on and on" grep -q 'of 9003: \(worker 0 cannot continue\|the run has ended\)' stderr
run "$RUDO_SNAP" explore --replay fine.schedule shop.zst
check_exit "a queue has no heap" 2
run "$RUDO_SNAP" mark --schedule file:fine.schedule shop.zst
check_exit "and marks nothing" 2
check "says so" grep -q "schedule 'fine.schedule' is for a queue, not for a mark" stderr
case $BUILD in
*/sanitize | */tsan) ;;
*)
    run "$RUDO_SNAP" explore --exhaustive 3
    check_exit "every schedule of three operations" 0
    ;;
esac

mutated=$BUILD/tests/explore/rudo-snap-lost_wake_up
run "$mutated" explore --subject mark --output found
check_exit "a planted error is found" 1
check "and named" grep -q '^all workers wait, and none wakes another (deadlock, under sc)$' stdout
check "in few steps" test "$(grep -cE '^ *[0-9]+  worker ' stdout)" -lt 30
check "with who waits for what" grep -q 'waits in run_worker for .*end_barrier\|sleeps in work; no worker' stdout
check "and whose is what" grep -q ' queue\[1\]->top is 0' stdout
check "with its seed" grep -qE -- '--model sc --subject mark --seed 1 --from [0-9]+$' stdout
run "$mutated" explore --subject mark --output nowhere/found
check_exit "a file that cannot be written" 4
check "is refused before the search" test ! -s stdout
run "$mutated" explore --subject mark --output found
check_exit "an earlier finding is not replaced" 2
run "$mutated" explore --subject mark --output found --force
options=$(sed -n 's/^found after .*: //p' stdout)
grep -E '^ *[0-9]+  worker ' stdout >steps
# shellcheck disable=SC2086  # several options
run "$mutated" explore $options --output again --schedules 1
check_exit "the schedule by its number fails again" 1
run "$mutated" explore --replay found.schedule found.zst
check_exit "the file fails again" 1
check "with the same steps" cmp -s steps <(grep -E '^ *[0-9]+  worker ' stdout)
run "$mutated" mark --schedule file:found.schedule found.zst
check_exit "mark follows it" 1
check "and names the violation" grep -q 'the schedule leads to a violation: all workers wait' stderr
run "$mutated" mark --schedule file:found.schedule --workers 7 found.zst
check_exit "with the recorded workers alone" 2
run "$RUDO_SNAP" mark --schedule file:found.schedule found.zst
check "the real marker departs from it, or gets through" \
    grep -q "departs from schedule 'found.schedule' at operation [0-9]* of\|digest" stderr stdout
run "$RUDO_SNAP" mark --schedule file:found.schedule shop.zst
check_exit "a mark of another heap departs from it" 1
check "says where" grep -q "departs from schedule 'found.schedule' at operation [0-9]* of" stderr
check "and says why" grep -q 'it was recorded from another heap' stderr
run "$mutated" explore --replay found.schedule
check_exit "which must be named" 2

# A marker that crashes takes nothing with it. What a sanitizer says of it goes to standard error,
# not to the reports that fail a test.
crashing=(env "ASAN_OPTIONS=${ASAN_OPTIONS:-}:log_path=stderr"
    "UBSAN_OPTIONS=${UBSAN_OPTIONS:-}:log_path=stderr"
    "$BUILD/tests/explore/rudo-snap-steal_trusts_the_look")
run "${crashing[@]}" explore --subject mark --output crash
check_exit "a marker that crashes is found" 1
check "and named" grep -q '(crash, under sc)$' stdout
check "with the steps up to there" grep -qE '^ +and then: the code ' stdout
run "${crashing[@]}" explore --replay crash.schedule crash.zst
check_exit "the file crashes it again" 1
run "${crashing[@]}" mark --schedule file:crash.schedule crash.zst
check_exit "mark survives it" 1
check "and names it" grep -q 'the schedule leads to a violation: the code ' stderr

# Damage: the line, and no more.
lines=$(wc -l <found.schedule)
for line in 2 3 4 5 6 7 8 9 10 "$((lines - 1))" "$lines"; do
    sed "${line}s/.*/nonsense/" found.schedule >damaged.schedule
    run "$RUDO_SNAP" mark --schedule file:damaged.schedule found.zst
    check_exit "nonsense in line $line" 3
    check "is named" grep -q "schedule 'damaged.schedule' is damaged: line $line: " stderr
done
done_testing
