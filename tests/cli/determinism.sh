#!/bin/bash
# The same heap and seed give the same schedule, step by step, and the same virtual times: with or
# without randomised addresses, at the captured addresses or others (--relocate), on one CPU, and
# from every compiler, level of optimisation, instruction set and sanitizer.
#
# `make determinism` is the full dose: DETERMINISM_PROGRAMS names programs beside the one under test,
# as NAME=PATH, and every recorded heap is marked, and made ones of other layouts.
#
# timeout: 1800
. "$(dirname "$0")/../support/tap.sh"

programs=${DETERMINISM_PROGRAMS:-}

# policy, kind, scheduler, workers, seed
settings=("steal major clock 16 3" "owner major clock 16 3" "owner minor random 5 1")
if [ -n "$programs" ]; then
    settings=()
    for policy in steal owner; do
        for kind in major minor; do
            for how in "random 3 1" "random 16 2" "clock 16 3" "pct 5 4" "preemption 2 5" \
                "longest-idle 7 6" "thief 4 7" "round-robin 8 8"; do
                settings+=("$policy $kind $how")
            done
        done
    done
fi

# Pages of other sizes than 4 KiB, and slots that begin anywhere.
heaps=(samples/heaps/toy-heap.zst samples/heaps/c-heap.zst)
if [ -n "$programs" ]; then
    heaps=(samples/heaps/*.zst)
    for seed in 1 2 3 4 5 6 7 8; do
        "$BUILD/tests/cli/helpers/make_snapshots" layout $seed 3000 "$WORK/random-$seed.zst" ||
            bail "cannot make a heap"
        heaps+=("$WORK/random-$seed.zst")
    done
fi

# marks PROGRAM OPTION...: one line for each mark and simulation of each heap: the checksum of all
# steps, or of all figures. Runs under $wrapper.
marks()
{
    local program=$1 heap setting policy kind scheduler workers seed
    shift
    for heap in "${heaps[@]}"; do
        for setting in "${settings[@]}"; do
            read -r policy kind scheduler workers seed <<<"$setting"
            # shellcheck disable=SC2086  # several words, or none
            echo "${heap##*/} $setting $($wrapper "$program" mark -q -w "$workers" --policy "$policy" \
                --kind "$kind" --scheduler "$scheduler" --schedule "seed:$seed" \
                --record "$WORK/steps" -f "$@" "$heap" 2>&1 && md5sum <"$WORK/steps")"
        done
        for policy in steal owner; do
            # shellcheck disable=SC2086
            echo "${heap##*/} simulate $policy $($wrapper "$program" simulate -q --policy $policy \
                --json - "$@" "$heap" 2>&1 | md5sum)"
        done
    done
}

wrapper=
marks "$RUDO_SNAP" >"$WORK/expected"
count=$(wc -l <"$WORK/expected")
note "$count runs a condition, ${#heaps[@]} heaps"
check "each run is recorded" test "$(grep -c ' [0-9a-f]\{32\}  -$' "$WORK/expected")" = "$count"

# same NAME PROGRAM OPTION...: a condition changes nothing.
same()
{
    local name=$1
    shift
    marks "$@" >"$WORK/actual"
    if cmp -s "$WORK/expected" "$WORK/actual"; then
        ok "$name: the same steps and times in all $count runs"
    else
        not_ok "$name: the same steps and times in all $count runs" \
            "$(diff "$WORK/expected" "$WORK/actual" | grep -c '^>') differ, at first" \
            "$(diff "$WORK/expected" "$WORK/actual" | head -6)"
    fi
}

same "again" "$RUDO_SNAP"
same "relocated" "$RUDO_SNAP" --relocate
same "relocated again" "$RUDO_SNAP" --relocate
if setarch -R true 2>/dev/null; then
    wrapper="setarch -R"
    same "addresses not randomised" "$RUDO_SNAP"
    same "addresses not randomised, relocated" "$RUDO_SNAP" --relocate
else
    skip "addresses not randomised" "setarch -R is not permitted here"
fi
if cpu=$(taskset -cp $$ 2>/dev/null) && cpu=${cpu##* } cpu=${cpu%%[-,]*} && taskset -c "$cpu" true 2>/dev/null; then
    wrapper="taskset -c $cpu"
    same "one CPU" "$RUDO_SNAP"
    [ -z "$programs" ] || same "one CPU, relocated" "$RUDO_SNAP" --relocate
else
    skip "one CPU" "taskset is not permitted here"
fi
wrapper=
for program in $programs; do
    name=${program%%=*} path=${program#*=}
    if ! [ -x "$path" ] || ! "$path" version >/dev/null 2>&1; then
        skip "$name" "$path cannot be built or run here"
        continue
    fi
    same "$name" "$path"
    same "$name, relocated" "$path" --relocate
done
done_testing
