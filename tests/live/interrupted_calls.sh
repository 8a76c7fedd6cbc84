#!/bin/bash
# System calls that sleep while their process is captured, by each method, return no EINTR without a
# signal.
. "$(dirname "$0")/../support/live.sh"

start_target sleeping_calls
captures=$((18 * DOSE))
failed=""
mapfile -t methods < <(capture_methods)
for ((i = 0; i < captures; i++)); do
    capture_by "${methods[i % ${#methods[@]}]}"
    [ "$STATUS" -eq 0 ] || failed+="$(head -1 "$WORK/stderr")"$'\n'
done
is "$captures captures, by ${methods[*]}, succeed" "$failed" ""
check_runs "the target runs on"
end_target

while read -r name rest; do
    case $name in
    ready) ;;
    handler) runs=${rest#runs } ;;
    handled) handled=$rest ;;
    *)
        case $rest in
        skipped:*) skip "$name" "${rest#skipped: }" ;;
        *" eintr 0 other 0") ok "$name sees no EINTR" ;;
        *) not_ok "$name sees no EINTR" "$rest" ;;
        esac
        ;;
    esac
done <"$WORK/target.out"
# Every run of the handler is one EINTR of the call that it interrupted, and there is no other.
is "a call that a signal handler interrupts still sees EINTR, each time" \
    "${handled:-}" "returns ${runs:-0} eintr ${runs:-0} other 0"
check "that signal did arrive" test "${runs:-0}" -gt 0
done_testing
