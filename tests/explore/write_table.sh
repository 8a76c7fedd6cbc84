#!/bin/bash
# Puts the table that PROGRAM prints, in lines "# | ...", in place of the one in DOCUMENT.
#
#   tests/explore/write_table.sh build/release/tests/explore/explore_mutants docs/design-marking.md
set -eu
program=$1 document=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# It fails as long as the old table is there, and perhaps for other reasons: then the test will.
"$program" >"$work/tap" || true
sed -n 's/^# | /| /p' "$work/tap" >"$work/rows"
[ -s "$work/rows" ] || {
    tail -3 "$work/tap" >&2
    exit 1
}
awk -v rows="$work/rows" '
    in_table && !/^\|/ { in_table = 0 }
    !in_table { print }
    /^\| mutant \|/ {
        in_table = 1
        getline
        print
        while ((getline row <rows) > 0)
            print row
    }' "$document" >"$work/document"
cat "$work/document" >"$document"
git diff --stat -- "$document" 2>/dev/null || true
