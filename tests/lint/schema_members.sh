#!/bin/bash
# The schemas of JSON documents agree: a member of one name has one type in all of them (null aside),
# every member is always there, identifiers are the files' names, and numbers with a unit say it last.
. "$(dirname "$0")/../support/lint.sh"
command -v python3 >/dev/null || skip_all "there is no python3"

cat >"$WORK/agree.py" <<'PYTHON'
import json, os, re, sys

# Members that have several types, as /1 has promised. Another member needs a name of its own.
SEVERAL = {
    "asked": "array string", "before": "integer object", "bytes": "array integer",
    "bytes_without_content": "array integer", "example": "object string",
    "foreign_blocks": "integer object", "golden": "boolean string", "heap": "object string",
    "interior": "boolean integer object", "kept_by": "array object", "known": "array boolean",
    "layout": "object string", "marked": "boolean integer", "marks": "array integer object",
    "nearly_empty_pages": "array integer", "objects": "array integer object",
    "page": "object string", "pages": "array integer object", "path": "array string",
    "reachable": "boolean object", "reachable_bytes": "array integer",
    "reachable_objects": "array integer", "roots": "array integer object",
    "steps": "array integer", "target": "object string", "totals": "array object",
    "type": "object string", "types": "array integer", "unreachable_objects": "array integer",
    "word": "integer string", "words": "array integer", "workers": "array integer string",
}
# Members that only --stats adds, and those that depend on the schedule. All others are always there.
MAY_BE_MISSING = {
    "statistics", "schedule", "busy_virtual_ns", "idle_virtual_ns", "steps", "cpu_ns", "idle_ns",
    "mark_ns", "read_ns", "report_ns", "relocated",
}
# In bytes: they are named as in layouts, or count elements, as the schema says.
WITHOUT_UNIT = {"page_size", "block_size", "length"}
rule, files = sys.argv[1], sys.argv[2:]
seen, wrong = {}, []


def resolve(node, root):
    while "$ref" in node:
        path = node["$ref"].lstrip("#/").split("/")
        node = root
        for part in path:
            node = node[part]
    return node


def kinds(node, root):
    """The types that it allows, without null."""
    node = resolve(node, root)
    found = set()
    for choice in node.get("oneOf", []) + node.get("anyOf", []):
        found |= kinds(choice, root)
    types = node.get("type", [])
    found |= set([types] if isinstance(types, str) else types)
    values = node.get("enum", []) + ([node["const"]] if "const" in node else [])
    found |= {"null" if value is None else "boolean" if isinstance(value, bool)
              else "array" if isinstance(value, list) else "integer" if isinstance(value, int)
              else "string" for value in values}
    return found - {"null"}


def visit(node, root, place):
    if isinstance(node, list):
        for child in node:
            visit(child, root, place)
        return
    if not isinstance(node, dict):
        return
    for name, member in node.get("properties", {}).items():
        for kind in kinds(member, root):
            seen.setdefault(name, {}).setdefault(kind, place)
        if rule == "required" and name not in node.get("required", []) and \
                name not in MAY_BE_MISSING:
            wrong.append(f"{place}: {name} may be missing")
        if rule == "units" and "integer" in kinds(member, root) and name not in WITHOUT_UNIT and \
                re.search(r"(^|_)(time|duration|pause|elapsed|size|memory|length)$", name):
            wrong.append(f"{place}: the unit of {name} is not in its name")
    if "properties" in node and rule == "closed" and node.get("additionalProperties") is not False:
        wrong.append(f"{place}: further members are allowed")
    for key, child in node.items():
        visit(child, root, place)


for file in files:
    root = json.load(open(file))
    name = os.path.basename(file).replace("-1.schema.json", "")
    visit(root, root, name)
    # Lines of objects and invalid references name none, to stay short.
    if rule == "identifier" and name not in ("objects", "invalid") and \
            f'"rudo-snap/{name}/1"' not in open(file).read():
        wrong.append(f"{name}: it does not name rudo-snap/{name}/1")
if rule == "types":
    for name, types in sorted(seen.items()):
        if len(types) > 1 and " ".join(sorted(types)) != SEVERAL.get(name):
            wrong.append(f"{name}: " + ", ".join(f"{kind} in {place}" for kind, place in types.items()))
print("\n".join(sorted(set(wrong))))
PYTHON
# A layout is what a user writes: much of it may be missing.
documents=(formats/schemas/*.json)
written=()
for file in "${documents[@]}"; do
    [ "$file" = formats/schemas/layout-1.schema.json ] || written+=("$file")
done
agree() { python3 "$WORK/agree.py" "$@" 2>&1; }
none "a member of one name has one type" "$(agree types "${written[@]}")"
none "a member is never missing" "$(agree required "${written[@]}")"
none "there are no members beside those of the schema" "$(agree closed "${written[@]}")"
none "units are in the names" "$(agree units "${written[@]}")"
none "identifiers are those of the files" "$(agree identifier "${documents[@]}")"
done_testing
