#!/bin/bash
# Runs test programs and scripts, reads the TAP they print, and adds it up.
#
#   tests/run_tests.sh [-b BUILD] [-j JOBS] [-l LABEL] [-r RESULTS] [-s TOTALS] TEST...
#   tests/run_tests.sh -S TOTALS
#
#   TEST        a Criterion program (its path has /unit/ or /property/ in it), a program or
#               script that prints TAP itself, or PROGRAM:ARGUMENT
#   -b BUILD    object tree under test, for the scripts (default build/release)
#   -j JOBS     tests at a time (default: CPUs). A test with a comment "alone: REASON" in the first
#               30 lines of its source runs last, with no other test beside it.
#   -l LABEL    what to call this run (default: the last part of BUILD)
#   -r RESULTS  folder for NAME.tap, NAME.log and NAME.result (default BUILD/tests/results)
#   -s TOTALS   append this run's counts to a file
#   -S TOTALS   add up such a file, print "N passed, N failed, N skipped", and fail unless
#               something ran and nothing failed
#
# A test fails as a whole, beside what its TAP says, when it runs longer than its time limit,
# ends with a status that its TAP does not explain, prints no plan or another number of results
# than planned, or leaves a sanitizer's report. The limit is TEST_TIMEOUT seconds (default 120,
# times TEST_DOSE), or what a "timeout: SECONDS" comment in the first 30 lines of its source says.
# A skip is counted as skipped, never as passed. Behind each test stand the seconds that it took, and
# the seconds of processor time that it used. Tests with the longest limits begin first.
set -u
export LC_ALL=C

build=build/release
jobs=$(nproc 2>/dev/null || echo 1)
results=""
label=""
totals=""
one=""

usage()
{
    sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Prints "N passed, N failed, N skipped" for lines of "passed failed skipped LABEL" on stdin;
# false unless something ran and nothing failed.
add_up()
{
    awk '{ p += $1; f += $2; s += $3 }
        END {
            printf "%d passed, %d failed, %d skipped\n", p, f, s
            exit !(f == 0 && p > 0)
        }'
}

while getopts "b:j:l:r:s:S:1:" option; do
    case $option in
    b) build=$OPTARG ;;
    j) jobs=$OPTARG ;;
    l) label=$OPTARG ;;
    r) results=$OPTARG ;;
    s) totals=$OPTARG ;;
    S)
        add_up <"$OPTARG"
        exit
        ;;
    1) one=$OPTARG ;; # how this script runs itself for one test
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
results=${results:-$build/tests/results}

# unit/test_x, cli/help: the path below tests/, in the source or the object tree.
name_of()
{
    local name=${1%%:*}
    name=${name#"$build/"}
    name=${name#tests/}
    echo "${name%.sh}"
}

# The script or C file that a test is made from.
source_of()
{
    local name source
    name=$(name_of "$1")
    for source in "${1%%:*}" "tests/$name.c"; do
        case $source in
        *.sh | *.c) [ ! -f "$source" ] || echo "$source" ;;
        esac
    done
}

# head_of TEST: the comment that its source begins with, as far as the runner reads it.
head_of()
{
    local source
    source=$(source_of "$1")
    [ -z "$source" ] || head -30 "$source"
}

time_limit_of()
{
    local own
    own=$(head_of "$1" | sed -n 's/.*timeout: *\([0-9][0-9]*\).*/\1/p')
    echo $((${own:-${TEST_TIMEOUT:-120}} * ${TEST_DOSE:-1}))
}

is_alone()
{
    head_of "$1" | grep -qE '^(#|//) alone: '
}

# TAP on stdin -> "passed failed skipped planned-or-minus-one bailed" on one line.
count_tap()
{
    awk '
        /^1\.\.[0-9]+/ {
            split($1, plan, /\.\./); planned = plan[2] + 0; has_plan = 1
            if (planned == 0 && /# *[Ss][Kk][Ii][Pp]/) { skipped++; all_skipped = 1 }
        }
        /^not ok/ { failed++; next }
        /^ok/ { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) skipped++; else passed++ }
        /^Bail out!/ { bailed = 1 }
        END {
            if (!has_plan) planned = -1
            if (all_skipped) planned = skipped
            print passed + 0, failed + 0, skipped + 0, planned, bailed + 0
        }'
}

# Runs one test and leaves RESULTS/NAME.{tap,log,result}.
run_one()
{
    local test=$1 name base program argument limit status=0 began ended complaint=""
    local passed failed skipped planned bailed reports
    name=$(name_of "$test")
    base=$results/$name
    program=${test%%:*}
    argument=""
    [ "$program" = "$test" ] || argument=${test#*:}
    limit=$(time_limit_of "$test")
    mkdir -p "$(dirname "$base")"
    rm -f "$base".tap "$base".log "$base".times "$base".result "$base".report.*
    : >"$base.tap"

    # Memory that cannot be had is an error to handle, as without the sanitizer; reports go to
    # files, because a leaking Criterion test ends with 0.
    local report
    report=$(cd "$(dirname "$base")" && pwd)/$(basename "$base").report
    export ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS-}:log_path=$report"
    export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS-}:log_path=$report"
    export TSAN_OPTIONS="${TSAN_OPTIONS-}:log_path=$report"
    export BUILD=$build

    began=$EPOCHREALTIME
    case $program in
    */unit/* | */property/*)
        # shellcheck disable=SC2086  # nothing, or an emulator
        timeout -k 5 "$limit" ${TEST_WRAPPER:-} "$program" --tap="$base.tap" --color=never -j"$jobs" \
            >"$base.log" 2>&1 </dev/null || status=$?
        ;;
    *.sh)
        timeout -k 5 "$limit" bash "$program" >"$base.tap" 2>"$base.log" </dev/null || status=$?
        ;;
    *)
        # shellcheck disable=SC2086  # no argument, or one without spaces
        timeout -k 5 "$limit" "$program" $argument >"$base.tap" 2>"$base.log" </dev/null ||
            status=$?
        ;;
    esac
    ended=$EPOCHREALTIME

    read -r passed failed skipped planned bailed < <(count_tap <"$base.tap")
    # Memory that cannot be had is an error that the program handles: the warning is not a report.
    reports=$(find "$(dirname "$base")" -maxdepth 1 -name "$(basename "$base").report.*" \
        -exec grep -qvE 'WARNING: AddressSanitizer failed to allocate' {} \; -print | sort)
    if [ "$status" -eq 137 ] && [ $((${ended%.*} - ${began%.*})) -lt "$limit" ]; then
        complaint="killed by another process, or for memory"
    elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        complaint="still running after $limit s"
    elif [ "$bailed" -ne 0 ]; then
        complaint=$(grep '^Bail out!' "$base.tap")
    elif [ -n "$reports" ]; then
        complaint="a sanitizer has something to report"
    elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        complaint="ended with status $status, though no test failed"
    elif [ "$planned" -lt 0 ]; then
        complaint="no plan: it ended early"
    elif [ "$planned" -ne $((passed + failed + skipped)) ]; then
        complaint="planned $planned tests, ran $((passed + failed + skipped))"
    elif [ "$planned" -eq 0 ]; then
        complaint="ran no test"
    elif [ "$failed" -gt 0 ] && [ "$status" -eq 0 ]; then
        complaint="ended with status 0, though tests failed"
    fi
    [ -z "$complaint" ] || failed=$((failed + 1))
    echo "$passed $failed $skipped $name" >"$base.result"
    # One reader for both: blocks of different tests must not mix.
    times >"$base.times"
    print_block "$name" "$base" "$complaint" "$reports" \
        "$(elapsed "$began" "$ended") $(processor_time "$base.times")" \
        "$passed" "$failed" "$skipped" >"$base.block"
    flock "$results/lock" cat "$base.block"
    rm -f "$base.block"
    [ "$failed" -eq 0 ]
}

elapsed()
{
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%6.1f s", b - a }'
}

# User and system time of a shell's children, from what `times` printed.
processor_time()
{
    awk 'NR == 2 { split($1 "m" $2, part, /[ms]+/)
        printf "%5.1f s", 60 * (part[1] + part[3]) + part[2] + part[4] }' "$1"
}

print_block()
{
    local name=$1 base=$2 complaint=$3 reports=$4 took=$5 passed=$6 failed=$7 skipped=$8
    local verdict=ok counts="$passed passed" report
    [ "$failed" -eq 0 ] || verdict=FAIL
    [ "$failed" -eq 0 ] || counts="$counts, $failed failed"
    [ "$skipped" -eq 0 ] || counts="$counts, $skipped skipped"
    printf '%-4s  %-52s %-24s %18s\n' "$verdict" "$name" "$counts" "$took"
    sed -n 's/^ok[^#]* - \(.*[^ ]\)  *# *SKIP *\(.*\)/      skipped: \1: \2/ip
        s/^1\.\.0 *# *SKIP *\(.*\)/      skipped: all of it: \1/ip' "$base.tap"
    [ "$failed" -gt 0 ] || return
    [ -z "$complaint" ] || echo "      $complaint"
    # A failed test and what it says about it: indented or commented lines.
    awk '/^not ok/ { shown = 1; print "      " $0; next }
         /^(ok|1\.\.|Bail)/ { shown = 0 }
         shown { print "      " $0 }' "$base.tap" | head -200
    for report in $reports; do
        sed 's/^/      | /' "$report" | head -60
    done
    if [ -s "$base.log" ]; then
        echo "      last lines of $base.log:"
        tail -30 "$base.log" | sed 's/^/      | /'
    fi
}

if [ -n "$one" ]; then
    run_one "$one"
    exit
fi
if [ $# -eq 0 ]; then
    echo "run_tests: there is no such test" >&2
    exit 2
fi

mkdir -p "$results"
: >"$results/lock"
together=()
alone=()
while read -r _ test; do
    if is_alone "$test"; then
        alone+=("$test")
    else
        together+=("$test")
    fi
    rm -f "$results/$(name_of "$test").result"
done < <(for test in "$@"; do echo "$(time_limit_of "$test") $test"; done | sort -s -k 1,1nr)

# $1: tests at a time; the rest: tests. What ran is told by the result files.
run_all()
{
    local at_a_time=$1
    shift
    [ $# -gt 0 ] || return 0
    printf '%s\0' "$@" |
        xargs -0 -n 1 -P "$at_a_time" bash "$0" -b "$build" -j "$jobs" -r "$results" -1
}

run_all "$jobs" ${together[@]+"${together[@]}"}
run_all 1 ${alone[@]+"${alone[@]}"}

lines=""
for test in "$@"; do
    line=$(cat "$results/$(name_of "$test").result" 2>/dev/null) ||
        line="0 1 0 $(name_of "$test")" # the runner itself was killed
    lines+=$line$'\n'
done
label=${label:-${build##*/}}
total=$(printf '%s' "$lines" | add_up) && status=0 || status=1
if [ -n "$totals" ]; then
    printf '%s' "$lines" | awk -v label="$label" \
        '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0, label }' >>"$totals"
fi
echo "$label: $total"
exit "$status"
