#!/bin/bash
# Everything that must hold before a change lands; `make check` runs it.
#
# Goes on after a failure, so that one run shows them all, and ends with the line
# "N passed, N failed, N skipped" over all steps. A step that does not build counts as failed.
set -u
cd "$(dirname "$0")/.." || exit 1

make=${MAKE:-make}
jobs=$(nproc 2>/dev/null || echo 1)
mkdir -p build
totals=$PWD/build/check-totals
: >"$totals"
# Each step decides for itself; nothing of an outer make may change what is built.
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT CC CFLAGS LDFLAGS TESTS TEST_GROUPS TEST_SEED

# step LABEL COMMAND...: one check without TAP.
step()
{
    local label=$1
    shift
    echo "== $label"
    if "$@"; then
        echo "1 0 0 $label" >>"$totals"
    else
        echo "FAIL  $label"
        echo "0 1 0 $label" >>"$totals"
    fi
}

# counted LABEL COMMAND...: make with a target that runs tests and adds its counts to the totals.
counted()
{
    local label=$1 before
    shift
    before=$(wc -l <"$totals")
    "$@" TOTALS="$totals" || true
    if [ "$(wc -l <"$totals")" -eq "$before" ]; then
        echo "FAIL  $label did not run"
        echo "0 1 0 $label" >>"$totals"
    fi
}

# suite VARIANT GROUPS: builds the variant, then runs these groups of tests in it.
suite()
{
    local variant=$1 groups=$2
    echo "== $variant: $groups"
    if ! "$make" -s -j"$jobs" VARIANT="$variant" tests >build/check-build.log 2>&1; then
        tail -40 build/check-build.log
        echo "FAIL  $variant does not build"
        echo "0 1 0 $variant" >>"$totals"
        return
    fi
    counted "$variant" "$make" -s VARIANT="$variant" TEST_GROUPS="$groups" test
}

# Building again must find nothing to do.
# shellcheck disable=SC2317  # reached through step
builds_once()
{
    "$make" -s -q VARIANT="$1" tests
}

began=$SECONDS
echo "== lint"
counted lint "$make" -s -j"$jobs" lint
step "format-check" "$make" -s format-check
suite release "unit property fuzz cli live stress relacy explore"
step "building twice does nothing" builds_once release
suite asan "unit property fuzz cli"
suite ubsan "unit property fuzz cli"
suite tsan "stress"
# -Werror is on: this is also the check that clang has nothing to warn of.
suite clang "unit property cli"

echo "== all, after $((SECONDS - began)) s"
while read -r passed failed skipped label; do
    printf '%5d passed %3d failed %3d skipped  %s\n' "$passed" "$failed" "$skipped" "$label"
done <"$totals"
tests/run_tests.sh -S "$totals" | tee build/check-summary
exit "${PIPESTATUS[0]}"
