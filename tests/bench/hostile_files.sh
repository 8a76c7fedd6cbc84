#!/bin/bash
# What the commands take on small files that were made to take much: a row for each kind of
# make_hostile with the slowest command and the one that takes most memory. The table in
# docs/benchmarks.md is made by it:
#
#     make hostile-files
#
#     tests/bench/hostile_files.sh [BUILD [PROGRAM]]
set -u
build=${1:-build/release}
program=${2:-$build/rudo-snap}
helpers=$build/tests/cli/helpers
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
most_seconds=${MOST_SECONDS:-60}

# KIND COUNT: files of less than 1 MB that unpack to less than 64 MiB.
sizes='symbols 100000
shared 16000
hashes 150000
root-names 120000
frames 200000
places 200000
modules 150000
threads 120000
variable 120000
long-names 1000
list 300000
ladder 200000
data-types 150000
empty-sections 2600000
same-page 15000'

measure()
{
    local name=$1
    shift
    echo "$name $("$helpers/measure_command" "$most_seconds" "$program" "$@")"
}

measure_all()
{
    local file=$1 first='type #1'
    measure info info "$file"
    measure verify verify "$file"
    measure salvage verify --salvage "$file" -o "$scratch/saved.zst" --force
    measure mark mark --json /dev/null "$file"
    measure report report --full "$file"
    measure 'report-2' report --json /dev/null "$file" "$file"
    measure path path "$file" "$first"
    measure merge path --merge --json /dev/null "$file" "$first"
    measure retained retained --top 200000 --json /dev/null "$file"
    measure what-if what-if --cut stack --cut global "$file"
    measure show show "$file" 0x600000000640
    measure diff diff --json /dev/null "$file" "$file"
    measure check check --limit 'unreachable <= 20%' "$file"
}

printf '%-16s %9s %7s %9s   %-24s %s\n' kind count KB 'CPU s' 'slowest' 'most memory'
while read -r kind count; do
    file=$scratch/heap.zst
    "$helpers/make_hostile" "$kind" "$count" "$file" || exit 1
    measure_all "$file" >"$scratch/results"
    slowest=$(sort -k2,2nr "$scratch/results" | head -1)
    largest=$(sort -k3,3nr "$scratch/results" | head -1)
    read -r name seconds _ status <<<"$slowest"
    [ "$status" = killed ] && seconds=">$most_seconds"
    read -r big _ megabytes _ <<<"$largest"
    printf '%-16s %9s %7s %9s   %-24s %s\n' "$kind" "$count" "$(($(stat -c %s "$file") / 1000))" \
        "$seconds" "$name" "$megabytes MiB, $big"
done <<<"$sizes"
