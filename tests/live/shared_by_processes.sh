#!/bin/bash
# A process whose memory other processes share (clone(CLONE_VM) without CLONE_THREAD), and write: they
# are stopped together with it, by each method, so that the snapshot shows one moment; where one cannot
# be traced, the snapshot says that it shows none. See tests/support/memory_sharer.h.
# timeout: 1800
. "$(dirname "$0")/../support/live.sh"

start_keeper()
{
    start_target keeps_invariants "$@"
    heap=$(sed -n 's/^heap //p' "$WORK/target.out")
}

# info_of MEMBER: of the snapshot.
info_of()
{
    "$RUDO_SNAP" info --json "$WORK/heap.zst" | sed -n "s/^ *\"$1\": \(.*[^,]\),\?\$/\1/p"
}

# How many processes share its memory.
sharers()
{
    ps -o pid= --ppid "$TARGET" | wc -l
}

# check_snapshot WHAT: adds to $torn; $trouble when it does not say single_moment: true.
check_snapshot()
{
    local output
    # shellcheck disable=SC2086  # words on purpose
    output=$("$TARGETS/check_invariants" "$WORK/heap.zst" $heap 2>&1) || torn+="$1: $output"$'\n'
    [ "$(info_of single_moment) $(info_of complete)" = "true true" ] ||
        trouble+="$1: $(info_of single_moment), $(info_of missing)"$'\n'
    [ "$(info_of sharing_processes)" = "$(info_of sharing_stopped)" ] || trouble+="$1: not all stopped"
    [ "$(info_of sharing_processes)" = 0 ] || found=$((found + 1))
}

# check_captures METHOD KIND: leaves $found, the number of captures that found others.
check_captures()
{
    local i
    torn=""
    trouble=""
    found=0
    for ((i = 0; i < $3; i++)); do
        capture_by "$1"
        if [ "$STATUS" -eq 0 ]; then
            check_snapshot "$i"
        else
            trouble+="$i: status $STATUS: $(head -1 "$WORK/stderr")"$'\n'
        fi
    done
    is "$1, $2: $3 captures show one moment, and say so" "$trouble" ""
    is "$1, $2: none of $3 is torn" "$torn" ""
    check_runs "$1, $2: the target runs on"
    is "$1, $2: no process that shares it is held" \
        "$(cat /proc/[0-9]*/status 2>/dev/null | grep -A8 '^Name:[[:space:]]keeps_invariant' | grep -E "$HELD")" ""
}

for kind in shared relayed spawns; do
    start_keeper 8192 4 200 $kind
    for method in $(capture_methods); do
        check_captures "$method" "$kind" "$((DOSE > 1 ? 3 * DOSE : 2))"
        [ $kind != shared ] || is "$method: all four are found each time" \
            "$found $(info_of sharing_processes)" "$((DOSE > 1 ? 3 * DOSE : 2)) 4"
    done
    end_target
done

# At the end of a program, whose memory lives on as long as the others do.
start "$WORK/run.out" "$RUDO_SNAP" capture -q -o "$WORK/heap.zst" --force -- \
    "$TARGETS/keeps_invariants" "$WORK/heartbeat" 4096 4 3200 shared
tool=$STARTED
wait_until 10 grep -q '^ready' "$WORK/run.out" || bail "the program did not get ready"
heap=$(sed -n 's/^heap //p' "$WORK/run.out")
sleep 0.2
kill -TERM "$(ps -o pid= --ppid "$tool" | head -1)"
wait "$tool"
is "exit: the program ended by its signal" $? 143
torn=""
trouble=""
found=0
check_snapshot exit
is "exit: one moment, of a program whose memory others write" "$torn$trouble$(info_of sharing_processes)" 4

start_keeper 4096 4 3200 untraceable
for method in $(capture_methods); do
    capture_by "$method"
    check_exit "$method, processes that cannot be traced: captured all the same" 0
    check_output "$method, processes that cannot be traced: it says that it shows no moment" stdout \
        '*incomplete*missing: a single moment: process * shares its memory and ran on: *traces it already*'
    is "$method, processes that cannot be traced: in JSON, too" \
        "$(info_of single_moment) $(info_of sharing_processes) $(info_of sharing_stopped) $(info_of complete)" \
        "false 4 0 false"
    check_runs "$method, processes that cannot be traced: the target runs on"
done
capture_by stop --redact
is "redacted: it says so, too" "$(info_of single_moment)" false
end_target
done_testing
