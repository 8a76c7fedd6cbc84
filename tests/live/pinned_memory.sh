#!/bin/bash
# Memory that is written without the page table: by an io_uring with a registered buffer. Where
# that is known, it is copied at the stop; where it is not, another method is taken; and where
# nothing tells of it, the comparison at the stop may notice. See tests/support/pinning_ring.h.
. "$(dirname "$0")/../support/live.sh"

# start_pinned RING PAGES N: false where that cannot be; leaves what the checker needs in $heap.
start_pinned()
{
    local reason
    start_target keeps_invariants "$2" 2 0 "$1" "$3"
    heap=$(sed -n 's/^heap //p' "$WORK/target.out")
    reason=$(sed -n 's/^skipped: //p' "$WORK/target.out")
    [ -z "$reason" ] || skip "$1, $3 of $2 pages are pinned" "$reason"
    [ -z "$reason" ]
}

# capture_whole METHOD: captures, and says what is torn.
capture_whole()
{
    capture_by "$1"
    [ "$STATUS" -eq 0 ] || head -1 "$WORK/stderr"
    # shellcheck disable=SC2086  # words on purpose
    [ "$STATUS" -ne 0 ] || "$TARGETS/check_invariants" "$WORK/heap.zst" $heap 2>&1
}

# info_of KEY: from the snapshot.
info_of()
{
    "$RUDO_SNAP" info --json "$WORK/heap.zst" | sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*\$/\1/p"
}

# check_listed METHOD PAGES N CAPTURES
check_listed()
{
    local name="$1, $3 of $2 pages are pinned" torn="" i
    start_pinned listed "$2" "$3" || return
    for ((i = 0; i < $4; i++)); do
        torn+=$(capture_whole "$1")
    done
    is "$name: not one of $4 captures fails or is torn" "$torn" ""
    is "$name: the method is what was asked for" "$(info_of method)" "$1"
    check_runs "$name: it runs on"
    is "$name: nothing is left in it" "$(target_leftovers)" ""
    end_target
}

# check_unlisted NAME GLOB: the target cannot be copied while it runs.
check_unlisted()
{
    capture_by precopy
    check_exit "$1: precopy is refused" 4
    check_output "$1: the reason is said" stderr "*$2*--method auto*"
    capture_by auto
    check_exit "$1: captured in another way" 0
    run "$RUDO_SNAP" info --json "$WORK/heap.zst"
    check_output "$1: info says why" stdout \
        "*\"method_note\": \"it was not copied while it ran: *$2*"
    check_runs "$1: it runs on"
    end_target
}

# Pages differ from their copies, and the kernel does not tell: all is copied again.
check_hidden()
{
    local found=0 torn="" i what
    start_pinned hidden 512 512 || return
    for ((i = 0; i < 40 * DOSE && found < 2 * DOSE; i++)); do
        what=$(capture_whole precopy)
        [ "$(info_of differing_pages)" -gt 0 ] || continue
        found=$((found + 1))
        torn+=$what
    done
    is "pages that differ at the stop are noticed (in $i captures)" "$found" $((2 * DOSE))
    is "none of the captures where they were is torn" "$torn" ""
    check_runs "a target whose pages differ runs on"
    end_target
}

# A file of a device that writes memory, in a /dev that only the target and its capture see.
check_device()
{
    local name="a device that writes memory"
    rm -f "$WORK/heartbeat"
    # shellcheck disable=SC2016  # for the shell that is started
    start "$WORK/target.out" unshare --mount sh -c 'mkdir "$1/dev" && mount --rbind /dev "$1/dev" &&
        mount -t tmpfs none /dev && touch /dev/null && mount --bind "$1/dev/null" /dev/null &&
        mkdir /dev/infiniband && touch /dev/infiniband/uverbs0 && exec 9</dev/infiniband/uverbs0 &&
        exec "$2" "$1/heartbeat" sleeping=1' sh "$WORK" "$TARGETS/many_threads"
    TARGET=$STARTED
    if ! wait_until 5 grep -q '^ready' "$WORK/target.out"; then
        skip "$name" "there is no /dev of our own: $(head -1 "$WORK/target.out")"
        return
    fi
    run nsenter --mount --target "$TARGET" "$RUDO_SNAP" capture --method precopy --pid "$TARGET" \
        -o "$WORK/none.zst"
    check_exit "$name: precopy is refused" 4
    check_output "$name: the reason is said" stderr \
        "*process $TARGET has '/dev/infiniband/uverbs0' open, *--method auto*"
    check_runs "$name: it runs on"
    end_target
}

for method in $(capture_methods); do
    check_listed "$method" 8192 16 $((2 * DOSE))
done
check_listed precopy 2048 1024 $((1 * DOSE))
if start_pinned closed 512 16; then
    check_unlisted "a ring without a descriptor" "pinned memory that the kernel does not list"
fi
if start_pinned unmapped 512 16; then
    check_unlisted "a ring in memory of the program" "pinned memory that the kernel does not list"
fi
start_target hard_to_capture packets
if grep -q '^skipped: ' "$WORK/target.out"; then
    skip "frames of a socket" "$(sed -n 's/^skipped: //p' "$WORK/target.out")"
else
    check_unlisted "frames of a socket" "AF_XDP"
fi
check_device
check_hidden
done_testing
