#!/bin/bash
# timeout: 300
# `report --html`: the page is the same bytes in every run, has the figures of `report --json`, loads
# nothing from anywhere, lets no markup through, and stays small. What a browser makes of it:
# tests/cli/page_in_browser.sh.
. "$(dirname "$0")/../support/tap.sh"

python=/usr/bin/python3
[ -x "$python" ] || skip_all "there is no python3"
helpers=$BUILD/tests/cli/helpers
heaps=$ROOT/samples/heaps

cat >"$WORK/page.py" <<'PYTHON'
"""page.py CHECK PAGE [JSON]: one check of a page; says on standard error what is wrong."""
import base64, hashlib, html.parser, json, re, sys


class Elements(html.parser.HTMLParser):
    """What a browser's parser sees: elements, attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.raw, self.inside = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self.inside = (tag, dict(attributes))
            self.raw.append([*self.inside, ""])

    def handle_endtag(self, tag):
        if self.inside and tag == self.inside[0]:
            self.inside = None

    def handle_data(self, text):
        if self.inside:
            self.raw[-1][2] += text


text = open(sys.argv[2], encoding="utf-8", newline="").read()
page = Elements(text)
blocks = [raw for raw in page.raw if raw[1].get("type") == "application/json"]
assert len(blocks) == 1, "the page has one JSON block"
block = blocks[0][2]
data = json.loads(block)


def check_figures():
    report = json.load(open(sys.argv[3]))
    assert data["report"] == report, "the report in the page is that of --json"
    routes, nodes, pages = data["routes"], data["nodes"], data["pages"]
    for columns in (routes, nodes, pages):
        lengths = {len(column) for name, column in columns.items() if isinstance(column, list)}
        assert len(lengths) == 1, f"columns have one length: {lengths}"
    # Each byte is on one path, so paths add up.
    tops = sum(size for size, parent in zip(routes["all"], routes["parent"]) if parent is None)
    assert tops == data["program_bytes"], f"paths add up to what the program keeps: {tops}"
    if routes["of"] == len(routes["all"]):
        assert sum(routes["own"]) == tops, "all bytes of paths are their own, or below"
    # Nodes keep what they dominate.
    below = {}
    for row in range(nodes["in_tree"]):
        above = nodes["dominator"][row]
        if above is not None:
            assert above < row, "dominators come first"
            below[above] = below.get(above, 0) + nodes["retained"][row]
    for row, size in below.items():
        assert size + nodes["bytes"][row] <= nodes["retained"][row]
    if pages["each"] == 1:
        assert sum(pages["reachable"]) == report["totals"]["reachable_objects"]
        assert sum(pages["dead"]) == report["totals"]["zombies"]
        assert sum(pages["pages"]) * report["snapshot"]["page_size"] == report["totals"]["heap_bytes"]
    # Each object that the report names has its path.
    rows = {"0x" + address: row for row, address in enumerate(nodes["address"])}
    for suspect in report["suspects"]:
        row, path = rows[suspect["example"]["address"]], []
        while row is not None:
            path.insert(0, row)
            row = nodes["before"][row]
        assert nodes["way"][path[0]] is not None, "a path begins with a root"
    for retainer in report["retainers"]:
        row = rows[retainer["address"]]
        assert nodes["retained"][row] == retainer["retained_bytes"]


def check_alone():
    policy = next(a["content"] for tag, a in page.found if a.get("http-equiv") == "Content-Security-Policy")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'", policy
    for tag, part in (("script", "script-src"), ("style", "style-src")):
        texts = [raw[2] for raw in page.raw if raw[0] == tag and "type" not in raw[1]]
        assert len(texts) == 1, f"one {tag}"
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert parts[part] == f"'sha256-{digest}'", f"the policy allows the {tag}: {parts[part]}"
    for tag, attributes in page.found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "audio", "video", "source"), tag
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("src", "srcset", "action", "style", "data"), name
            assert name != "href" or value.startswith("#"), value
    own = [raw[2] for raw in page.raw if raw[0] == "script" and "type" not in raw[1]][0].split('"use strict";', 2)[-1]
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "import(",
                 "fetch(", "XMLHttpRequest", "localStorage"):
        assert word not in own, f"the script has {word}"
    assert not re.search(r"url\(|@import", [raw[2] for raw in page.raw if raw[0] == "style"][0])
    assert "Redistribution and use in source and binary forms" in text, "the licence of d3-hierarchy is shown"


def check_markup():
    assert not re.search("[<>&]", block), "no character of the JSON block can be markup"
    tags = [tag for tag, _ in page.found]
    assert tags.count("script") == 2 and "img" not in tags, "names make no elements"
    assert all(ord(c) not in {0x202e, 0x2028, 0x2029, 0xfeff, 0x200b} and not 0xe0000 <= ord(c) < 0xe0080 for c in block)
    assert "</script><script>alert(1)</script>" in json.dumps(data), "the data holds the names as they are"


def check_small():
    assert len(text.encode()) <= 5_000_000, f"{len(text.encode())} bytes"
    longest = max(len(match) for match in re.findall(r'"((?:[^"\\]|\\.)*)"', block))
    assert longest < 2000, f"a string of {longest} bytes"


globals()["check_" + sys.argv[1]]()
PYTHON
page() { "$python" "$WORK/page.py" "$@" >"$WORK/said" 2>&1 || { cat "$WORK/said"; false; }; }
report() { "$RUDO_SNAP" report -q -f "$@"; }

for name in service leaky strings containers; do
    check "$name: a page" report --html "$WORK/$name.html" --json "$WORK/$name.json" "$heaps/$name.zst"
    check "$name: the figures of --json, sums, and paths" page figures "$WORK/$name.html" "$WORK/$name.json"
done
check "a page of a program that grew" \
    report --html "$WORK/grown.html" --json "$WORK/grown.json" "$heaps/growing-1.zst" "$heaps/growing-2.zst"
check "its figures" page figures "$WORK/grown.html" "$WORK/grown.json"
check "it tells growth by retainer" grep -q 'growth_by_retainer":{"places":1' "$WORK/grown.html"

cp "$heaps/service.zst" "$WORK/other name.zst"
"$RUDO_SNAP" report --html - --relocate "$WORK/other name.zst" >"$WORK/again.html"
check "the same bytes in every run, at other addresses, under another name" cmp "$WORK/service.html" "$WORK/again.html"
check "it loads nothing, and runs nothing but its script" page alone "$WORK/service.html"

"$helpers/make_hostile" markup 40 "$WORK/markup.zst"
check "names that are markup" report --html "$WORK/markup.html" "$WORK/markup.zst"
check "they are data" page markup "$WORK/markup.html"
"$helpers/make_hostile" long-names 2000 "$WORK/long.zst"
check "2,000 types with names of 60,000 bytes" report --html "$WORK/long.html" "$WORK/long.zst"
check "names are cut" page small "$WORK/long.html"
check "and the page says so" grep -q '"strings_cut":[1-9]' "$WORK/long.html"
"$helpers/make_hostile" list 100000 "$WORK/list.zst"
check "a list of 100,000 objects" report --html "$WORK/list.html" "$WORK/list.zst"
check "its page is small" page small "$WORK/list.html"

# A third of a file is gone.
head -c 60000 "$heaps/service.zst" >"$WORK/torn.zst"
"$RUDO_SNAP" verify --salvage "$WORK/torn.zst" -o "$WORK/saved.zst" >/dev/null 2>&1
check "a page of a salvaged heap" report --html "$WORK/saved.html" --json "$WORK/saved.json" "$WORK/saved.zst"
check "says that it is not complete" grep -q '"complete":false' "$WORK/saved.html"

run "$RUDO_SNAP" report --html "$WORK/few.html" --mem-limit 1M "$heaps/service.zst"
check "without memory for retained sizes there is a page all the same" grep -q '"left_out":"' "$WORK/few.html"
run "$RUDO_SNAP" report --html "$heaps/leaky.zst" "$heaps/service.zst"
check_exit "a page does not replace a snapshot" 2
run "$RUDO_SNAP" report --html - --json - "$heaps/service.zst"
check_exit "two documents on one stream are refused" 2
done_testing
