#!/bin/bash
# A target in a container: process, user, mount, network, IPC and host name namespaces of its own, and
# an executable that cannot be seen from outside.
. "$(dirname "$0")/../support/live.sh"

command -v unshare >/dev/null || skip_all "there is no unshare"
unshare --user --map-root-user --pid --mount --net --ipc --uts --fork true 2>/dev/null ||
    skip_all "namespaces cannot be made here"
SAMPLE=$BUILD/samples/toy-heap
LAYOUT=$ROOT/samples/toy-heap/toy-heap.json
mkdir "$WORK/inside"

# Inside: a file system of its own over the folder, which holds the program.
start "$WORK/sample.out" unshare --user --map-root-user --pid --mount --net --ipc --uts --fork \
    --mount-proc bash -c "mount -t tmpfs tmpfs '$WORK/inside' && cp '$SAMPLE' '$WORK/inside/hidden-heap' &&
        exec '$WORK/inside/hidden-heap'"
wait_until 20 grep -q objects "$WORK/sample.out" || bail "$(cat "$WORK/sample.out")"
check "the program's file cannot be seen from outside" test ! -e "$WORK/inside/hidden-heap"
is "inside it is process 1" "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$WORK/sample.out")" 1

# The process under its number outside: the child of unshare.
target=$(tr -d " " <"/proc/$STARTED/task/$STARTED/children")
[ -n "$target" ] || bail "the kernel does not list children"
run "$RUDO_SNAP" capture --pid "$target" --layout "$LAYOUT" -o "$WORK/heap.zst"
check_exit "it is captured by its number outside" 0
check_output "under its own name" stdout "hidden-heap (pid $target), *"
run "$RUDO_SNAP" mark --json "$WORK/mark.json" "$WORK/heap.zst"
check_output "its symbols are read as it sees them" stdout "*toy_vector*"
is "and every count is its own" \
    "$(python3 -c '
import json, sys
totals = json.load(open(sys.argv[1]))["totals"]
print(totals["objects"], totals["reachable_objects"])' "$WORK/mark.json")" \
    "$(sed 's/.*"objects":\([0-9]*\),"reachable":\([0-9]*\).*/\1 \2/' "$WORK/sample.out")"
state=$(grep -hE '^(State|TracerPid)' "/proc/$target/status" | tr '\n\t' '  ')
check "it runs on, untraced" test -z "${state##*State: S*TracerPid: 0*}"
run "$RUDO_SNAP" capture --pid "$target" --layout "$LAYOUT" -o "$WORK/forked.zst" --method fork
check_exit "it is forked, which has another number inside" 0
is "to the same digest" "$("$RUDO_SNAP" mark "$WORK/forked.zst" | sed -n 's/^digest \([^ ]*\).*/\1/p')" \
    "$("$RUDO_SNAP" mark "$WORK/heap.zst" | sed -n 's/^digest \([^ ]*\).*/\1/p')"
is "and no zombie is left" "$(tr -d ' ' <"/proc/$target/task/$target/children")" ""
if command -v gcore >/dev/null && gcore -o "$WORK/core" "$target" >/dev/null 2>&1; then
    run "$RUDO_SNAP" capture --core "$WORK/core.$target" --layout "$LAYOUT" -o "$WORK/core.zst"
    check_exit "its core is captured where the program's file is missing" 0
    is "to the same digest" \
        "$("$RUDO_SNAP" mark "$WORK/core.zst" | sed -n 's/^digest \([^ ]*\).*/\1/p')" \
        "$("$RUDO_SNAP" mark "$WORK/heap.zst" | sed -n 's/^digest \([^ ]*\).*/\1/p')"
    run "$RUDO_SNAP" capture --core "$WORK/core.$target" --exe "$SAMPLE" --layout "$LAYOUT" \
        -o "$WORK/named.zst"
    check_exit "--exe tells where the same build is" 0
    run "$RUDO_SNAP" mark "$WORK/named.zst"
    check_output "and gives the names" stdout "*toy_vector*"
    run "$RUDO_SNAP" capture --core "$WORK/core.$target" --exe "$RUDO_SNAP" --layout "$LAYOUT" \
        -o "$WORK/wrong.zst"
    check_exit "another program is not taken for it" 3
    check_output "and the error says so" stderr "*'$RUDO_SNAP' is not the executable of the core: its build-id differs*"
else
    skip "its core is captured where the program's file is missing" "no gcore here"
fi
kill -KILL "$target"
done_testing
