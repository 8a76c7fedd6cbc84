#!/bin/bash
# timeout: 300
# A program with a planted leak, captured three times: the report names the leaking type, who holds it
# and the path to it first; the difference says that it grew in every step; retained sizes are what
# marking again frees. Nothing of this needs the program any more.
. "$(dirname "$0")/../support/live.sh"

PROOFS=$((DOSE > 1 ? 500 : 10))

# told N: has the program told its truth N times?
told()
{
    [ "$(wc -l <"$WORK/leaky.out")" -ge "$1" ]
}

# asks FILE EXPRESSION: what a Python expression says of the JSON document d.
asks()
{
    python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

mkfifo "$WORK/requests"
# Opened for both, so that neither side waits for the other.
exec 7<>"$WORK/requests"
"$BUILD/samples/leaky" --seconds 300 <"$WORK/requests" >"$WORK/leaky.out" &
leaky=$!
TAP_STARTED+=("$leaky")
for number in 1 2 3; do
    wait_until 30 told "$number" || bail "the sample did not tell its truth"
    run "$RUDO_SNAP" capture --pid "$leaky" -q -o "$WORK/leak$number.zst"
    check_exit "capture $number" 0
    echo >&7
done
kill -KILL "$leaky"
wait "$leaky" 2>/dev/null
leaked=$(sed -n 's/.*"leaked":\([0-9]*\).*/\1/p' "$WORK/leaky.out" | sed -n 3p)

run "$RUDO_SNAP" report --json "$WORK/report.json" "$WORK/leak3.zst"
check_exit "the report" 0
check_output "it begins with the leak" stdout "*
likely leak *3,000 x trace_listener keep *in trace_hub*global hub *"
is "the first suspect is the leaking type" \
    "$(asks "$WORK/report.json" 'd["suspects"][0]["type"]')" trace_listener
is "it has all that leaked" "$(asks "$WORK/report.json" 'd["suspects"][0]["objects"]')" "$leaked"
is "its owner is who holds it" \
    "$(asks "$WORK/report.json" 'd["suspects"][0]["owner"]["type"]')" trace_hub
is "the path to it begins at the variable" \
    "$(asks "$WORK/report.json" 'd["suspects"][0]["root"]["label"]')" "global hub (leaky)"
is "all that leaked is counted" \
    "$(asks "$WORK/report.json" '[t["reachable_objects"] for t in d["types"] if t["type"] == "trace_listener"][0]')" \
    "$leaked"

run "$RUDO_SNAP" report --json "$WORK/growth.json" "$WORK/leak1.zst" "$WORK/leak3.zst"
check_output "with an older snapshot it says what grew" stdout "*
likely leak *x trace_listener keep *growth since *leak1.zst: +2,000 objects, *"
is "what it was before is in the JSON" \
    "$(asks "$WORK/growth.json" 'd["suspects"][0]["before"]["objects"]')" "$((leaked - 2000))"

run "$RUDO_SNAP" diff --json "$WORK/diff.json" --fail-on trace_listener+90% "$WORK"/leak[123].zst
check_exit "the difference fails on the leak" 1
is "it is one process" "$(asks "$WORK/diff.json" 'd["one_process"]')" True
is "only the leak grew in every step" \
    "$(asks "$WORK/diff.json" 'sorted(t["type"] for t in d["types"] if t["grew_in_every_step"])')" \
    "['trace_buffer', 'trace_listener']"
is "no listener went away" \
    "$(asks "$WORK/diff.json" '[t["moves"]["gone"] for t in d["types"] if t["type"] == "trace_listener"][0]')" 0
run "$RUDO_SNAP" diff -q --fail-on trace_entry+0 --fail-on trace_product+0 "$WORK"/leak[13].zst
check_exit "what does not leak does not grow" 0

run "$RUDO_SNAP" path "$WORK/leak3.zst" trace_listener --merge
check_output "the path to the leak" stdout "*global hub (leaky)*trace_hub*foreign block*trace_listener*"
run "$RUDO_SNAP" what-if --json "$WORK/what-if.json" --cut trace_hub "$WORK/leak3.zst"
check_exit "what would be freed without it" 0
is "most listeners: stale words may keep some" \
    "$(asks "$WORK/what-if.json" '[t["freed_objects"] for t in d["types"] if t["type"] == "trace_listener"][0] > 0.5 * '"$leaked")" True
run "$RUDO_SNAP" retained --prove "$PROOFS" "$WORK/leak3.zst"
check_exit "$PROOFS retained sizes are what marking again frees" 0

# The other samples: threads, interior pointers, Vec and HashMap buffers, large objects.
prove_sample()
{
    local name=$1
    shift
    rm -f "$WORK/truth.json" "$WORK/sample.zst"
    start "$WORK/truth.json" "$@" --seconds 300
    wait_until 120 grep -q '}$' "$WORK/truth.json" || bail "$name did not tell its truth"
    "$RUDO_SNAP" capture --pid "$STARTED" -q -o "$WORK/sample.zst" || bail "cannot capture $name"
    kill -KILL "$STARTED"
    wait "$STARTED" 2>/dev/null
    run "$RUDO_SNAP" retained --prove "$PROOFS" "$WORK/sample.zst"
    check_exit "$name: $PROOFS retained sizes are what marking again frees" 0
    run "$RUDO_SNAP" report --json "$WORK/sample.json" "$WORK/sample.zst"
    check_exit "$name: a report" 0
    # Control blocks, lists of pages, buffers of writes: told by name and structure, and no suspects.
    is "$name: the collector has memory of its own, and keeps nothing alone" \
        "$(asks "$WORK/sample.json" '(d["collector"]["foreign_blocks"] > 0, d["collector"]["kept_objects"])')" \
        "(True, 0)"
}
prove_sample c-heap "$BUILD/samples/c-heap" --objects 20000
rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0)
    for program in fields containers service; do
        prove_sample "$program" "$rust/release/$program"
    done
    # Of all words that refer to a shop, the one in a frame of the program's own code is shown.
    run "$RUDO_SNAP" path --json "$WORK/path.json" "$WORK/sample.zst" service::Order
    is "the path to most orders begins in the program's own code" \
        "$(asks "$WORK/path.json" '"rudo_gc_samples::" in d["paths"][0]["root"]["label"]')" True
    is "most of them take this route" \
        "$(asks "$WORK/path.json" '2 * d["route_objects"] > d["target"]["reachable_objects"]')" True
    ;;
77)
    skip "the samples on the real rudo-gc" "$reason"
    ;;
*)
    not_ok "the rudo-gc samples are built"
    ;;
esac
done_testing
