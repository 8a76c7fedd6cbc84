#!/bin/bash
# Layout files on the command line, and their published schema.
. "$(dirname "$0")/../support/tap.sh"

core=$WORK/core
"$BUILD/tests/cli/helpers/make_core_files" example "$core" || exit 1
run "$RUDO_SNAP" capture --core "$core" -o "$WORK/plain" -q
run "$RUDO_SNAP" capture --core "$core" --layout samples/rudo-gc-0.8.json -o "$WORK/said" -q
check_exit "the built-in layout may be said in a file" 0
check "which changes nothing" cmp "$WORK/plain" "$WORK/said"
echo '{ "schema": "rudo-snap/layout/1" }' >"$WORK/bad.json"
run "$RUDO_SNAP" capture --core "$core" --layout "$WORK/bad.json" -o "$WORK/never"
check_exit "a layout that says too little is bad input" 3
check_output "and which member is wrong is said" stderr "rudo-snap: '*bad.json': 'name' is not a name*docs/layouts.md*"
run "$RUDO_SNAP" capture --core "$core" --layout "$WORK/nowhere" -o "$WORK/never"
check_exit "a layout that does not exist is the system's" 4

# Debian's package goes with Debian's interpreter, whatever else is first in the PATH.
python=/usr/bin/python3
if "$python" -c 'import jsonschema' 2>/dev/null; then
    cat >"$WORK/validate.py" <<'PYTHON'
import copy, json, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
validator = jsonschema.Draft202012Validator(schema)
validator.check_schema(schema)
for path in sys.argv[2:]:
    layout = json.load(open(path))
    validator.validate(layout)
    for key in schema["required"]:
        mutant = copy.deepcopy(layout)
        del mutant[key]
        assert not validator.is_valid(mutant), key
    for key in layout:
        mutant = copy.deepcopy(layout)
        mutant[key] = -1
        assert not validator.is_valid(mutant), key
    layout["unheard_of"] = 1
    assert not validator.is_valid(layout)
PYTHON
    check "the samples' layouts are what the schema says, and others are refused" \
        "$python" "$WORK/validate.py" formats/schemas/layout-1.schema.json \
        samples/rudo-gc-0.8.json samples/toy-heap/toy-heap.json
else
    skip "the samples' layouts are what the schema says" "there is no python3-jsonschema"
fi

# The schema, the document and the program know the same members.
members_of_schema()
{
    python3 -c '
import json
print("\n".join(sorted(json.load(open("formats/schemas/layout-1.schema.json"))["properties"])))'
}
# shellcheck disable=SC2016  # backquotes of Markdown
is "docs/layouts.md describes each member of the schema" \
    "$(sed -n '/^| member/,$p' docs/layouts.md | cut -d'|' -f2 | grep -o '`[a-z_]*`' | tr -d '`' | sort)" \
    "$(members_of_schema)"
done_testing
