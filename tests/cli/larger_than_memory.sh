#!/bin/bash
# Heaps larger than the memory that may be used: the kernel counts what is resident, and the answers
# are those of heaps that are read whole. Each night a heap of 16 GiB, which is written as a stream, is
# marked and reported in a control group of 4 GiB, where nothing but the group says how much there is.
#
# timeout: 3600
. "$(dirname "$0")/../support/tap.sh"

[ "${BUILD##*/}" != sanitize ] || skip_all "the sanitizers take memory of their own"
helpers=$BUILD/tests/cli/helpers

# keeps LIMIT-MIB NAME COMMAND...: ends with status 0, and no more than that was ever resident.
keeps()
{
    local limit=$1 name=$2 seconds peak status
    shift 2
    read -r seconds peak status <<<"$("$helpers/measure_command" 3000 "$RUDO_SNAP" "$@")"
    note "$name: $seconds s of CPU, at most $peak MiB resident"
    is "$name: status 0" "$status" 0
    check "$name: at most $limit MiB resident" test "$peak" -le "$limit"
}

# A small one: no more than half of the limit is read whole.
heap=$WORK/heap.zst
"$helpers/huge_heap" "$heap" 136 >"$WORK/counts" || bail "no heap could be written"
if "$RUDO_SNAP" mark -q --mem-limit 256M "$heap" 2>"$WORK/stderr"; then
    commands=(mark report)
    [ "${CHECK_TIER:-all}" = quick ] || commands+=(retained "what-if --cut global" path diff)
    for command in "${commands[@]}"; do
        set -- "$heap"
        [ "$command" != path ] || set -- "$heap" 0x200000000640
        [ "$command" != diff ] || set -- "$heap" "$heap"
        # shellcheck disable=SC2086  # a command with its options
        "$RUDO_SNAP" $command -q --json "$WORK/whole.json" "$@"
        # shellcheck disable=SC2086
        keeps 256 "$command" $command -q --mem-limit 256M --json "$WORK/parts.json" "$@"
        check "$command: the same result" cmp "$WORK/whole.json" "$WORK/parts.json"
    done
    keeps 256 "verify" verify -q --mem-limit 256M "$heap"
    keeps 256 "explore" explore -n 1 --mem-limit 256M "$heap"
else
    skip "a limit of 256 MiB" "this kernel cannot hold a part of a heap: $(head -n 1 "$WORK/stderr")"
fi
rm -f "$heap"

# A large one.
free_gib=$(($(df --output=avail -k "$WORK" | tail -n 1) / 1048576))
if [ "${CHECK_TIER:-quick}" != all ] || [ "${BUILD##*/}" != release ]; then
    note "a heap of 16 GiB is left to make check-all"
elif [ "$free_gib" -lt 24 ]; then
    skip "a heap of 16 GiB" "only $free_gib GiB of disk are free, not 24"
else
    "$helpers/huge_heap" "$heap" 16384 >"$WORK/counts" || bail "no heap could be written"
    reachable=$(sed 's/.* \([0-9]*\) reachable/\1/' "$WORK/counts")
    group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/rudo-snap-test.$$
    limit=$group/memory.limit_in_bytes
    if [ ! -e "${group%/*}/memory.limit_in_bytes" ]; then
        group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/rudo-snap-test.$$
        limit=$group/memory.max
    fi
    options=(--mem-limit 4G)
    if mkdir "$group" 2>/dev/null && echo 4G 2>/dev/null >"$limit"; then
        options=()
        # The processes that follow begin in it.
        echo $BASHPID >"$group/cgroup.procs"
        note "in a control group of 4 GiB"
    else
        skip "a control group of 4 GiB" "none can be made here: --mem-limit 4G is tested"
    fi
    keeps 4096 "16 GiB: info" info --json "$heap"
    keeps 4096 "16 GiB: mark" mark -q "${options[@]}" --json "$WORK/mark.json" "$heap"
    is "16 GiB: all that is reachable" \
        "$(sed -n 's/.*"reachable_objects": \([0-9]*\).*/\1/p' "$WORK/mark.json" | head -n 1)" "$reachable"
    keeps 4096 "16 GiB: report" report -q "${options[@]}" --json "$WORK/report.json" "$heap"
    is "16 GiB: the same digest" "$(grep -m 1 '"digest"' "$WORK/report.json")" "$(grep -m 1 '"digest"' "$WORK/mark.json")"
    check "16 GiB: the report names what it left out" grep -q '"left_out": "' "$WORK/report.json"
    if [ ${#options[@]} -eq 0 ]; then
        echo $BASHPID >"${group%/*}/cgroup.procs"
    fi
    rmdir "$group" 2>/dev/null
fi
done_testing
