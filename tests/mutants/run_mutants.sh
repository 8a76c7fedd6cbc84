#!/bin/bash
# Applies each recorded mutation of the source in a scratch copy and demands that its test fails.
#
#   tests/mutants/run_mutants.sh [NAME...]      default: all of tests/mutants/*.patch
#
# A mutation is a unified diff with a head of its own:
#
#   What it breaks, in a sentence or two.
#   caught by: stress/stress_steal_queue
#   variant: release
#   --- a/marker/steal_queue.c
#   ...
#
# The test must pass unmutated (else its failure would prove nothing) and fail mutated, by its own
# verdict, a crash, or by running into its time limit. Mutations of memory orders run in the
# release variant: a sanitizer's instrumentation hides them. A mutation that no longer applies or
# no longer builds fails: it has to be brought up to date with the code. Prints TAP.
# timeout: 1500
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$PWD
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL

if [ $# -gt 0 ]; then
    patches=("${@/#/tests/mutants/}")
    patches=("${patches[@]/%/.patch}")
else
    patches=(tests/mutants/*.patch)
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rudo-snap-mutants.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
# The source without what was built or recorded.
tar -cf - --exclude=./build --exclude=./.git --exclude=target . | tar -xf - -C "$scratch"
cd "$scratch" || exit 1

number=0
failures=0

# verdict OK-OR-NOT NAME...
verdict()
{
    local ok=$1
    shift
    number=$((number + 1))
    [ "$ok" = ok ] || failures=$((failures + 1))
    echo "$ok $number - $*"
}

# run_test VARIANT TEST LOG: builds and runs one test; 0 passed, 1 failed, 2 did not build.
run_test()
{
    # A mutation may leave something unused; that is not what is tested.
    "$make" -s -j2 WERROR= VARIANT="$1" "build/$1/tests/$2" >"$3" 2>&1 || return 2
    TEST_TIMEOUT=${MUTANT_TIMEOUT:-100} tests/run_tests.sh -b "build/$1" "build/$1/tests/$2" \
        >"$3" 2>&1
}

declare -A unmutated
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    if [ ! -f "$here/$patch" ]; then
        verdict "not ok" "$name: there is no $patch"
        continue
    fi
    test=$(sed -n 's/^caught by: *//p' "$here/$patch")
    variant=$(sed -n 's/^variant: *//p' "$here/$patch")
    variant=${variant:-release}
    log=$scratch/mutant.log
    if [ -z "${unmutated[$variant/$test]:-}" ]; then
        run_test "$variant" "$test" "$log"
        unmutated[$variant/$test]=$?
    fi
    if [ "${unmutated[$variant/$test]}" -ne 0 ]; then
        verdict "not ok" "$name: $test ($variant) fails without the mutation"
        tail -5 "$log" | sed 's/^/# /'
        continue
    fi
    if ! patch -p1 --fuzz=0 --silent --forward <"$here/$patch" >"$log" 2>&1; then
        verdict "not ok" "$name: the mutation no longer applies"
        sed 's/^/# /' "$log"
        find . \( -name '*.rej' -o -name '*.orig' \) -delete
        # Half of a patch may have been applied.
        tar -cf - -C "$here" --exclude=./build --exclude=./.git --exclude=target . | tar -xf -
        continue
    fi
    run_test "$variant" "$test" "$log"
    case $? in
    0) verdict "not ok" "$name: survives $test ($variant)" ;;
    1) verdict ok "$name: caught by $test ($variant)" ;;
    *)
        verdict "not ok" "$name: the mutated source does not build"
        tail -5 "$log" | sed 's/^/# /'
        ;;
    esac
    patch -p1 --fuzz=0 --silent --reverse <"$here/$patch" >/dev/null 2>&1 || exit 1
done
echo "1..$number"
[ "$failures" -eq 0 ]
