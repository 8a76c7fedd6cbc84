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
        # The file has no name yet; where the file system has no unnamed files, a hidden one.
        [ -n "$(find "/proc/$mark/fd" -lname "$WORK/out/*" 2>/dev/null)" ] && return
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

# Long searches show what they did before they end.
# interrupted COMMAND...: runs it, and interrupts it after a while.
interrupted()
{
    env --default-signal=INT "$@" >"$WORK/stdout" 2>"$WORK/stderr" &
    local pid=$!
    sleep 1
    kill -INT "$pid"
    wait "$pid" 2>/dev/null
    STATUS=$?
}
interrupted "$RUDO_SNAP" explore --model sc --subject queue --schedules 1000000000
is "an explore ends by the signal" "$STATUS" $((128 + $(kill -l INT)))
check "and shows how much it searched" grep -qE '^sc +[0-9,]+ +[0-9,]+ +nothing so far$' "$WORK/stdout"
mkdir "$WORK/heaps"
cp "$WORK/shop.zst" "$WORK/heaps/1.zst"
cp "$WORK/shop.zst" "$WORK/heaps/2.zst"
interrupted "$RUDO_SNAP" replay --seeds 1..1000000000 --jobs 1 --json "$WORK/out/result.jsonl" "$WORK/heaps"
is "a replay ends by the signal" "$STATUS" $((128 + $(kill -l INT)))
check "and says how many heaps it did not replay" \
    grep -q '^note: interrupted; 2 of the heaps were not replayed$' "$WORK/stdout"
is "and leaves the results that it has" "$(cd "$WORK/out" && echo *)" "reach.json result.jsonl"

# A closed pipe is not reported, and leaves no file either.
rm "$WORK"/out/*
(
    sleep 0.5 # until the other side is gone
    env --default-signal=PIPE "$RUDO_SNAP" mark --json "$WORK/out/reach.json" --objects - \
        "$WORK/shop.zst" 2>"$WORK/stderr"
    echo $? >"$WORK/status"
) | true
is "a closed pipe ends it" "$(cat "$WORK/status")" $((128 + $(kill -l PIPE)))
is "a closed pipe is not reported" "$(cat "$WORK/stderr")" ""
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
