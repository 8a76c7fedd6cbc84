#!/bin/bash
# Memcheck over the paths that read files and mark: what neither ASan (uninitialised memory) nor
# a test's own eyes see. `make valgrind` runs it. Prints TAP.
# timeout: 900
set -u
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"

command -v valgrind >/dev/null 2>&1 || skip_all "there is no valgrind"

# under_memcheck NAME WANTED-STATUS COMMAND...
under_memcheck()
{
    local name=$1 wanted=$2 status=0
    shift 2
    valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --log-file="$WORK/valgrind.log" "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
    if [ "$status" -eq "$wanted" ]; then
        ok "$name"
    else
        not_ok "$name" "status $status, wanted $wanted" "$(head -30 "$WORK/valgrind.log")"
    fi
}

snapshot=$WORK/shop.zst
"$BUILD/tests/cli/helpers/write_shop_heap" "$snapshot"
"$BUILD/tests/cli/helpers/make_snapshots" random 7 2000 "$WORK/random.zst"

for workers in 1 2 5; do
    for policy in steal owner; do
        under_memcheck "mark, $workers workers, --policy $policy" 0 \
            "$RUDO_SNAP" mark --workers "$workers" --policy "$policy" --relocate --json - \
            "$WORK/random.zst"
    done
done
under_memcheck "a minor mark" 0 "$RUDO_SNAP" mark --kind minor --json - "$snapshot"
under_memcheck "a line for each object" 0 "$RUDO_SNAP" mark --objects - -q "$snapshot"
under_memcheck "info" 0 "$RUDO_SNAP" info --json "$snapshot"
under_memcheck "verify" 0 "$RUDO_SNAP" verify "$snapshot"
head -c 700 "$snapshot" >"$WORK/cut.zst"
under_memcheck "a truncated snapshot" 3 "$RUDO_SNAP" mark "$WORK/cut.zst"
for input in tests/fuzz/corpus/snapshot_file/*; do
    under_memcheck "corpus $(basename "$input")" 0 \
        "$BUILD/tests/fuzz/replay_snapshot_file" "$input"
done
done_testing
