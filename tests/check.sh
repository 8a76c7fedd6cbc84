#!/bin/bash
# What must hold before a change lands (`make check`), and what runs each night (`make check-all`).
#
#   tests/check.sh [all]
#
# Goes on after a failure, so that one run shows them all, and ends with the line
# "N passed, N failed, N skipped" over all steps, after a table of the steps with the seconds that
# each took. A step that does not build counts as failed. docs/testing.md says why each step is here.
set -u
cd "$(dirname "$0")/.." || exit 1

tier=${1:-quick}
make=${MAKE:-make}
jobs=$(nproc 2>/dev/null || echo 1)
mkdir -p build
totals=$PWD/build/check-totals
: >"$totals"
# Each step decides for itself; nothing of an outer make may change what is built.
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT CC CFLAGS LDFLAGS TESTS TEST_GROUPS TEST_SEED
[ "$tier" = all ] || unset TEST_DOSE TEST_FIRST_SEED
export CHECK_TIER=$tier

# took LABEL BEGAN LINES: the totals behind the first LINES are those of a step; adds its seconds.
took()
{
    if [ "$(wc -l <"$totals")" -le "$3" ]; then
        echo "FAIL  $1 did not run"
        echo "0 1 0 $1" >>"$totals"
    fi
    sed -i "$(($3 + 1)),\$s/\$/, $((SECONDS - $2)) s/" "$totals"
}

# step LABEL COMMAND...: one check without TAP.
step()
{
    local label=$1 began=$SECONDS lines
    lines=$(wc -l <"$totals")
    shift
    echo "== $label"
    if "$@" >build/check-step.log 2>&1; then
        echo "1 0 0 $label" >>"$totals"
    else
        grep -vE '^  [A-Z]+ +[^ ]+$' build/check-step.log | tail -60
        echo "FAIL  $label"
        echo "0 1 0 $label" >>"$totals"
    fi
    took "$label" "$began" "$lines"
}

# counted LABEL MAKE-ARGUMENT...: make with a target that runs tests and adds its counts to the totals.
counted()
{
    local label=$1 began=$SECONDS lines
    lines=$(wc -l <"$totals")
    shift
    echo "== $label"
    "$make" -s TOTALS="$totals" LABEL="$label" "$@" || true
    took "$label" "$began" "$lines"
}

# build VARIANT...: all in one make, so that no processor waits for the end of another variant.
# shellcheck disable=SC2317  # reached through step
build()
{
    "$make" -s -k -j"$jobs" "${@/#/built-}" rudo-sample
}

# Building again must find nothing to do.
# shellcheck disable=SC2317  # reached through step
builds_once()
{
    "$make" -s -q tests
}

# The commands whose code reads files and processes: their scripts run under the sanitizers, too.
sanitized_scripts="run_golden capture salvage snapshot_files"

check_quickly()
{
    step "release, sanitize and tsan build" build release sanitize tsan
    counted "release" test TEST_GROUPS="lint unit property fuzz cli live stress relacy explore"
    step "building twice does nothing" builds_once
    counted "sanitize" test VARIANT=sanitize TEST_GROUPS="property fuzz"
    counted "sanitize, scripts" test VARIANT=sanitize TESTS="$sanitized_scripts"
    counted "tsan" test VARIANT=tsan TEST_GROUPS=stress
}

# The randomised tests begin with another seed each time; a line says which.
check_all()
{
    local i
    export TEST_DOSE=${TEST_DOSE:-4} TEST_FIRST_SEED=${TEST_FIRST_SEED:-$(((RANDOM << 15 | RANDOM) + 1))}
    echo "check-all: TEST_DOSE=$TEST_DOSE TEST_FIRST_SEED=$TEST_FIRST_SEED"
    step "all variants build" build release sanitize tsan clang
    counted "release" test TEST_GROUPS="lint unit property fuzz cli live stress relacy"
    step "building twice does nothing" builds_once
    counted "sanitize" test VARIANT=sanitize TEST_GROUPS="unit property fuzz"
    TEST_DOSE=1 counted "sanitize, scripts" test VARIANT=sanitize TEST_GROUPS=cli
    counted "clang" test VARIANT=clang TEST_GROUPS="unit property cli"
    counted "tsan" test VARIANT=tsan TEST_GROUPS=stress
    for i in 1 2 3; do
        TEST_DOSE=1 counted "captures again, $i" test TEST_GROUPS=live
    done
    TEST_DOSE=1 counted "collector versions" collector-versions
    TEST_DOSE=1 counted "allocators" allocators
    TEST_DOSE=1 counted "kinds of builds" build-kinds
    TEST_DOSE=1 counted "held kinds" held-kinds
    TEST_DOSE=1 counted "Boehm marks" boehm-marks
    TEST_DOSE=1 counted "Boehm builds" boehm-builds
    counted "determinism" determinism
    counted "mutants" mutants
    TEST_DOSE=1 step "mutations, a sample" "$make" -s mutate MUTATE_SAMPLE=50 MUTATE_SEED="$TEST_FIRST_SEED"
    counted "valgrind" valgrind
    counted "explore" explore
    counted "coverage of explore" explore-coverage
    step "fuzz" "$make" -s fuzz FUZZ_SECONDS=30
    counted "aarch64" check-aarch64
}

case $tier in
quick) check_quickly ;;
all) check_all ;;
*)
    echo "usage: $0 [all]" >&2
    exit 2
    ;;
esac
echo "== all, after $((SECONDS / 60)) min $((SECONDS % 60)) s"
while read -r passed failed skipped label; do
    printf '%5d passed %3d failed %3d skipped  %s\n' "$passed" "$failed" "$skipped" "$label"
done <"$totals"
tests/run_tests.sh -S "$totals" | tee build/check-summary
exit "${PIPESTATUS[0]}"
