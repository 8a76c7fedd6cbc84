#!/bin/bash
# Signals clean up, then take effect: no unfinished file is left, and the program dies by the
# signal, as its caller expects. Ignored signals stay ignored.
. "$(dirname "$0")/../support/tap.sh"

write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
"$write_shop_heap" "$WORK/shop.zst" || bail "cannot write the sample"
mkdir "$WORK/out"
mkfifo "$WORK/fifo"

# Starts a mark that has an unfinished file open and waits for a reader of the fifo.
start_mark()
{
    env --default-signal=INT,HUP,TERM "$@" "$RUDO_SNAP" mark --json "$WORK/out/reach.json" \
        --objects "$WORK/fifo" "$WORK/shop.zst" >/dev/null 2>"$WORK/stderr" &
    mark=$!
    for _ in $(seq 100); do
        [ -n "$(ls "$WORK/out")" ] && return
        sleep 0.05
    done
    not_ok "the mark opens its outputs" "$(cat "$WORK/stderr")"
}

for signal in INT TERM HUP; do
    start_mark
    kill -"$signal" "$mark"
    wait "$mark" 2>/dev/null
    is "SIG$signal ends it as it would any program" $? $((128 + $(kill -l "$signal")))
    is "SIG$signal leaves no file" "$(ls "$WORK/out")" ""
done

start_mark env --ignore-signal=HUP
kill -HUP "$mark"
cat "$WORK/fifo" >/dev/null
wait "$mark"
is "an ignored signal stays ignored" $? 0
is "then the file is whole" "$(ls "$WORK/out")" "reach.json"

# A reader that goes away is nothing to complain about, and leaves nothing either.
rm "$WORK"/out/*
(
    sleep 0.5 # until the other side is gone
    env --default-signal=PIPE "$RUDO_SNAP" mark --json "$WORK/out/reach.json" --objects - \
        "$WORK/shop.zst" 2>"$WORK/stderr"
    echo $? >"$WORK/status"
) | true
is "a closed pipe ends it" "$(cat "$WORK/status")" $((128 + $(kill -l PIPE)))
is "a closed pipe is no message" "$(cat "$WORK/stderr")" ""
is "a closed pipe leaves no file" "$(ls "$WORK/out")" ""

# A limit on the size of files is like a full disk.
(
    ulimit -f 1
    exec "$RUDO_SNAP" mark --json "$WORK/out/reach.json" "$WORK/shop.zst"
) >/dev/null 2>"$WORK/stderr"
is "a file that may not grow is status 4" $? 4
is "and is named" "$(cat "$WORK/stderr")" \
    "rudo-snap: cannot write '$WORK/out/reach.json': File too large"
is "and leaves no file" "$(ls "$WORK/out")" ""
done_testing
