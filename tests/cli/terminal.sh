#!/bin/bash
# On a terminal: colours, unless NO_COLOR or TERM=dumb says otherwise, and a line of progress that
# is gone at the end. Elsewhere: neither.
. "$(dirname "$0")/../support/tap.sh"

command -v script >/dev/null || skip_all "there is no script(1) to make a terminal"
write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
"$write_shop_heap" "$WORK/shop.zst" || bail "cannot write the sample"
escape=$'\e'

# on_terminal [NAME=VALUE...] -- ARGUMENT...: the output of rudo-snap on a terminal.
on_terminal()
{
    local settings=()
    while [ "$1" != -- ]; do settings+=("$1"); shift; done
    shift
    env -u NO_COLOR TERM=xterm "${settings[@]}" \
        script -qec "$(printf '%q ' "$RUDO_SNAP" "$@")" /dev/null </dev/null 2>/dev/null
}

has_colours()
{
    grep -q "$escape\[[0-9;]*m"
}

on_terminal -- mark "$WORK/shop.zst" >"$WORK/shown"
check "colours on a terminal" has_colours <"$WORK/shown"
check "progress on a terminal" grep -q "reading the snapshot \.\.\." "$WORK/shown"
# Each line of progress is erased by the next, the last one before the results.
check "progress is gone before the results" \
    grep -qE "$escape\[K[^ ]*shop.zst: " "$WORK/shown"
on_terminal -- mark --progress never "$WORK/shop.zst" >"$WORK/shown"
check "no progress with --progress never" test -z "$(grep "reading the snapshot" "$WORK/shown")"
on_terminal NO_COLOR=1 -- mark "$WORK/shop.zst" >"$WORK/shown"
check "no colours with NO_COLOR" test -z "$(has_colours <"$WORK/shown" && echo colours)"
on_terminal TERM=dumb -- mark "$WORK/shop.zst" >"$WORK/shown"
check "no colours on a dumb terminal" test -z "$(has_colours <"$WORK/shown" && echo colours)"
on_terminal -- info nothing.zst >"$WORK/shown"
check "errors have colours, too" has_colours <"$WORK/shown"
run "$RUDO_SNAP" mark "$WORK/shop.zst"
check "no escapes elsewhere" test -z "$(grep "$escape" "$WORK/stdout" "$WORK/stderr")"
check_output "no progress elsewhere" stderr ""
on_terminal -- capture --pid 1 -o - >"$WORK/shown"
check "a snapshot does not go to a terminal" grep -q "refusing to write a snapshot to a terminal" "$WORK/shown"
done_testing
