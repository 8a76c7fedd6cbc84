#!/bin/bash
# What SQL on a heap and its exports cost. The tables in docs/benchmarks.md are made by it:
#
#     make bench-tables
#
#     tests/bench/tables.sh [BUILD [MIB [EXPORT_MIB]]]
#
# A heap of MIB MiB (1772: ten million objects) is queried; one of EXPORT_MIB (178: a million
# objects) is written in each format. CPU seconds of all threads. What a statement costs is told
# without what loading costs, which is that of SELECT 1.
set -eu
build=${1:-build/release}
mib=${2:-1772}
export_mib=${3:-178}
program=$build/rudo-snap
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# measured COMMAND...: "CPU-SECONDS MIBIBYTES STATUS"
measured()
{
    "$build/tests/cli/helpers/measure_command" 600 "$program" "$@"
}

# row NAME UNITS SQL: units a second beside loading.
row()
{
    local seconds
    seconds=$(measured query "$heap" "$3" | cut -d' ' -f1)
    awk -v name="$1" -v units="$2" -v seconds="$seconds" -v load="$load" 'BEGIN {
        printf "%-40s %7.2f s  %12.0f a second\n", name, seconds - load,
            units / (seconds - load > 0.01 ? seconds - load : 0.01) }'
}

heap=$scratch/heap.zst
"$build/tests/cli/helpers/huge_heap" "$heap" "$mib"
objects=$("$program" query "$heap" --format csv 'SELECT count(*) FROM objects' | tail -n 1)
edges=$("$program" query "$heap" --format csv 'SELECT count(*) FROM edges' | tail -n 1)
first=$("$program" query "$heap" --format csv 'SELECT address FROM objects LIMIT 1' | tail -n 1)
load=$(measured query "$heap" 'SELECT 1' | cut -d' ' -f1)
echo "loading: $load s"
row 'SELECT count(*) FROM objects' "$objects" 'SELECT count(*) FROM objects'
row 'SELECT sum(bytes) FROM objects' "$objects" 'SELECT sum(bytes) FROM objects'
row 'types, GROUP BY type' "$objects" 'SELECT type, count(*), sum(bytes) FROM objects GROUP BY type'
row 'SELECT count(*) FROM edges' "$edges" 'SELECT count(*) FROM edges'
pages=$((mib * 256 > 400000 ? 400000 : mib * 256))
row "lookups of $pages addresses" "$pages" "WITH RECURSIVE n(i) AS
    (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $pages - 1)
    SELECT count(o.type) FROM n CROSS JOIN objects o ON o.address = $first + i * 4096"

heap=$scratch/exported.zst
"$build/tests/cli/helpers/huge_heap" "$heap" "$export_mib"
for format in heapsnapshot pprof speedscope sqlite csv jsonl; do
    rm -rf "$scratch/out"
    read -r seconds mebibytes status <<<"$(measured export -q --to $format -o "$scratch/out" "$heap")"
    printf '%-14s %7.2f s %6d MiB resident %9.1f MB written, exit status %s\n' $format "$seconds" "$mebibytes" \
        "$(du -sb "$scratch/out" | awk '{ print $1 / 1e6 }')" "$status"
done
