#!/bin/bash
# A capture that runs out of disk, memory or file descriptors, at whatever point, says so or ends
# well; the target runs on as before, and nothing is left behind.
# timeout: 1200
. "$(dirname "$0")/../support/live.sh"

case $BUILD in
*/sanitize | */tsan | */fuzz) skip_all "sanitizers need more address space than there is" ;;
esac

start_target many_threads sleeping=6 spawning=1 pages=4000
mkdir "$WORK/out"
heap=$WORK/out/heap.zst

# starved METHOD LIMIT VALUE OUTPUT: captures under `ulimit -LIMIT VALUE`; leaves what is wrong in
# $trouble, and counts in $done and $refused.
starved()
{
    local found status
    (
        ulimit "-$2" "$3" || exit 99
        # shellcheck disable=SC2046  # words on purpose
        exec "$RUDO_SNAP" capture $(method_options "$1") --pid "$TARGET" -o "$4"
    ) >"$WORK/stdout" 2>"$WORK/stderr"
    status=$?
    case $status in
    0)
        done=$((done + 1))
        "$RUDO_SNAP" verify "$4" >/dev/null 2>&1 || trouble+="$3: a damaged file"$'\n'
        ;;
    # Without a library that does not fit, the program never began.
    127)
        grep -q "shared libraries" "$WORK/stderr" ||
            trouble+="$3: $(head -1 "$WORK/stderr")"$'\n'
        ;;
    4)
        refused=$((refused + 1))
        grep -qE "memory|allocate|thread|descriptors|open files|space|too large|process|socket" "$WORK/stderr" ||
            trouble+="$3: $(head -1 "$WORK/stderr")"$'\n'
        [ ! -f "$4" ] || trouble+="$3: refused, with a file"$'\n'
        ;;
    *) trouble+="$3: status $status: $(head -1 "$WORK/stderr")"$'\n' ;;
    esac
    # Never a device.
    [ ! -f "$4" ] || rm -f "$4"
    [ -z "$(ls -A "$WORK/out")" ] || trouble+="$3: left behind: $(ls -A "$WORK/out")"$'\n'
    rm -rf "${WORK:?}/out/"* "$WORK"/out/.[!.]*
    found=$(target_trouble)$(target_leftovers)
    [ -z "$found" ] || trouble+="$3: $found"$'\n'
}

# sweep METHOD WHAT LIMIT VALUES...
sweep()
{
    local value
    trouble="" done=0 refused=0
    for value in "${@:4}"; do
        starved "$1" "$3" "$value" "$heap"
    done
    is "$1, little $2: the target is as before, and nothing is left" "$trouble" ""
    check "$1, little $2: some captures failed ($refused), some did not ($done)" \
        test "$refused" -gt 0 -a "$done" -gt 0
}

for method in $(capture_methods) fork-staged; do
    # KiB of address space: from too little to begin with to enough.
    mapfile -t spaces < <(seq 8000 $((8000 / (DOSE < 40 ? DOSE : 40))) 60000)
    sweep "$method" memory v "${spaces[@]}" 2000000
    sweep "$method" descriptors n {3..12} 256

    trouble="" done=0 refused=0
    starved "$method" c 0 /dev/full
    is "$method, a full device: it says so, and the target is as before" "$trouble$refused" 1
done

# A file system of its own, of one page.
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=4k none "$WORK/out" 2>/dev/null; then
    for method in $(capture_methods) fork-staged; do
        trouble="" done=0 refused=0
        starved "$method" c 0 "$heap"
        is "$method, a full disk: it says so, and the target is as before" "$trouble$refused" 1
        check_output "$method, a full disk: the message" stderr "*space*"
        run cat "$WORK/stderr"
    done
    umount "$WORK/out"
else
    skip "a full disk" "only root may mount a small one, and not everywhere"
fi
done_testing
