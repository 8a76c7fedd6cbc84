# shellcheck shell=bash
# Live tests: real processes that are captured while they run. It sources tap.sh.
#
#     start_target many_threads sleeping=4
#     run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/heap.zst"
#     check_runs "it runs on"

. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

TARGETS=$BUILD/tests/live/targets
DOSE=${TEST_DOSE:-1}
export TARGETS DOSE

# start_target NAME [ARG...]: starts a program of tests/live/targets and waits until it is
# ready; leaves its pid in $TARGET, its output in $WORK/target.out, its heartbeat in
# $WORK/heartbeat.
start_target()
{
    local name=$1
    shift
    # Output of an earlier target must not be taken for output of this one.
    rm -f "$WORK/heartbeat" "$WORK/target.out"
    start "$WORK/target.out" "$TARGETS/$name" "$WORK/heartbeat" "$@"
    TARGET=$STARTED
    wait_until 10 grep -q '^ready' "$WORK/target.out" ||
        bail "target $name did not get ready: $(head -c 500 "$WORK/target.out")"
}

# end_target: asks it to end, and waits for it.
end_target()
{
    is_started "$TARGET" && kill -TERM "$TARGET" 2>/dev/null
    wait "$TARGET" 2>/dev/null
}

# The target's heartbeat.
beats()
{
    od -An -tu8 -N8 "$WORK/heartbeat" | tr -d ' '
}

has_beaten_since()
{
    [ "$(beats)" -gt "$1" ]
}

# Lines in the status of a thread that is stopped or traced.
HELD='^(State:[[:space:]]*[tT]|TracerPid:[[:space:]]*[1-9])'

is_let_go()
{
    ! cat "/proc/$TARGET/task"/*/status 2>/dev/null | grep -qE "$HELD"
}

# Why the target does not run as it should, on one line; nothing when it does. A guard whose capture
# was killed may need a moment to let the target go.
target_trouble()
{
    local before task state
    [ -d "/proc/$TARGET" ] || {
        echo "it is gone"
        return
    }
    before=$(beats)
    wait_until 5 has_beaten_since "$before" || echo "its heartbeat stands still at $before"
    wait_until 5 is_let_go || for task in "/proc/$TARGET/task"/*; do
        state=$(grep -hE "$HELD" "$task/status" 2>/dev/null | tr '\n\t' '  ')
        [ -z "$state" ] || echo "thread ${task##*/}: $state"
    done
}

# The traces of a capture in the target, on one line; nothing when it is as before: pages that are
# write-protected or registered with a userfaultfd (of which it has none of its own), and children,
# dead or alive. The kernel and the guard may need a moment to remove them.
target_leftovers()
{
    wait_until 5 has_no_leftovers || {
        grep -hE '^VmFlags:.* (uw|um)( |$)' "/proc/$TARGET/smaps" | tr '\n' ' '
        cat "/proc/$TARGET/task"/*/children
    } 2>/dev/null
}

has_no_leftovers()
{
    ! grep -qE '^VmFlags:.* (uw|um)( |$)' "/proc/$TARGET/smaps" 2>/dev/null &&
        [ -z "$(cat "/proc/$TARGET/task"/*/children 2>/dev/null)" ]
}

# check_runs NAME: the target runs, is neither stopped nor traced.
check_runs()
{
    is "$1" "$(target_trouble)" ""
}

# Microseconds, of a clock that begins anywhere.
now_us()
{
    echo "${EPOCHREALTIME/[.,]/}"
}

# draw N: a random number from 0 to N-1, in $DRAWN. TEST_SEED repeats the draws of a run; what the
# target does meanwhile, it does not repeat. Not in a subshell, which would draw the same again.
draw()
{
    [ -n "${SEED:-}" ] || {
        SEED=${TEST_SEED:-$((RANDOM << 15 | RANDOM))}
        RANDOM=$SEED
        note "seed $SEED"
    }
    # shellcheck disable=SC2034  # used by the scripts that source this
    DRAWN=$(((RANDOM << 15 | RANDOM) % $1))
}

# sleep_us N
sleep_us()
{
    sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"
}

# capture_methods: every way of copying a process that can be asked for, or those in $TEST_METHODS.
capture_methods()
{
    local choices
    choices=$("$RUDO_SNAP" capture --help | sed -n 's/.*--method \([a-z|]*\).*/\1/p' | tr '|' ' ')
    for choice in ${TEST_METHODS:-${choices:-default}}; do
        [ "$choice" = auto ] || echo "$choice"
    done
}

# capture_by METHOD [OPTION...]: captures the target into $WORK/heap.zst, in place of what is there.
# Leaves $STATUS, $WORK/stdout, $WORK/stderr.
capture_by()
{
    # shellcheck disable=SC2046  # words on purpose
    run "$RUDO_SNAP" capture $(method_options "$1") --pid "$TARGET" -o "$WORK/heap.zst" --force \
        "${@:2}"
}

# method_options METHOD[-staged]: the latter with so little memory that most of a target is kept
# compressed.
method_options()
{
    case $1 in
    default) ;;
    *-staged) echo "--method ${1%-staged} --staging 16M" ;;
    *) echo "--method $1" ;;
    esac
}
