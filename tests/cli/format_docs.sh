#!/bin/bash
# docs/format.md lists the sections of the table in snapshot/file/sections/sections.c, row by row,
# and describes each of them.
. "$(dirname "$0")/../support/tap.sh"

"$BUILD/tests/cli/helpers/print_sections" >"$WORK/sections" || exit 1

# shellcheck disable=SC2016  # backticks of Markdown
grep -E '^\| `[A-Z]{4}` \|' docs/format.md >"$WORK/documented"
check "docs/format.md has the rows of the table of sections" \
    diff -u "$WORK/documented" "$WORK/sections"

# shellcheck disable=SC2016
sed -n 's/^| `\([A-Z]*\)`.*/\1/p' "$WORK/sections" >"$WORK/names"
sed -n 's/^### \([A-Z]\{4\}\)$/\1/p' docs/format.md >"$WORK/described"
check "docs/format.md describes each section, in the order of the table" \
    diff -u "$WORK/described" "$WORK/names"

version=$(sed -n 's/^This is format \([0-9.]*\)\. .*/\1/p' docs/format.md)
is "docs/format.md names the version that is written" "$version" \
    "$(sed -n 's/^#define SNAPSHOT_FORMAT_M[AJINOR]* \([0-9]*\)u$/\1/p' \
        snapshot/file/sections/snapshot_format.h | paste -sd .)"
done_testing
