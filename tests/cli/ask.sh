#!/bin/bash
# SQL on heaps, and heaps for other programs: the numbers of tables are those of the other commands,
# the formats agree with each other, and nothing but reading is possible.
. "$(dirname "$0")/../support/tap.sh"

HEAP=$ROOT/samples/heaps/growing-2.zst
LEAKY=$ROOT/samples/heaps/leaky.zst

# ask SQL [HEAP]: the rows, without names.
ask()
{
    "$RUDO_SNAP" query --format csv "${2:-$HEAP}" "$1" | tail -n +2
}

# number DOCUMENT PYTHON-EXPRESSION
number()
{
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

# The page about tables is the schema.
"$RUDO_SNAP" query "$HEAP" .schema >"$WORK/schema"
awk '/^## / { table = $2 } /^\| `/ { gsub(/[`*|]/, " "); split($0, c, " "); print table, c[1] }' docs/tables.md >"$WORK/told"
sed 's/^CREATE TABLE \([a-z]*\)(\(.*\));$/\1 \2/' "$WORK/schema" |
    while read -r table columns; do tr ',' '\n' <<<"$columns" | awk -v t="$table" '{ print t, $1 }'; done >"$WORK/there"
check "docs/tables.md has each table and column" diff "$WORK/told" "$WORK/there"

for heap in "$HEAP" "$LEAKY" "$ROOT/samples/heaps/containers.zst" "$ROOT/samples/heaps/c-heap.zst"; do
    name=$(basename "$heap" .zst)
    "$RUDO_SNAP" mark -q --json "$WORK/mark.json" -f "$heap"
    "$RUDO_SNAP" retained -q --top 20 --json "$WORK/retained.json" -f "$heap"
    is "$name: objects, reachable, zombies" \
        "$(ask 'SELECT sum(NOT zombie), sum(reachable), sum(zombie), sum(iif(reachable, bytes, 0)) FROM objects' "$heap")" \
        "$(number "$WORK/mark.json" '"%d,%d,%d,%d" % tuple(d["totals"][k] for k in ("objects", "reachable_objects", "zombies", "reachable_bytes"))')"
    is "$name: pages and slots" "$(ask 'SELECT count(*), sum(slots), sum(live) FROM pages' "$heap")" \
        "$(number "$WORK/mark.json" '"%d,%d,%d" % tuple(d["totals"][k] for k in ("pages", "slots", "objects"))')"
    is "$name: retained sizes" \
        "$(ask "SELECT address(address), retained FROM (SELECT address, retained FROM objects UNION SELECT address, retained FROM blocks) WHERE retained IS NOT NULL ORDER BY retained DESC, address LIMIT 20" "$heap" | cut -d, -f2)" \
        "$(number "$WORK/retained.json" '"\n".join(str(o["retained_bytes"]) for o in d["objects"])')"
    is "$name: dominators agree with objects" \
        "$(ask "SELECT count(*) FROM objects o JOIN dominators d ON d.address = o.address WHERE d.retained <> o.retained" "$heap")" 0
    is "$name: every edge has a source and a target" \
        "$(ask "SELECT count(*) FROM edges WHERE type(source) IS NULL OR type(target) IS NULL" "$heap")" 0
    is "$name: rows by key are those of a scan" \
        "$(ask "SELECT count(*) FROM edges e WHERE NOT EXISTS (SELECT 1 FROM edges f WHERE f.source = e.source AND f.offset = e.offset AND f.target = e.target)" "$heap")" 0
done
is "by page and type" \
    "$(ask "SELECT count(*) FROM objects WHERE page = (SELECT page FROM objects WHERE type = 'service::Audit')")" \
    "$(ask "SELECT count(*) FROM objects o WHERE o.page + 0 = (SELECT page FROM objects WHERE type || '' = 'service::Audit')")"
is "a value of another kind equals nothing" "$(ask "SELECT count(*) FROM objects WHERE address = 'x'")" 0
is "an address that is none" "$(ask 'SELECT count(*) FROM objects WHERE address = 1')" 0
is "functions of nothing are NULL" "$(ask 'SELECT type(1) IS NULL, retained(1) IS NULL, path(-1) IS NULL, address(NULL) IS NULL')" 1,1,1,1
check "path() begins with a root" grep -q '^"\{0,1\}thread .*service::Audit' <(ask "SELECT path(address) FROM objects WHERE type = 'service::Audit'")

# Parameters, scripts, formats.
echo 'SELECT count(*) AS n FROM objects WHERE type = :type; -- the end' >"$WORK/script.sql"
run "$RUDO_SNAP" query "$HEAP" --file "$WORK/script.sql" --param type=service::Audit --format jsonl
check_exit "a script" 0
is "and its rows" "$(cat "$WORK/stdout")" '{"n":1}'
run "$RUDO_SNAP" query "$HEAP" "SELECT 'a,\"b' AS text, NULL, 2" --format csv -o "$WORK/rows.csv"
check_exit "into a file" 0
is "quotes in CSV" "$(tail -n 1 "$WORK/rows.csv")" '"a,""b",,2'
for wrong in "DROP TABLE objects" "CREATE TABLE t(a)" "ATTACH '$WORK/x.db' AS x" "INSERT INTO objects VALUES(1)" \
    "PRAGMA writable_schema=1" "SELECT load_extension('x')" "SELECT nonsense" "SELECT :missing" "SELECT"; do
    run "$RUDO_SNAP" query "$HEAP" "$wrong"
    check_exit "refused: ${wrong:0:20}" 2
done
check "nothing was attached" test ! -e "$WORK/x.db"
run "$RUDO_SNAP" query "$HEAP"
check_exit "no statement" 2
run "$RUDO_SNAP" export "$HEAP"
check_output "an export to nothing" stderr '*missing option: --to FORMAT*'
run "$RUDO_SNAP" query "$WORK/missing.zst" "SELECT 1"
check_exit "no such file" 4
head -c 2000 "$HEAP" >"$WORK/cut.zst"
run "$RUDO_SNAP" query "$WORK/cut.zst" "SELECT 1"
check_exit "a damaged file" 3

# Exports.
for format in heapsnapshot pprof speedscope sqlite; do
    for turn in 1 2; do
        run "$RUDO_SNAP" export --to $format -o "$WORK/$turn.$format" "$HEAP"
        check_exit "$format, $turn" 0
    done
    check "$format: the same bytes" cmp "$WORK/1.$format" "$WORK/2.$format"
    run "$RUDO_SNAP" export -q --to $format --relocate "$HEAP"
    check "$format: relocated, to standard output" cmp "$WORK/1.$format" "$WORK/stdout"
done
is "heapsnapshot: nodes, edges and sizes add up" "$(number "$WORK/1.heapsnapshot" '[
    d["snapshot"]["node_count"] == len(d["nodes"]) // 7, d["snapshot"]["edge_count"] == len(d["edges"]) // 3,
    sum(d["nodes"][4::7]) == d["snapshot"]["edge_count"], max(d["edges"][2::3]) < len(d["nodes"]),
    all(t % 7 == 0 for t in d["edges"][2::3]), len(set(d["nodes"][2::7])) == d["snapshot"]["node_count"],
    list(d)[-1] == "strings"]')" "[True, True, True, True, True, True, True]"
is "speedscope: the bytes of what is reachable" "$(number "$WORK/1.speedscope" 'd["profiles"][0]["endValue"]')" \
    "$(ask 'SELECT max(retained) FROM dominators')"
check "pprof: gzip" gzip -t <"$WORK/1.pprof"
for format in csv jsonl; do
    run "$RUDO_SNAP" export --to $format -o "$WORK/$format" "$HEAP"
    check_exit "all tables as $format" 0
    for table in objects edges roots pages types threads blocks dominators; do
        lines=$(wc -l <"$WORK/$format/$table.$format")
        [ $format = jsonl ] || lines=$((lines - 1))
        is "$format: rows of $table" "$lines" "$(ask "SELECT count(*) FROM $table")"
    done
done
is "csv and jsonl have the same values" "$(python3 -c '
import csv, json, sys
def text(value):
    return "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
for table in "objects edges roots pages types threads blocks dominators".split():
    rows = [json.loads(line) for line in open(f"{sys.argv[1]}/jsonl/{table}.jsonl")]
    with open(f"{sys.argv[1]}/csv/{table}.csv", newline="") as file:
        if list(csv.DictReader(file)) != [{k: text(v) for k, v in row.items()} for row in rows]:
            print(table)' "$WORK")" ""
is "sqlite has the same rows" "$(python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*), sum(bytes), sum(retained) FROM objects").fetchone(),
      db.execute("PRAGMA integrity_check").fetchone()[0])' "$WORK/1.sqlite")" \
    "($(ask 'SELECT count(*), sum(bytes), sum(retained) FROM objects' | sed 's/,/, /g')) ok"
run "$RUDO_SNAP" export --to dot --of service::Audit --depth 2 --max-nodes 20 "$HEAP"
check_exit "dot" 0
is "dot: nodes" "$(grep -c 'shape=' "$WORK/stdout")" 20
check "nodes that are left out are told" grep -q 'max-nodes' "$WORK/stderr"
for wrong in "--to csv" "--to dot" "--to pprof --table objects" "--to csv --table nonsense" "--to nonsense" ""; do
    # shellcheck disable=SC2086  # words on purpose
    run "$RUDO_SNAP" export $wrong "$HEAP"
    check_exit "wrong: '$wrong'" 2
done
run "$RUDO_SNAP" export --to pprof -o "$HEAP" -f "$HEAP"
check_exit "an input is never replaced" 2
done_testing
