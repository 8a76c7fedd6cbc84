#!/bin/bash
# Says which share of each source file's lines the tests have reached.
#
#   tests/coverage.sh [BUILD]     default build/coverage; `make coverage` runs the tests first
#
# Writes BUILD/coverage.txt, least covered file first, and prints it.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/coverage}

find "$build"/{base,snapshot,embed,marker,analysis,formats,cli} -name '*.gcno' | sort |
    while IFS= read -r notes; do
        # "File 'base/error.c'", then "Lines executed:95.00% of 20"; headers come after it.
        source=${notes#"$build"/}
        source=${source%.gcno}.c
        gcov -n -o "$(dirname "$notes")" "$notes" 2>/dev/null | grep -A1 "^File '$source'" |
            sed -n "s|^Lines executed:\(.*\)% of \(.*\)|\1 \2 $source|p"
    done |
    sort -n |
    awk '{ printf "%6.1f %%  of %5d lines  %s\n", $1, $2, $3; lines += $2; reached += $1 * $2 / 100 }
        END {
            if (lines == 0)
                exit 1
            printf "%6.1f %%  of %5d lines  in all\n", 100 * reached / lines, lines
        }' >"$build/coverage.txt" || {
    echo "coverage: nothing was measured in $build" >&2
    exit 1
}
cat "$build/coverage.txt"
