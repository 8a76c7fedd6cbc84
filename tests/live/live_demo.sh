#!/bin/bash
# timeout: 600
# `make demo` does all it promises, and leaves no process behind, even when it is interrupted.
. "$(dirname "$0")/../support/tap.sh"
export LC_ALL=C.UTF-8 # trees

sample_of()
{
    sed -n 's/^it runs as pid \([0-9]*\) .*/\1/p' "$1"
}

started()
{
    [ -n "$(sample_of "$1")" ]
}

run samples/demo.sh
check_exit "the demo succeeds" 0
check_output "it captures" stdout "*wrote *build/demo/heap.zst*"
check_output "it shows the totals" stdout "*reachable *garbage *digest xxh3-128:*16 workers*"
check_output "it shows the JSON" stdout '*"schema": "rudo-snap/reachability/1"*'
check_output "it finds the leak" stdout "*planted * x *, held by *found * x *, held by *yes*"
check_output "it shows the report" stdout "*rudo-snap report build/demo/heap.zst*reachable *"
check_output "it shows the path" stdout "*rudo-snap path build/demo/heap.zst *└─ *"
check_output "it names what to try next" stdout "*== try next*rudo-snap info *"
check "the report is JSON" python3 -m json.tool build/demo/reach.json
check "the snapshot verifies" "$RUDO_SNAP" verify build/demo/heap.zst
check "the sample has ended" test ! -d "/proc/$(sample_of "$WORK/stdout")"

run samples/demo.sh leaky
check_exit "the demo on the program in C succeeds" 0
check_output "it finds that leak, too" stdout \
    "*planted *1000 x trace_listener, held by trace_hub*found * x trace_listener, held by trace_hub*yes*"

start "$WORK/demo.out" samples/demo.sh
if wait_until 120 started "$WORK/demo.out"; then
    kill -TERM "$STARTED"
    wait "$STARTED"
    is "interrupted, it ends as interrupted" "$?" 143
    check "interrupted, it ends the sample" test ! -d "/proc/$(sample_of "$WORK/demo.out")"
else
    not_ok "the demo starts a sample" "$(tail -5 "$WORK/demo.out")"
fi
done_testing
