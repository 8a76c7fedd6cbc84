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

# valid NAME SCHEMA FILE one|lines: keeps the document; all are looked at in the end, by one process.
mkdir "$WORK/documents"
documents=0
valid()
{
    documents=$((documents + 1))
    cp "$3" "$WORK/documents/$documents"
    printf '%s\t%s\t%s\t%s\n' "$1" "$schemas/$2-1.schema.json" "$WORK/documents/$documents" "$4" >>"$WORK/list"
}

cat >"$WORK/validate.py" <<'PYTHON'
import json, sys
import jsonschema


class Refusal(Exception):
    pass


def places(node, path):
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from places(value, path + [key])
    elif isinstance(node, list) and node:
        yield from places(node[0], path + [0])


class Schema:
    def __init__(self, file):
        schema = json.load(open(file))
        self.validator = jsonschema.Draft202012Validator(schema)
        self.validator.check_schema(schema)
        # Places that were tried in another document, in an object with the same members, need not be
        # tried again.
        self.tried = set()

    def is_new(self, path, node, change):
        members = ",".join(f"{key}:{type(value).__name__}" for key, value in sorted(node.items()))
        place = f"{path} {change} {members}"
        if place in self.tried:
            return False
        self.tried.add(place)
        return True

    def refuse(self, document, path):
        if self.validator.is_valid(document):
            raise Refusal(f"not refused: {path}")

    def try_mutants(self, document):
        """The document with one member removed, added or of another type, at every place."""
        count = 0
        for path, node in list(places(document, [])):
            members = dict(node)
            count += 1
            if self.is_new(path, members, "added"):
                node["unheard_of"] = 1
                self.refuse(document, path + ["unheard_of"])
                del node["unheard_of"]
            for key, value in members.items():
                count += 4
                if not self.is_new(path, members, key):
                    continue
                if not (path == [] and key == "statistics"):
                    del node[key]
                    self.refuse(document, path + [key, "removed"])
                # Growth may be negative.
                for wrong in ("one", 1.5, {"a": 1}) if "growth" in path else (-1, 1.5, {"a": 1}):
                    node[key] = wrong
                    self.refuse(document, path + [key, wrong])
                node[key] = value
        return count

    def check(self, file, mode):
        texts = open(file).readlines() if mode == "lines" else [open(file).read()]
        for number, text in enumerate(texts):
            document = json.loads(text)
            self.validator.validate(document)
            if number == 0:
                refused = self.try_mutants(document)
                if refused < 20:
                    raise Refusal(f"only {refused} mutants")


known = {}
for line in open(sys.argv[1]):
    name, schema, file, mode = line.rstrip("\n").split("\t")
    try:
        if schema not in known:
            known[schema] = Schema(schema)
        known[schema].check(file, mode)
        print(f"ok\t{name}\t", flush=True)
    except Exception as error:
        print(f"not ok\t{name}\t{str(error).splitlines()[0]}", flush=True)
PYTHON

for variant in whole roots missing; do
    file=$WORK/$variant.zst
    "$write_shop_heap" "$file" "$variant" || bail "cannot write the samples"
    for options in "" "--kind minor" "--stats --workers 3" "--stats --schedule seed:3 --workers 3"; do
        # shellcheck disable=SC2086  # several options
        "$RUDO_SNAP" mark $options --json "$WORK/reach.json" --objects "$WORK/objects.jsonl" \
            --invalid "$WORK/invalid.jsonl" -q "$file"
        valid "reachability/1: $variant $options" "reachability" "$WORK/reach.json" one
        valid "objects/1: $variant $options" "objects" "$WORK/objects.jsonl" lines
        [ ! -s "$WORK/invalid.jsonl" ] || valid "invalid/1: $variant $options" "invalid" "$WORK/invalid.jsonl" lines
    done
    "$RUDO_SNAP" retained --json "$WORK/retained.json" --by type --top 3 --prove 4 -q "$file"
    valid "retained/1: $variant" "retained" "$WORK/retained.json" one
    for limit in 40K 1G; do
        "$RUDO_SNAP" report --json "$WORK/report.json" --mem-limit $limit -q "$file"
        valid "report/1: $variant $limit" "report" "$WORK/report.json" one
    done
    "$RUDO_SNAP" path --json "$WORK/path.json" -k 2 --merge --avoid register -q "$file" Order
    valid "path/1: $variant" "path" "$WORK/path.json" one
    "$RUDO_SNAP" what-if --json "$WORK/what-if.json" --cut stack -q "$file"
    valid "what-if/1: $variant" "what-if" "$WORK/what-if.json" one
    "$RUDO_SNAP" simulate --json "$WORK/simulation.json" --workers 1,5,64 -q "$file"
    valid "simulation/1: $variant" "simulation" "$WORK/simulation.json" one
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
        valid "replay/1: $variant, $lines" "replay" "$WORK/$lines.jsonl" lines
    done
    "$RUDO_SNAP" info --json "$file" >"$WORK/info.json"
    valid "info/1: $variant" "info" "$WORK/info.json" one
done

"$write_shop_heap" "$WORK/typed.zst" typed || bail "cannot write the samples"
for shown in 0x600000001680 0x600000000b80; do
    "$RUDO_SNAP" show --json "$WORK/show.json" -q "$WORK/typed.zst" $shown
    valid "show/1: typed $shown" "show" "$WORK/show.json" one
done
"$RUDO_SNAP" mark --precise --json "$WORK/reach.json" -q "$WORK/typed.zst"
valid "reachability/1: precise" "reachability" "$WORK/reach.json" one
for shown in 0x600000004630 0x600000000b48 0x600000000f00 0x10 Order; do
    "$RUDO_SNAP" show --json "$WORK/show.json" -q "$WORK/whole.zst" $shown
    valid "show/1: $shown" "show" "$WORK/show.json" one
done

"$write_shop_heap" "$WORK/grown.zst" grown || bail "cannot write the samples"
"$write_shop_heap" "$WORK/partial.zst" missing || bail "cannot write the samples"
for options in "" "--mem-limit 10"; do
    # shellcheck disable=SC2086  # an option and its value
    "$RUDO_SNAP" diff $options --json "$WORK/diff.json" --fail-on any+90% -q "$WORK/partial.zst" "$WORK/grown.zst" >/dev/null
    valid "diff/1: $options" "diff" "$WORK/diff.json" one
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
valid "check/1: a budget" "check" "$WORK/check.json" one
"$RUDO_SNAP" check --limit 'count(shop::Ordr) <= 1' --known --json "$WORK/check.json" -q "$WORK/partial.zst" >/dev/null
valid "check/1: an incomplete heap" "check" "$WORK/check.json" one

# A heap with suspects, without and with an older one.
for heaps in growing-2.zst "growing-1.zst growing-2.zst"; do
    # shellcheck disable=SC2086  # one heap or two
    (cd "$ROOT/samples/heaps" && "$RUDO_SNAP" report --json "$WORK/report.json" -q $heaps)
    valid "report/1: suspects of $heaps" "report" "$WORK/report.json" one
done

# A heap of C: words of None are not spoken of. One of the Boehm collector: another rule, pages without
# headers, words that are not recorded.
for heap in c-heap boehm; do
    file=samples/heaps/$heap.zst
    "$RUDO_SNAP" info --json "$file" >"$WORK/info.json"
    valid "info/1: $heap" info "$WORK/info.json" one
    for command in mark report retained simulate "diff $file" "check --limit suspects<=0"; do
        schema=${command%% *}
        case $schema in mark) schema=reachability ;; simulate) schema=simulation ;; esac
        # shellcheck disable=SC2086  # a command and its operands
        "$RUDO_SNAP" $command --json "$WORK/answer.json" -q "$file" >/dev/null
        valid "$schema/1: $heap" "$schema" "$WORK/answer.json" one
    done
    "$RUDO_SNAP" replay --workers 1,2 --seeds 1 --golden samples/heaps/golden --json "$WORK/replay.jsonl" -q "$file" >/dev/null
    valid "replay/1: $heap" replay "$WORK/replay.jsonl" lines
done
for command in path show; do
    "$RUDO_SNAP" $command --json "$WORK/answer.json" -q samples/heaps/boehm.zst boehm.c:98
    valid "$command/1: boehm" "$command" "$WORK/answer.json" one
done
"$RUDO_SNAP" what-if --cut boehm.c:98 --json "$WORK/answer.json" -q samples/heaps/boehm.zst
valid "what-if/1: boehm" what-if "$WORK/answer.json" one

looked_at=0
while IFS=$'\t' read -r verdict name why; do
    looked_at=$((looked_at + 1))
    if [ "$verdict" = ok ]; then ok "$name"; else not_ok "$name" "$why"; fi
done < <("$python" "$WORK/validate.py" "$WORK/list")
is "all documents were looked at" "$looked_at" "$documents"

# --stats only adds a member.
"$RUDO_SNAP" mark --json "$WORK/plain.json" -q "$WORK/whole.zst"
"$RUDO_SNAP" mark --stats --json "$WORK/stats.json" -q "$WORK/whole.zst"
check "--stats changes nothing but statistics" "$python" -c '
import json, sys
plain, stats = (json.load(open(path)) for path in sys.argv[1:])
assert stats.pop("statistics") and plain == stats' "$WORK/plain.json" "$WORK/stats.json"
done_testing
