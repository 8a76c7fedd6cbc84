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
# Several types with one label are one type. Comparisons that no key serves are made row by row.
SERVICE=$ROOT/samples/heaps/service.zst
for heap in "$HEAP" "$SERVICE"; do
    is "$(basename "$heap" .zst): objects by type, as the table of types says" \
        "$(ask "SELECT count(*) FROM types t WHERE objects + zombies <> (SELECT count(*) FROM objects o WHERE o.type = t.type)" "$heap")" 0
    is "$(basename "$heap" .zst): a row for each label" "$(ask "SELECT count(*) - count(DISTINCT type) FROM types" "$heap")" 0
done
is "a label of several types" "$(ask "SELECT count(*) FROM objects WHERE type = 'service::Journal | service::PriceTable'" "$SERVICE")" 3
is "without regard to case" "$(ask "SELECT count(*) FROM objects WHERE type = 'SERVICE::audit' COLLATE NOCASE")" \
    "$(ask "SELECT count(*) FROM objects WHERE type = 'service::Audit'")"
is "an address as a text, and as a number with a fraction" \
    "$(ask "SELECT count(*) FROM objects WHERE address IN (SELECT address || '' FROM objects LIMIT 1) OR address = 0.5")" 1
is "a page as a number with a fraction" "$(ask "SELECT count(*) FROM pages WHERE address = (SELECT address + 0.0 FROM pages LIMIT 1)")" 1
is "a value of another kind equals nothing" "$(ask "SELECT count(*) FROM objects WHERE address = 'x'")" 0
is "an address that is none" "$(ask 'SELECT count(*) FROM objects WHERE address = 1')" 0
is "functions of nothing are NULL" "$(ask 'SELECT type(1) IS NULL, retained(1) IS NULL, path(-1) IS NULL, address(NULL) IS NULL')" 1,1,1,1
check "path() begins with a root" grep -q '^"\{0,1\}thread .*service::Audit' <(ask "SELECT path(address) FROM objects WHERE type = 'service::Audit'")

# Bytes that the program asked for, where the collector's debugging wrote them down.
is "requested bytes of Boehm heaps" "$(ask "SELECT DISTINCT type, requested FROM objects WHERE type LIKE 'boehm.c:%' AND reachable ORDER BY requested, type" "$ROOT/samples/heaps/boehm.zst" | tr '\n' ' ')" \
    "boehm.c:143,8 boehm.c:47,32 boehm.c:88,32 boehm.c:101,40 boehm.c:110,100 boehm.c:98,32768 "
is "of others they are not known" "$(ask 'SELECT count(requested) FROM objects')" 0
run "$RUDO_SNAP" show "$ROOT/samples/heaps/boehm.zst" "$(ask "SELECT address(address) FROM objects WHERE type = 'boehm.c:88'" "$ROOT/samples/heaps/boehm.zst")"
check_output "show tells them" stdout '*boehm.c:88  0x*  80 B (32 B requested), reachable*'
check_output "and of its page, what the collector keeps" stdout '*, class 80, slot * of 51, allocated
*'

# Parameters, scripts, formats.
echo 'SELECT count(*) AS n FROM objects WHERE type = :type; -- the end' >"$WORK/script.sql"
run "$RUDO_SNAP" query "$HEAP" --file "$WORK/script.sql" --param type=service::Audit --format jsonl
check_exit "a script" 0
is "and its rows" "$(cat "$WORK/stdout")" '{"n":1}'
run "$RUDO_SNAP" query "$HEAP" "SELECT 'a,\"b' AS text, NULL, 2" --format csv -o "$WORK/rows.csv"
check_exit "into a file" 0
is "quotes in CSV" "$(tail -n 1 "$WORK/rows.csv")" '"a,""b",,2'
printf 'SELECT 1;\0SELECT 2' >"$WORK/zero.sql"
run "$RUDO_SNAP" query "$HEAP" --file "$WORK/zero.sql"
check_exit "a script with a zero byte" 3
check_output "and where it is" stderr '*zero byte at offset 9*'
run "$RUDO_SNAP" query "$HEAP" --file "$WORK"
check_exit "a folder is not a script" 4
check_output "and why" stderr "*cannot read '$WORK': Is a directory*"
run "$RUDO_SNAP" query "$HEAP" --param n=0xffffffffffffffff 'SELECT :n'
check_exit "a parameter that does not fit" 2
is "numbers and texts as parameters" "$("$RUDO_SNAP" query "$HEAP" --format csv --param n=-5 --param t=99999999999999999999x \
    'SELECT :n, typeof(:n), :t, typeof(:t)' | tail -n 1)" "-5,integer,99999999999999999999x,text"
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
    for table in objects edges roots pages types threads blocks dominators snapshot; do
        lines=$(wc -l <"$WORK/$format/$table.$format")
        [ $format = jsonl ] || lines=$((lines - 1))
        is "$format: rows of $table" "$lines" "$(ask "SELECT count(*) FROM $table")"
    done
done
is "csv and jsonl have the same values" "$(python3 -c '
import csv, json, sys
def text(value):
    return "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
for table in "objects edges roots pages types threads blocks dominators snapshot".split():
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
mkdir "$WORK/tables" && cp "$HEAP" "$WORK/tables/pages.csv"
run "$RUDO_SNAP" export --to csv -f -o "$WORK/tables" "$WORK/tables/pages.csv"
check_exit "nor is one that has the name of a table" 2
is "and no table is written" "$(ls "$WORK/tables")" pages.csv
run "$RUDO_SNAP" export --to jsonl -o "$WORK/new" "$WORK/cut.zst"
check_exit "tables of a damaged file" 3
check "leave no folder behind" test ! -e "$WORK/new"
# A disk that is full in the middle: 64 KiB hold some of the tables.
if unshare -m true 2>"$WORK/why"; then
    mkdir "$WORK/disk"
    # shellcheck disable=SC2016  # expanded inside
    run unshare -m bash -c 'mount -t tmpfs -o size=64k none "$1" && { "$2" export --to csv -o "$1/tables" "$3"; status=$?; ls -A "$1"; exit $status; }' \
        - "$WORK/disk" "$RUDO_SNAP" "$HEAP"
    check_exit "a full disk" 4
    is "keeps no table" "$(cat "$WORK/stdout")" ""
else
    skip "a full disk" "$(cat "$WORK/why")"
fi

# A heap of which a part is missing says so in its rows.
head -c $(($(stat -c %s "$HEAP") * 3 / 4)) "$HEAP" >"$WORK/short.zst"
run "$RUDO_SNAP" verify --salvage -o "$WORK/part.zst" "$WORK/short.zst"
check "a part of a heap" test -s "$WORK/part.zst"
is "query: complete, and what is missing" "$(ask 'SELECT complete, missing IS NOT NULL FROM snapshot' "$WORK/part.zst")" 0,1
run "$RUDO_SNAP" query "$WORK/part.zst" 'SELECT count(*) FROM objects'
check_output "rows that are lined up end with a note" stdout '*note: the snapshot is incomplete*missing: *'
run "$RUDO_SNAP" export --to jsonl --table snapshot "$WORK/part.zst"
check_output "export: the table of the snapshot" stdout '*"complete":false,"missing":"*'
done_testing
