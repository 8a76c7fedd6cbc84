#!/bin/bash
# Which lines of the marker the explorer reaches: lines.txt in build/explore-coverage/ has the share of
# each file, missed.txt the lines that it does not reach. `make explore-coverage` runs it.
#
# timeout: 900
. "$(dirname "$0")/../support/tap.sh"

covered=$BUILD/explore-coverage
command -v gcov >/dev/null || skip_all "gcov is not installed"
find "$covered" -name '*.gcda' -delete
check "nothing goes wrong" "$covered/explore_coverage" "${EXPLORE_SCHEDULES:-20000}"

# The compiler's counts of all objects, added up, as one file for each source.
mapfile -t counts < <(find "$covered" -name '*.gcda')
(cd "$WORK" && ln -s "$ROOT/marker" marker && gcov -p "${counts[@]}" >/dev/null 2>&1)
mkdir -p build/explore-coverage
for report in "$WORK"/marker#*.gcov; do
    source=$(basename "${report%.gcov}" | tr '#' '/')
    case $source in
    marker/explore/* | marker/native/*) continue ;;
    esac
    awk -F: -v source="$source" '
        $1 ~ /#####|=====/ { printf "missed\t%s\t%s\n", source, substr($0, length($1) + length($2) + 3) }
        $1 ~ /[0-9]/ && $1 !~ /#/ { reached++ }
        END { printf "reached\t%s\t%d\n", source, reached }' "$report"
done >"$WORK/lines"
awk -F'\t' '$1 == "reached" { reached[$2] += $3 } $1 == "missed" { missed[$2]++ }
    END {
        for (source in reached) {
            printf "%6.1f %%  of %4d lines  %s\n", 100 * reached[source] / (reached[source] + missed[source]),
                reached[source] + missed[source], source
            all += reached[source] + missed[source]; got += reached[source]
        }
        printf "%6.1f %%  of %4d lines  in all\n", 100 * got / all, all
    }' "$WORK/lines" | sort -n >build/explore-coverage/lines.txt
awk -F'\t' '$1 == "missed" { sub(/^ +/, "", $3); print $2 ": " $3 }' "$WORK/lines" | sort -u >build/explore-coverage/missed.txt
note "$(cat build/explore-coverage/lines.txt)"
check "lines are counted" grep -q 'marker/mark_batch.c' build/explore-coverage/lines.txt

# docs/testing.md says which lines are left, and why.
share=$(sed -n 's/^ *\([0-9]*\)\.[0-9]* %.*in all$/\1/p' build/explore-coverage/lines.txt)
check "at least 85 % of all lines are reached" test "$share" -ge 85
done_testing
