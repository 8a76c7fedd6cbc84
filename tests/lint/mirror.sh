#!/bin/bash
# Tests mirror the source. Each folder of unit, property and stress tests is a room, or one of the
# folders of tests that have programs of their own. A unit test is named after the module that it
# tests, so that a reader who has one finds the other; EXCEPTIONS lists those that test a contract
# which several modules of a room keep together. Property and stress tests are named after what they
# vary.
. "$(dirname "$0")/../support/lint.sh"

# Folders of tests that do not belong to a room of the source.
OTHERS='bench'

# FILE: the contract that it tests.
EXCEPTIONS='
tests/unit/test_allocation_failures.c: each allocation of the libraries fails once
tests/unit/bench/test_bench_graphs.c: the graphs that the benchmarks of tests/bench mark
tests/unit/marker/test_mark_rules.c: what refers to what, for every marker
tests/unit/marker/test_mark_digest.c: the digest, for every marker
tests/unit/marker/test_mark_memory.c: a mark gives back what it took, however it ends
tests/unit/marker/test_mark_sharing.c: workers that share a mark
tests/unit/snapshot/capture/live/test_capture_hardship.c: captures of processes that die, hang or hide
'

strangers()
{
    local kind folder room
    for kind in unit property stress; do
        source_files | sed -n "s|^tests/$kind/\(.*\)/[^/]*\.c\$|\1|p" | sort -u |
            while IFS= read -r room; do
                folder=$room
                case " $OTHERS " in *" $room "*) folder=tests/$room ;; esac
                source_files | grep -q "^$folder/.*\.c\$" ||
                    echo "tests/$kind/$room: there is no room $folder"
            done
    done
}
none "folders of tests are rooms" "$(strangers)"

exceptions()
{
    sed -n 's/: .*//p' <<<"$EXCEPTIONS"
}

nameless()
{
    local test module
    source_files | sed -n '/^tests\/unit\/.*\/*test_[^/]*\.c$/p' | grep -vxFf <(exceptions) |
        while IFS= read -r test; do
            module=$(sed 's|^tests/unit/||; s|test_\([^/]*\)\.c$|\1|' <<<"$test")
            [ -f "$module.c" ] || [ -f "$module.h" ] ||
                echo "$test: there is no module $module; name the test after its module, or add it to EXCEPTIONS"
        done
}
none "unit tests are named after their modules" "$(nameless)"

stale()
{
    local test
    exceptions | while IFS= read -r test; do
        [ -f "$test" ] || echo "EXCEPTIONS names $test, which is not there"
    done
}
none "the exceptions are there" "$(stale)"
done_testing
