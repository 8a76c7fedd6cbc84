#!/bin/bash
# The capture command on a running program: what it prints, which files it leaves, its exit
# statuses. tests/live/ checks the contents of the snapshots.
. "$(dirname "$0")/../support/tap.sh"

sample=$BUILD/samples/c-heap
[ -x "$sample" ] || skip_all "there is no C sample"
"$sample" --seconds 300 >"$WORK/truth.json" 2>&1 </dev/null &
pid=$!
TAP_STARTED+=("$pid")
for _ in $(seq 200); do
    grep -q '}' "$WORK/truth.json" && break
    sleep 0.05
done
cd "$WORK" || exit 1

run "$RUDO_SNAP" capture --pid "$pid" -o heap.zst
if [ "$STATUS" -ne 0 ] && grep -q "not permitted" stderr; then
    cd "$ROOT" || exit 1
    skip_all "tracing is not permitted here"
fi
check_exit "a running program is captured" 0
check_output "the summary shows the program, the pause, the file, and the next command" stdout \
    "c-heap (pid $pid), * thread*, * of private memory
  stopped for  *s
  found        * GC pages, * objects (searched * pages)
  wrote        heap.zst, *B (* smaller)*
next: rudo-snap report heap.zst"
check_output "nothing goes to standard error" stderr ""
is "only the snapshot is left" "$(ls -- *.zst* *tmp* .??* 2>/dev/null)" "heap.zst"
check "the program still runs" kill -0 "$pid"

sum=$(md5sum <heap.zst)
run "$RUDO_SNAP" capture --pid "$pid" -o heap.zst
check_exit "an existing file is refused" 2
check_output "and the way out is named" stderr "rudo-snap: 'heap.zst' exists already*--force*"
is "and it stays as it was" "$(md5sum <heap.zst)" "$sum"
run "$RUDO_SNAP" capture --pid "$pid" -o heap.zst --force --quiet --progress always
check_exit "--force replaces it" 0
check_output "--quiet prints no summary" stdout ""
check_output "--progress always shows each step" stderr \
    "copying the memory of the process ...
looking for pages and roots ...
writing the snapshot ..."

run "$RUDO_SNAP" capture --pid "$pid" -o /dev/full
check_exit "a full disk is status 4" 4
check_output "and is named" stderr "rudo-snap: *'/dev/full'*No space left on device*"
# Not writable for root either.
run "$RUDO_SNAP" capture --pid "$pid" -o /sys/heap.zst
check_exit "a folder that cannot be written to is status 4" 4
"$RUDO_SNAP" capture --pid "$pid" -o - 2>stderr | cat >piped.zst
check "a snapshot can go to a pipe" "$RUDO_SNAP" verify -q piped.zst
check_output "then the summary goes elsewhere" stderr "c-heap (pid $pid), *"

for foreign in blocks roots none; do
    "$RUDO_SNAP" capture --pid "$pid" --foreign=$foreign -qo $foreign.zst --level 3
    is "--foreign $foreign is what the file says" \
        "$("$RUDO_SNAP" info --json $foreign.zst | grep '"foreign_requested"')" \
        "    \"foreign_requested\": \"$foreign\","
done
"$RUDO_SNAP" capture --pid "$pid" --keep-free -qo kept.zst
is "--keep-free is what the file says" \
    "$("$RUDO_SNAP" info --json kept.zst | grep '"keeps_free_slots"' | tr -d ' ,')" '"keeps_free_slots":true'

sleep 300 &
TAP_STARTED+=($!)
until [ "$(cat "/proc/$!/comm")" = sleep ]; do sleep 0.01; done
run "$RUDO_SNAP" capture --pid $! -o none-of-it.zst
check_exit "a program without a heap is bad input" 3
check_output "and the message counts the pages" stderr \
    "rudo-snap: 'sleep' (pid $!) *none of * pages *"
check "no file is left of it" test ! -e none-of-it.zst
cd "$ROOT" || exit 1
done_testing
