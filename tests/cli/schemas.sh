#!/bin/bash
# timeout: 300
# What the program writes is what the published schemas say, by an independent validator; and
# the schemas are strict: documents with a missing, an additional or a wrong member are refused.
. "$(dirname "$0")/../support/tap.sh"

# Debian's package goes with Debian's interpreter, whatever else is first in the PATH.
python=/usr/bin/python3
"$python" -c 'import jsonschema' 2>/dev/null || skip_all "there is no python3-jsonschema"
write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
schemas=$ROOT/formats/schemas

cat >"$WORK/validate.py" <<'PYTHON'
import json, os, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.Draft202012Validator(schema)
validator.check_schema(schema)
# Places that were tried in another document of the schema, in an object with the same members, need
# not be tried again.
memory = os.path.join(os.path.dirname(sys.argv[0]), os.path.basename(sys.argv[1]) + ".tried")
tried = set(open(memory).read().splitlines()) if os.path.exists(memory) else set()


def places(node, path):
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from places(value, path + [key])
    elif isinstance(node, list) and node:
        yield from places(node[0], path + [0])


def is_new(path, node, change):
    members = ",".join(f"{key}:{type(value).__name__}" for key, value in sorted(node.items()))
    place = f"{path} {change} {members}"
    if place in tried:
        return False
    tried.add(place)
    return True


def refuse(document, path):
    if validator.is_valid(document):
        sys.exit(f"not refused: {path}")


def try_mutants(document):
    """The document with one member removed, added or of another type, at every place."""
    count = 0
    for path, node in list(places(document, [])):
        members = dict(node)
        count += 1
        if is_new(path, members, "added"):
            node["unheard_of"] = 1
            refuse(document, path + ["unheard_of"])
            del node["unheard_of"]
        for key, value in members.items():
            count += 4
            if not is_new(path, members, key):
                continue
            if not (path == [] and key == "statistics"):
                del node[key]
                refuse(document, path + [key, "removed"])
            # Growth may be negative.
            for wrong in ("one", 1.5, {"a": 1}) if "growth" in path else (-1, 1.5, {"a": 1}):
                node[key] = wrong
                refuse(document, path + [key, wrong])
            node[key] = value
    return count


for number, line in enumerate(open(sys.argv[2]) if sys.argv[3] == "lines" else [open(sys.argv[2]).read()]):
    document = json.loads(line)
    validator.validate(document)
    if number == 0:
        refused = try_mutants(document)
        if refused < 20:
            sys.exit(f"only {refused} mutants")
open(memory, "w").write("\n".join(sorted(tried)))
PYTHON

for variant in whole roots missing; do
    file=$WORK/$variant.zst
    "$write_shop_heap" "$file" "$variant" || bail "cannot write the samples"
    for options in "" "--kind minor" "--stats --workers 3" "--stats --schedule seed:3 --workers 3"; do
        # shellcheck disable=SC2086  # several options
        "$RUDO_SNAP" mark $options --json "$WORK/reach.json" --objects "$WORK/objects.jsonl" \
            --invalid "$WORK/invalid.jsonl" -q "$file"
        check "reachability/1: $variant $options" \
            "$python" "$WORK/validate.py" "$schemas/reachability-1.schema.json" "$WORK/reach.json" one
        check "objects/1: $variant $options" \
            "$python" "$WORK/validate.py" "$schemas/objects-1.schema.json" "$WORK/objects.jsonl" lines
        [ ! -s "$WORK/invalid.jsonl" ] || check "invalid/1: $variant $options" \
            "$python" "$WORK/validate.py" "$schemas/invalid-1.schema.json" "$WORK/invalid.jsonl" lines
    done
    "$RUDO_SNAP" retained --json "$WORK/retained.json" --by type --top 3 --prove 4 -q "$file"
    check "retained/1: $variant" \
        "$python" "$WORK/validate.py" "$schemas/retained-1.schema.json" "$WORK/retained.json" one
    for limit in 40K 1G; do
        "$RUDO_SNAP" report --json "$WORK/report.json" --mem-limit $limit -q "$file"
        check "report/1: $variant $limit" \
            "$python" "$WORK/validate.py" "$schemas/report-1.schema.json" "$WORK/report.json" one
    done
    "$RUDO_SNAP" path --json "$WORK/path.json" -k 2 --merge --avoid register -q "$file" Order
    check "path/1: $variant" \
        "$python" "$WORK/validate.py" "$schemas/path-1.schema.json" "$WORK/path.json" one
    "$RUDO_SNAP" what-if --json "$WORK/what-if.json" --cut stack -q "$file"
    check "what-if/1: $variant" \
        "$python" "$WORK/validate.py" "$schemas/what-if-1.schema.json" "$WORK/what-if.json" one
    "$RUDO_SNAP" simulate --json "$WORK/simulation.json" --workers 1,5,64 -q "$file"
    check "simulation/1: $variant" \
        "$python" "$WORK/validate.py" "$schemas/simulation-1.schema.json" "$WORK/simulation.json" one
    # Its two kinds of lines one after the other: mutants are made of the first line.
    rm -rf "$WORK/golden"
    "$RUDO_SNAP" replay --workers 1,2 --seeds 1 --golden "$WORK/golden" --update -q "$file"
    "$BUILD/tests/cli/helpers/edit_golden" "$WORK/golden/$variant.golden" 0 0 objects ||
        bail "cannot edit a golden"
    "$RUDO_SNAP" replay --workers 1,2 --seeds 1 --golden "$WORK/golden" --json "$WORK/replay.jsonl" -q \
        "$file" >/dev/null
    sed -n 1p "$WORK/replay.jsonl" >"$WORK/run.jsonl"
    sed 1d "$WORK/replay.jsonl" >"$WORK/heaps.jsonl"
    for lines in run heaps; do
        check "replay/1: $variant, $lines" \
            "$python" "$WORK/validate.py" "$schemas/replay-1.schema.json" "$WORK/$lines.jsonl" lines
    done
    "$RUDO_SNAP" info --json "$file" >"$WORK/info.json"
    check "info/1: $variant" \
        "$python" "$WORK/validate.py" "$schemas/info-1.schema.json" "$WORK/info.json" one
done

"$write_shop_heap" "$WORK/typed.zst" typed || bail "cannot write the samples"
for shown in 0x600000001680 0x600000000b80; do
    "$RUDO_SNAP" show --json "$WORK/show.json" -q "$WORK/typed.zst" $shown
    check "show/1: typed $shown" \
        "$python" "$WORK/validate.py" "$schemas/show-1.schema.json" "$WORK/show.json" one
done
"$RUDO_SNAP" mark --precise --json "$WORK/reach.json" -q "$WORK/typed.zst"
check "reachability/1: precise" \
    "$python" "$WORK/validate.py" "$schemas/reachability-1.schema.json" "$WORK/reach.json" one
for shown in 0x600000004630 0x600000000b48 0x600000000f00 0x10 Order; do
    "$RUDO_SNAP" show --json "$WORK/show.json" -q "$WORK/whole.zst" $shown
    check "show/1: $shown" \
        "$python" "$WORK/validate.py" "$schemas/show-1.schema.json" "$WORK/show.json" one
done

"$write_shop_heap" "$WORK/grown.zst" grown || bail "cannot write the samples"
"$write_shop_heap" "$WORK/partial.zst" missing || bail "cannot write the samples"
for options in "" "--mem-limit 10"; do
    # shellcheck disable=SC2086  # an option and its value
    "$RUDO_SNAP" diff $options --json "$WORK/diff.json" --fail-on any+90% -q "$WORK/partial.zst" "$WORK/grown.zst" >/dev/null
    check "diff/1: $options" \
        "$python" "$WORK/validate.py" "$schemas/diff-1.schema.json" "$WORK/diff.json" one
done

# Limits that are kept and exceeded, of each measure; leaks that are known and not; heaps that were not
# measured.
cat >"$WORK/heap.budget" <<'BUDGET'
known leak 28a6b4c3 # rotated each night
known leak 00000000
count(service::Session) <= 10 # the load opens 8
malloc(Session) <= 1GB
growth(total) <= 1%
no path service::Audit -> service::Order
suspects = 0
occupancy >= 10%
complete
BUDGET
(cd "$ROOT/samples/heaps" && "$RUDO_SNAP" check --budget "$WORK/heap.budget" --baseline growing-1.zst \
    --allow sizes --json "$WORK/check.json" -q growing-2.zst >/dev/null)
check "check/1: a budget" \
    "$python" "$WORK/validate.py" "$schemas/check-1.schema.json" "$WORK/check.json" one
"$RUDO_SNAP" check --limit 'count(shop::Ordr) <= 1' --known --json "$WORK/check.json" -q "$WORK/partial.zst" >/dev/null
check "check/1: an incomplete heap" \
    "$python" "$WORK/validate.py" "$schemas/check-1.schema.json" "$WORK/check.json" one

# A heap with suspects, without and with an older one.
for heaps in growing-2.zst "growing-1.zst growing-2.zst"; do
    # shellcheck disable=SC2086  # one heap or two
    (cd "$ROOT/samples/heaps" && "$RUDO_SNAP" report --json "$WORK/report.json" -q $heaps)
    check "report/1: suspects of $heaps" \
        "$python" "$WORK/validate.py" "$schemas/report-1.schema.json" "$WORK/report.json" one
done

# A heap of C: words of None are not spoken of.
for command in mark report retained simulate; do
    case $command in mark) schema=reachability ;; simulate) schema=simulation ;; *) schema=$command ;; esac
    "$RUDO_SNAP" $command --json "$WORK/c.json" -q samples/heaps/c-heap.zst
    check "$schema/1: a heap of C" \
        "$python" "$WORK/validate.py" "$schemas/$schema-1.schema.json" "$WORK/c.json" one
done

# --stats only adds a member.
"$RUDO_SNAP" mark --json "$WORK/plain.json" -q "$WORK/whole.zst"
"$RUDO_SNAP" mark --stats --json "$WORK/stats.json" -q "$WORK/whole.zst"
check "--stats changes nothing but statistics" "$python" -c '
import json, sys
plain, stats = (json.load(open(path)) for path in sys.argv[1:])
assert stats.pop("statistics") and plain == stats' "$WORK/plain.json" "$WORK/stats.json"
done_testing
