#!/bin/bash
# A snapshot says whether a collection was running, as the collector's own flags say it; and
# of a program without such flags, or without their names, that this is unknown.
. "$(dirname "$0")/../support/live.sh"

# collection_of PID: what a snapshot says.
collection_of()
{
    "$RUDO_SNAP" capture --quiet --force --pid "$1" -o "$WORK/heap.zst" &&
        "$RUDO_SNAP" info --json "$WORK/heap.zst" | sed -n 's/^ *"collection": "\(.*\)",$/\1/p'
}

start_target collecting none
is "no flag is set: none" "$(collection_of "$TARGET")" none
for flag in thread wanted marking; do
    end_target
    start_target collecting "$flag"
    is "a flag is set ($flag): running" "$(collection_of "$TARGET")" running
done
run "$RUDO_SNAP" info "$WORK/heap.zst"
check_output "info says so" stdout "*a collection was running*"
end_target

start_target many_threads
is "a program without the flags: unknown" "$(collection_of "$TARGET")" unknown
end_target

strip -o "$WORK/stripped" "$TARGETS/collecting"
start "$WORK/target.out" "$WORK/stripped" "$WORK/heartbeat" marking
TARGET=$STARTED
wait_until 10 grep -q '^ready' "$WORK/target.out" || bail "it did not get ready"
is "a program without symbols: unknown" "$(collection_of "$TARGET")" unknown
end_target
done_testing
