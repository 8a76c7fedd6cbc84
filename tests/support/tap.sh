# shellcheck shell=bash
# TAP for test scripts. Source it first:
#
#     #!/bin/bash
#     . "$(dirname "$0")/../support/tap.sh"
#     run "$RUDO_SNAP" info "$WORK/heap.zst"
#     check_exit "a damaged snapshot is bad input" 3
#     done_testing
#
# Gives the script
#   ROOT       the top of the source tree (also the current directory)
#   BUILD      the object tree under test (from the runner; default build/release)
#   RUDO_SNAP  the program under test
#   WORK       an empty folder of its own, removed when the script ends
#
# Programs started with `start` are killed when the script ends, however it ends.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT" || exit 1
BUILD=${BUILD:-build/release}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
RUDO_SNAP=${RUDO_SNAP:-$BUILD/rudo-snap}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/rudo-snap-test.XXXXXX") || exit 1
export ROOT BUILD RUDO_SNAP WORK LC_ALL=C
unset COLUMNS

TAP_COUNT=0
TAP_FAILED=0
TAP_DONE=no
TAP_STARTED=()

# is_started PID: is it still a child of this script? The shell reaps a child when it ends, and the
# kernel gives its number to another process, which must not be killed in its place.
is_started()
{
    grep -q "^PPid:[[:space:]]*$$\$" "/proc/$1/status" 2>/dev/null
}

tap_clean_up()
{
    local status=$? pid
    trap - EXIT
    for pid in "${TAP_STARTED[@]}"; do
        is_started "$pid" && kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    chmod -R u+rwx "$WORK" 2>/dev/null
    rm -rf "$WORK"
    if [ "$TAP_DONE" = no ]; then
        # No plan was printed: the runner counts that as a failure.
        echo "# the script ended before done_testing (status $status)"
        [ "$status" -ne 0 ] || status=1
    fi
    exit "$status"
}
trap tap_clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ok NAME: a test passed.
ok()
{
    TAP_COUNT=$((TAP_COUNT + 1))
    echo "ok $TAP_COUNT - $1"
}

# not_ok NAME [LINE...]: a test failed; the lines say why.
not_ok()
{
    TAP_COUNT=$((TAP_COUNT + 1))
    TAP_FAILED=$((TAP_FAILED + 1))
    echo "not ok $TAP_COUNT - $1"
    shift
    local text
    for text in "$@"; do
        printf '%s\n' "$text" | sed 's/^/#   /'
    done
}

# skip NAME REASON: a test could not run here; never counted as passed.
skip()
{
    TAP_COUNT=$((TAP_COUNT + 1))
    echo "ok $TAP_COUNT - $1 # SKIP $2"
}

# note TEXT: a comment in the output.
note()
{
    printf '%s\n' "$*" | sed 's/^/# /'
}

# bail TEXT: nothing further can be tested.
bail()
{
    echo "Bail out! $*"
    exit 1
}

# skip_all REASON: the whole script cannot run here.
skip_all()
{
    echo "1..0 # SKIP $1"
    TAP_DONE=yes
    exit 0
}

# check NAME COMMAND...: passes when the command does; its output is shown otherwise.
check()
{
    local name=$1 output status
    shift
    output=$("$@" 2>&1)
    status=$?
    if [ "$status" -eq 0 ]; then
        ok "$name"
    else
        not_ok "$name" "status $status from: $*" "$output"
    fi
}

# is NAME ACTUAL EXPECTED: the two strings are equal.
is()
{
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "got:      $2" "expected: $3"
    fi
}

# run COMMAND...: runs it and leaves $STATUS, $WORK/stdout and $WORK/stderr.
run()
{
    TAP_COMMAND=$*
    "$@" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
    STATUS=$?
}

# check_exit NAME STATUS: the last `run` ended so.
check_exit()
{
    if [ "$STATUS" -eq "$2" ]; then
        ok "$1"
    else
        not_ok "$1" "status $STATUS, expected $2, from: $TAP_COMMAND" \
            "$(head -c 2000 "$WORK/stdout")" "$(head -c 2000 "$WORK/stderr")"
    fi
}

# check_output NAME stdout|stderr GLOB: what the last `run` wrote matches the pattern.
check_output()
{
    local text
    text=$(cat "$WORK/$2")
    # shellcheck disable=SC2053  # a pattern on purpose
    if [[ $text == $3 ]]; then
        ok "$1"
    else
        not_ok "$1" "$2 does not match: $3" "$(head -c 2000 "$WORK/$2")" "from: $TAP_COMMAND"
    fi
}

# start FILE COMMAND...: runs it in the background, its output in FILE; leaves $STARTED, its pid.
start()
{
    local output=$1
    shift
    # Now, not once the child gets to it: what an earlier program said there is not waited for.
    : >"$output"
    "$@" >"$output" 2>&1 </dev/null &
    STARTED=$!
    TAP_STARTED+=("$STARTED")
}

# wait_until SECONDS COMMAND...: waits until the command succeeds; false when time runs out.
wait_until()
{
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.02
    done
}

# done_testing: prints the plan; the script ends with 0 when nothing failed.
done_testing()
{
    echo "1..$TAP_COUNT"
    TAP_DONE=yes
    [ "$TAP_COUNT" -gt 0 ] && [ "$TAP_FAILED" -eq 0 ]
    exit
}
