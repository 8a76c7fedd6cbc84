#!/bin/bash
# timeout: 300
# Strings and buffers without references count with the object that owns them: a Rust program knows
# how many bytes malloc gave it for each kind (samples/rudo-gc/src/bin/strings.rs). What several own
# counts for none of them. The account of the resident memory adds up to the kernel's number.
. "$(dirname "$0")/../support/live.sh"

rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0) ;;
77) skip_all "$reason" ;;
*) bail "cannot build the rudo-gc samples" ;;
esac

# asks FILE EXPRESSION [ARGUMENT]: what a Python expression says of the JSON document d.
asks()
{
    python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
a = sys.argv[3:]
print(eval(sys.argv[2]))' "$@"
}

start "$WORK/truth" "$rust/release/strings" --seconds 300
wait_until 60 grep -q '}$' "$WORK/truth" || bail "the sample did not tell its truth"
run "$RUDO_SNAP" capture --pid "$STARTED" -q -o "$WORK/strings.zst"
check_exit "captured" 0
run "$RUDO_SNAP" capture --pid "$STARTED" -q --redact -o "$WORK/redacted.zst"
check_exit "captured without the data" 0
kill -KILL "$STARTED"
wait "$STARTED" 2>/dev/null

# Cutting an object frees its bytes, within 1 % and a few small blocks.
for kind in documents lines fields slice only left right interned; do
    address=$(asks "$WORK/truth" 'd[a[0]][0]' "$kind")
    run "$RUDO_SNAP" what-if --cut "$address" --json "$WORK/$kind.json" -q "$WORK/strings.zst"
    check_exit "what if there were no $kind" 0
    is "$kind keep what malloc gave them" "$(asks "$WORK/$kind.json" \
        'abs(d["freed"]["freed_bytes"] - int(a[0])) <= int(a[0]) / 100 + 30000' \
        "$(asks "$WORK/truth" 'd[a[0]][1] if a[0] != "documents" else sum(
            v[1] for v in d.values() if isinstance(v, list)) + 400000' "$kind")")" True
done
run "$RUDO_SNAP" retained --prove 50 "$WORK/strings.zst"
check_exit "retained sizes are proved" 0
check_output "all of them" stdout "*proved: * of * retained sizes equal what marking without*"
run "$RUDO_SNAP" retained --by type --top 99 --json "$WORK/types.json" -q "$WORK/strings.zst"
check_exit "types are removed, and blocks that several objects own" 0
is "all objects of a type free no less than each alone" "$(asks "$WORK/types.json" \
    'all(t["freed"]["freed_bytes"] >= t["retained_bytes"] for t in d["types"])')" True

# A block without content is found by its address, and commands that need more say what does.
object=$(asks "$WORK/truth" 'd["slice"][0]')
run "$RUDO_SNAP" show "$WORK/strings.zst" "$object"
check_exit "show prints the owner of a slice" 0
block=$(sed -n 's/.*foreign block  \(0x[0-9a-f]*\)  29[0-9]\.[0-9] KiB.*/\1/p' "$WORK/stdout" | head -n 1)
run "$RUDO_SNAP" show "$WORK/strings.zst" "${block:-0}"
check_exit "show prints the slice" 0
check_output "its owner refers to it" stdout "*its bytes are not in the snapshot*referred to by *$object*"
run "$RUDO_SNAP" path "$WORK/strings.zst" "${block:-0}"
check_exit "path refuses it" 2
check_output "and names the command" stderr "*the size alone is recorded*rudo-snap show*"

run "$RUDO_SNAP" report --json "$WORK/report.json" -q "$WORK/strings.zst"
check_exit "the report" 0
run "$RUDO_SNAP" report --json "$WORK/redacted.json" -q "$WORK/redacted.zst"
check_exit "the report without the data" 0
total='[d["totals"]["reachable_blocks_without_content"], d["totals"]["reachable_bytes_without_content"]]'
is "redaction changes nothing about them" "$(asks "$WORK/redacted.json" "$total")" \
    "$(asks "$WORK/report.json" "$total")"
is "at most 2 % of the resident memory is not explained" "$(asks "$WORK/report.json" \
    'abs(d["memory"]["resident_bytes"] - d["memory"]["explained_bytes"]) * 50 <= d["memory"]["resident_bytes"]')" True
is "malloc'd memory by owner counts the strings of documents" "$(asks "$WORK/report.json" \
    '[abs(o["bytes_without_content"] - int(a[0])) * 100 <= int(a[0]) for o in d["foreign_owners"]
      if o["type"] == "strings::Document"]' "$(asks "$WORK/truth" 'd["documents"][1]')")" "[True]"
is "it has all of them" "$(asks "$WORK/report.json" \
    'sum(o["bytes_without_content"] + o["foreign_bytes"] for o in d["foreign_owners"]) == sum(
      d["totals"][k] for k in ("reachable_bytes_without_content", "reachable_foreign_bytes"))')" True
is "owner threads keep them" "$(asks "$WORK/report.json" \
    'sum(g["retained_bytes"] for g in d["owner_threads"]) >= d["totals"]["reachable_bytes_without_content"]')" True
is "most of it belongs to objects" "$(asks "$WORK/report.json" \
    'd["memory"]["malloc_of_objects_bytes"] * 10 > d["memory"]["resident_bytes"] * 7')" True

done_testing
