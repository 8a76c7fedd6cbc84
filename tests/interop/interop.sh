#!/bin/bash
# Each export is read by the programs that it is for, and their numbers are ours. `make interop` runs
# it; it fetches DevTools' loader, memlab and Speedscope's schema from npm, DuckDB and jsonschema
# from PyPI, and says skipped of what it cannot have. INTEROP_HEAPS: other heaps than samples.
# timeout: 1200
. "$(dirname "$0")/../support/tap.sh"

read -r -a heaps <<<"${INTEROP_HEAPS:-samples/heaps/growing-2.zst samples/heaps/leaky.zst samples/heaps/c-heap.zst samples/heaps/containers.zst}"
TOOLS=$ROOT/build/interop
mkdir -p "$TOOLS"

# What npm and pip fetch stays in $TOOLS, so that a second run is quick.
fetch_node_tools()
{
    [ ! -e "$TOOLS/node_modules/memlab" ] || return 0
    (cd "$TOOLS" && npm init -y && PUPPETEER_SKIP_DOWNLOAD=1 npm install --ignore-scripts \
        memlab@2.0.5 speedscope@1 esbuild@0.25 chrome-devtools-frontend) >"$TOOLS/npm.log" 2>&1
}
fetch_python_tools()
{
    [ ! -x "$TOOLS/python/bin/python" ] || return 0
    (python3 -m venv "$TOOLS/python" && "$TOOLS/python/bin/pip" install -q duckdb jsonschema) >"$TOOLS/pip.log" 2>&1
}

# DevTools' sources want files that its build makes, and a way to wait that bundles do not have.
make_devtools()
{
    local front=$TOOLS/node_modules/chrome-devtools-frontend/front_end
    cat >"$front/core/i18n/locales.js" <<'LOCALES'
export const LOCALES = ['en-US'], BUNDLED_LOCALES = ['en-US'], DEFAULT_LOCALE = 'en-US';
export const REMOTE_FETCH_PATTERN = '', LOCAL_FETCH_PATTERN = './locales/@LOCALE@.json';
LOCALES
    cat >"$front/core/platform/HostRuntime.ts" <<'RUNTIME'
import * as NodeRuntime from './node/node.js';
export type * from './api/HostRuntime.js';
export const IS_NODE = true, IS_BROWSER = false, HOST_RUNTIME = NodeRuntime.HostRuntime.HOST_RUNTIME;
RUNTIME
    cp tests/interop/devtools.ts tests/interop/memlab.js "$TOOLS"
    (cd "$TOOLS" && node_modules/.bin/esbuild devtools.ts --bundle --platform=node --format=esm \
        --alias:devtools=./node_modules/chrome-devtools-frontend/front_end --outfile=devtools.mjs) >"$TOOLS/esbuild.log" 2>&1
}

# ours FILE: the hundred largest retained sizes, in bytes.
ours()
{
    "$RUDO_SNAP" query --format csv "$1" 'SELECT retained FROM (SELECT retained FROM objects UNION ALL
        SELECT retained FROM blocks) WHERE retained IS NOT NULL ORDER BY 1 DESC LIMIT 100' | tail -n +2 | tr '\n' ' '
}
# sizes: of a JSON document on standard input
sizes()
{
    python3 -c 'import json, sys; print(*json.loads(sys.stdin.read().strip().splitlines()[-1])["sizes"], end=" ")'
}

export NODE_OPTIONS=--max-old-space-size=4096
has_node=no has_python=no
command -v npm >/dev/null 2>&1 && fetch_node_tools && make_devtools && has_node=yes
fetch_python_tools && has_python=yes

for heap in "${heaps[@]}"; do
    name=$(basename "$heap" .zst)
    for format in heapsnapshot pprof speedscope sqlite; do
        "$RUDO_SNAP" export -q --to $format -f -o "$WORK/$name.$format" "$heap"
    done
    all=$("$RUDO_SNAP" query --format csv "$heap" 'SELECT max(retained) FROM dominators' | tail -n 1)
    if [ $has_node = yes ]; then
        node "$TOOLS/devtools.mjs" "$WORK/$name.heapsnapshot" >"$WORK/devtools.json"
        is "$name: DevTools' retained sizes" "$(sizes <"$WORK/devtools.json")" "$(ours "$heap")"
        check "$name: DevTools reports no problem" grep -q '"problems":\[\]' "$WORK/devtools.json"
        is "$name: memlab's retained sizes" "$(node "$TOOLS/memlab.js" "$WORK/$name.heapsnapshot" 2>/dev/null | sizes)" "$(ours "$heap")"
    else
        skip "$name: DevTools and memlab: npm has not fetched them ($TOOLS/npm.log)"
    fi
    if command -v go >/dev/null 2>&1; then
        is "$name: pprof's bytes" "$(go tool pprof -top -unit=B "$WORK/$name.pprof" 2>/dev/null | sed -n 's/.* of \([0-9]*\)B total.*/\1/p')" "$all"
    else
        skip "$name: pprof: Go is not installed"
    fi
    if [ $has_python = yes ] && [ $has_node = yes ]; then
        check "$name: Speedscope's schema" "$TOOLS/python/bin/python" -c '
import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$WORK/$name.speedscope" \
            "$TOOLS/node_modules/speedscope/dist/release/file-format-schema.json"
    else
        skip "$name: Speedscope's schema: it was not fetched"
    fi
    if command -v sqlite3 >/dev/null 2>&1; then
        is "$name: sqlite3's sum" "$(sqlite3 "$WORK/$name.sqlite" 'SELECT max(retained) FROM dominators')" "$all"
    else
        skip "$name: sqlite3 is not installed"
    fi
    if command -v dot >/dev/null 2>&1; then
        address=$("$RUDO_SNAP" query --format csv "$heap" 'SELECT address(address) FROM objects ORDER BY retained DESC LIMIT 1' | tail -n 1)
        "$RUDO_SNAP" export -q --to dot --of "$address" "$heap" >"$WORK/$name.dot"
        check "$name: Graphviz draws" dot -Tsvg "$WORK/$name.dot" -o "$WORK/$name.svg"
    else
        skip "$name: Graphviz is not installed"
    fi
done

# The part of docs/fleet.md that asks DuckDB, on two nights of the same heap.
for night in yesterday today; do
    mkdir -p "$WORK/$night"
    number=$([ $night = yesterday ] && echo 1 || echo 2)
    "$RUDO_SNAP" export -q --to csv -o "$WORK/$night/service" "samples/heaps/growing-$number.zst"
done
ln -s today "$WORK/tables"
if [ $has_python = yes ]; then
    is "docs/fleet.md: DuckDB" "$("$TOOLS/python/bin/python" -c '
import duckdb, os, re, sys
text = open("docs/fleet.md").read().split("## Ask DuckDB")[1]
statements = [s for s in re.findall(r"    SELECT .*?;", text, re.S)]
os.chdir(sys.argv[1])
print(len(statements), *[duckdb.sql(statement).fetchall()[0] for statement in statements])' "$WORK")" \
        "2 $("$RUDO_SNAP" query --format csv samples/heaps/growing-2.zst "SELECT type, 1, reachable_bytes FROM types ORDER BY 3 DESC LIMIT 1" | tail -n 1 | sed "s/\(.*\),\(.*\),\(.*\)/('\1', \2, \3)/") ('service::LineItem', 1, $(($("$RUDO_SNAP" query --format csv samples/heaps/growing-2.zst "SELECT reachable_objects FROM types WHERE type = 'service::LineItem'" | tail -n 1) - $("$RUDO_SNAP" query --format csv samples/heaps/growing-1.zst "SELECT reachable_objects FROM types WHERE type = 'service::LineItem'" | tail -n 1))))"
else
    skip "docs/fleet.md: DuckDB was not fetched"
fi
done_testing
