#!/bin/bash
# shellcheck disable=SC2016  # scripts in single quotes are expanded when they run
#
# The test runner itself: what must count as a failure does, and a skip never counts as passed.
. "$(dirname "$0")/../support/lint.sh"


mkdir -p "$WORK/tests"
# demand NAME COUNTS STATUS SCRIPT: the runner's closing line and status for one script.
demand()
{
    local name=$1 counts=$2 status=$3 script=$WORK/tests/one.sh
    printf '%s\n' "$4" >"$script"
    rm -f "$WORK/totals"
    run env TEST_TIMEOUT="${limit:-20}" TEST_DOSE=1 tests/run_tests.sh -b "$WORK/build" -l demand \
        -s "$WORK/totals" "$script"
    if [ "$STATUS" -eq "$status" ] && [ "$(tail -1 "$WORK/stdout")" = "demand: $counts" ]; then
        ok "$name"
    else
        not_ok "$name" "status $STATUS" "$(cat "$WORK/stdout" "$WORK/stderr")"
    fi
}

demand "passing tests pass" "2 passed, 0 failed, 0 skipped" 0 'echo "1..2"; echo "ok 1 - a"; echo "ok 2 - b"'
demand "a skip is not a pass" "1 passed, 0 failed, 1 skipped" 0 \
    'echo "ok 1 - a"; echo "ok 2 - b # SKIP no cargo"; echo "1..2"'
check_output "a skip is told with its reason" stdout '*skipped: b: no cargo*'
demand "a whole script that is skipped is one skip" "0 passed, 0 failed, 1 skipped" 1 \
    'echo "1..0 # SKIP no ptrace"'
demand "a failure fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo "ok 1 - a"; echo "not ok 2 - b"; echo "#   because"; echo "1..2"; exit 1'
check_output "a failure is told with its reason" stdout '*not ok 2 - b*because*'
demand "a failure that its exit status denies fails twice" "0 passed, 2 failed, 0 skipped" 1 \
    'echo "not ok 1 - b"; echo "1..1"; exit 0'
demand "a test that ends early fails" "1 passed, 1 failed, 0 skipped" 1 'echo "ok 1 - a"'
demand "a test that ran less than it planned fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo "1..2"; echo "ok 1 - a"'
demand "a test that printed nothing fails" "0 passed, 1 failed, 0 skipped" 1 ':'
demand "a test with an empty plan fails" "0 passed, 1 failed, 0 skipped" 1 'echo 1..0'
demand "a status that no test explains fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo "ok 1 - a"; echo "1..1"; exit 3'
demand "a crash fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo "ok 1 - a"; echo "1..1"; kill -SEGV $$'
demand "giving up fails" "0 passed, 1 failed, 0 skipped" 1 'echo "Bail out! no heap"; exit 1'
limit=1 demand "a test that hangs fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo "ok 1 - a"; echo "1..1"; sleep 30 & wait'
check_output "a test that hangs is told so" stdout '*still running after 1 s*'
limit=1 demand "a test may ask for more time" "1 passed, 0 failed, 0 skipped" 0 \
    '# timeout: 20
sleep 1.5; echo "ok 1 - a"; echo "1..1"'
demand "a sanitizer's report fails" "1 passed, 1 failed, 0 skipped" 1 \
    'path=${ASAN_OPTIONS##*log_path=}; echo leak >"${path%%:*}.123"; echo "ok 1 - a"; echo "1..1"'

# Criterion: a failing check, a crash, and a leak, which Criterion itself lets pass.
criterion_program()
{
    mkdir -p "$WORK/build/tests/unit"
    printf '#include <criterion/criterion.h>\n#include <stdlib.h>\n%s\n' "$2" >"$WORK/$1.c"
    # shellcheck disable=SC2086  # an option or none
    "${CC:-cc}" $3 -o "$WORK/build/tests/unit/$1" "$WORK/$1.c" -lcriterion 2>"$WORK/compile" ||
        bail "cannot compile: $(cat "$WORK/compile")"
    run tests/run_tests.sh -b "$WORK/build" -l criterion "$WORK/build/tests/unit/$1"
}
criterion_program mixed 'Test(s, a) { cr_expect(1); } Test(s, b) { cr_expect(0, "because"); }
    Test(s, c) { abort(); } Test(s, d) { cr_skip_test("no reason"); }' ""
is "Criterion tests are counted one by one" "$(tail -1 "$WORK/stdout")" \
    "criterion: 1 passed, 2 failed, 1 skipped"
check_output "what a Criterion test says is shown" stdout '*because*'
criterion_program leaks 'Test(s, a) { void *volatile lost = malloc(10); lost = NULL; (void)lost; }' \
    -fsanitize=address
is "a leak in a Criterion test fails" "$(tail -1 "$WORK/stdout")" \
    "criterion: 1 passed, 1 failed, 0 skipped"

printf '3 1 2 a\n4 0 0 b\n' >"$WORK/sum"
run tests/run_tests.sh -S "$WORK/sum"
is "runs are added up" "$(cat "$WORK/stdout") $STATUS" "7 passed, 1 failed, 2 skipped 1"
: >"$WORK/sum"
run tests/run_tests.sh -S "$WORK/sum"
is "running nothing is not a success" "$(cat "$WORK/stdout") $STATUS" "0 passed, 0 failed, 0 skipped 1"
done_testing
