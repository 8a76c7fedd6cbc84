#!/bin/bash
# `rudo-snap replay`: nothing depends on how many heaps are marked at once; JUnit is what an XML
# parser of others reads; memory does not grow from seed to seed; a marker with an error is found.
# timeout: 300
. "$(dirname "$0")/../support/tap.sh"

make_snapshots=$BUILD/tests/cli/helpers/make_snapshots
cd "$WORK" || exit 1
mkdir heaps
for seed in 1 2 3 4 5 6 7 8; do
    "$make_snapshots" random $seed $((seed * 100)) heaps/$seed.zst || bail "cannot make heaps"
done
head -c 2000 heaps/3.zst >"heaps/a&<\"b.zst"
printf 'no snapshot' >heaps/$'c\001\xff.zst'

run "$RUDO_SNAP" replay heaps --golden heaps/golden --update --seeds 1..3
check_exit "goldens are written, beside damaged heaps" 3
is "of each whole heap one" "$(find heaps/golden -name '*.golden' | wc -l)" 8
for jobs in 1 3 16; do
    "$RUDO_SNAP" replay heaps -g heaps/golden --seeds 1..3 -j $jobs --json $jobs.jsonl --junit $jobs.xml |
        sed 's/ in [0-9.]* [mu]*s$//' >$jobs.out
done
for kind in jsonl xml out; do
    check "one or three heaps at once: the same $kind" cmp 1.$kind 3.$kind
    check "one or sixteen: the same $kind" cmp 1.$kind 16.$kind
done
run python3 - <<'PYTHON'
import json, xml.etree.ElementTree as tree
suites = tree.parse("1.xml").getroot()
assert suites.tag == "testsuites", suites.tag
(suite,) = suites
cases = suite.findall("testcase")
lines = [json.loads(line) for line in open("1.jsonl")][1:]
assert len(cases) == len(lines) == int(suite.get("tests")) == 10
assert suite.get("failures") == "0" and suite.get("errors") == "2"
for case, line in zip(cases, lines):
    assert case.get("name") == line["heap"].replace("\x01", "?").replace("\ufffd", "?"), case.get("name")
    assert (case.find("error") is not None) == (line["verdict"] == "failed")
assert any(case.get("name") == 'heaps/a&<"b.zst' for case in cases)
PYTHON
check_exit "another parser reads the JUnit XML" 0

# Steps are the same whatever is beside the heap.
steps=$(sed -n 's/.*"heap":"heaps\/4.zst".*"steps":\([0-9]*\).*/\1/p' 1.jsonl)
note "heap 4: $steps steps"
is "relocation, which other heaps beside it may cause, changes no step" \
    "$("$RUDO_SNAP" replay heaps/4.zst --seeds 1..3 --json - | sed -n 's/.*"steps":\([0-9]*\).*/\1/p')" "$steps"

# What version control makes of heaps and goldens.
mkdir -p kept/deep elsewhere
cp heaps/1.zst kept/deep/inner.zst
cp heaps/2.zst 'kept/don'\''t; touch PLANTED.zst'
mv kept/deep elsewhere
ln -s ../elsewhere/deep kept/deep
ln -s .. elsewhere/deep/back
once=(--workers 1 --seeds 1..1)
run "$RUDO_SNAP" replay kept --golden kept.golden --update "${once[@]}"
check_exit "a linked folder is looked into, a loop of links only once" 0
check_output "with both heaps" stdout "2/2 heaps*"
find kept.golden -name '*.golden' -exec sed -i -e '1s/^/\xef\xbb\xbf/' -e 's/$/\r/' {} + -exec sed -i '$s/$/\n/' {} \;
run "$RUDO_SNAP" replay kept --golden kept.golden "${once[@]}"
check_exit "a golden may have other line ends and a byte order mark" 0
find kept.golden -name '*.golden' -exec sed -i 's/^digest xxh3-128:..../digest xxh3-128:0000/' {} +
run "$RUDO_SNAP" replay kept --golden kept.golden --json again.jsonl "${once[@]}"
again=$(sed -n 's/.*don.*"again":"\([^"]*\)".*/\1/p' again.jsonl | sed 's/\\\\/\\/g')
if [ -n "$again" ]; then
    (eval "${again/#rudo-snap/\"\$RUDO_SNAP\"}") >/dev/null 2>&1
    is "the command that is printed does nothing else than it says" "$(find . -name 'PLANTED*' -newer again.jsonl)" ""
fi
ln -s nowhere kept/annexed.zst
for named in kept kept/annexed.zst; do
    run "$RUDO_SNAP" replay "$named" "${once[@]}"
    check_exit "$named: a link that leads nowhere is not passed over" 4
    check_output "$named: with what it is" stdout "*kept/annexed.zst: cannot open*it is a link that leads nowhere*"
done
rm -f kept/annexed.zst 'kept/don'\''t; touch PLANTED.zst'
ln -s missing kept/annexed.zst
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 9040\n' 0 >kept/pointer.zst
run "$RUDO_SNAP" replay kept "${once[@]}"
check_exit "heaps that are not there are not passed over" 4
check_output "a link that leads nowhere is named" stdout "*kept/annexed.zst*leads nowhere*"
check_output "and a pointer of Git LFS" stdout "*kept/pointer.zst*git lfs pull*"

# build_mutant NAME COMMAND...: the program with marker/mark_worker.c as the command changes it, in
# mutant/NAME.
build_mutant()
{
    local name=$1 command libraries objects
    shift
    read -r command <"$BUILD/compile-command"
    libraries=$(pkg-config --libs libzstd libcjson libxxhash libelf libdw sqlite3 zlib)
    objects=$(cd "$ROOT" && for source in cli/*.c cli/*/*.c cli/*/*/*.c; do echo "$BUILD/${source%.c}.o"; done)
    mkdir -p "$WORK/mutant/marker"
    cp "$ROOT/marker/mark_worker.c" "$WORK/mutant/marker/"
    (cd "$WORK/mutant" && "$@") || return 1
    # shellcheck disable=SC2086  # many words
    (cd "$ROOT" &&
        $command -w -c "$WORK/mutant/marker/mark_worker.c" -o "$WORK/mutant/mark_worker.o" &&
        $command -w $objects "$WORK/mutant/mark_worker.o" "$BUILD/librudo-snap.a" \
            $libraries -liberty -lm -o "$WORK/mutant/$name")
}

# A marker that crashes at heaps of one size, and one that never ends.
at_heap_4='/^static void start_from_roots/,/^{/s|^{|{ if (worker->image->root_count == ROOTS) WHAT;|'
roots=$("$RUDO_SNAP" info --json heaps/4.zst | sed -n 's/^ *"root_words": \([0-9]*\).*/\1/p')
note "heap 4: $roots roots"
go_wrong()
{
    local text=${at_heap_4/ROOTS/$roots}
    sed -i "${text/WHAT/$1}" marker/mark_worker.c
}
build_mutant crashes go_wrong '__builtin_trap()' || bail "cannot build a marker that crashes"
build_mutant hangs go_wrong 'for (;;) __asm__("")' || bail "cannot build a marker that hangs"
one_seed=(--workers 2 --seeds 1..1 --policy steal)
run mutant/crashes replay heaps "${one_seed[@]}" --json crashed.jsonl --junit crashed.xml
check_exit "a marker that crashes is a failure" 4
check_output "of the heap at which it does" stdout \
    "*7/10 heaps*heaps/4.zst: the replay crashed: * (signal *)*reproduce: rudo-snap replay --workers 2 --seeds 1..1 --policy steal heaps/4.zst*"
is "and the others have their results" "$(grep -c '"verdict":"equal"' crashed.jsonl)" 7
check "in JUnit, too" grep -q 'heaps/4.zst' crashed.xml
run mutant/hangs replay heaps "${one_seed[@]}" --timeout 1 -j 2 --json hung.jsonl
check_exit "a marker that does not end is a failure" 4
check_output "after the time it may take" stdout "*heaps/4.zst: the replay did not end within 1 s (--timeout)*"
is "and the others have their results" "$(grep -c '"verdict":"equal"' hung.jsonl)" 7

# Interrupted: what was done is written, and the merge knows what is missing.
timeout -s TERM 2 mutant/hangs replay heaps "${one_seed[@]}" --json part.jsonl >part.out 2>&1
is "SIGTERM ends the replay" $? 124
check "which says so" grep -q 'note: interrupted; 1 of the heaps were not replayed' part.out
is "with the results so far" "$(wc -l <part.jsonl)" 10
run "$RUDO_SNAP" replay merge part.jsonl -o -
check_exit "they are not all heaps" 3
check_output "and the merge knows it" stderr "*'part.jsonl' has 9 of 10 heaps*"
run "$RUDO_SNAP" replay merge 1.jsonl -o - --junit merged.xml
# Names that are not UTF-8 are not the same in JSON.
check "JUnit of a merge is that of the replay" \
    cmp <(grep -v 'heaps/c' merged.xml) <(grep -v 'heaps/c' 1.xml)

# A heap that is gone.
cp -r heaps/golden lone.golden
run "$RUDO_SNAP" replay heaps/1.zst "${one_seed[@]}" --golden lone.golden
check_exit "a named heap has no others" 0
mkdir lone && cp heaps/1.zst lone/
run "$RUDO_SNAP" replay lone "${one_seed[@]}" --golden lone.golden
check_exit "a golden without a heap is a difference" 1
check_output "and is named" stdout "*no heap belongs to the golden lone.golden/2.golden*"

# A marker with an error: the serial one knows better, and the command that is printed has it again.
build_mutant loses patch -p1 --fuzz=0 --silent --forward \
    -i "$ROOT/tests/mutants/first_roots_only.patch" || bail "cannot build a marker with an error"
"$make_snapshots" random 21 3000 roots.zst
run "$RUDO_SNAP" replay roots.zst --seeds 1..2
check_exit "nothing is wrong with the marker" 0
run mutant/loses replay roots.zst --seeds 5..6 --golden mutant-golden --update
check_exit "a marker that loses roots is found" 1
check_output "and told of" stdout "*the mark on schedule 5 differs from the serial one*not marked, the serial \
mark says reachable*reproduce: rudo-snap mark --workers * --schedule seed:5 --policy steal --capacity 2 roots.zst*"
check "what marks do not agree about becomes no golden" test ! -e mutant-golden
again=$(sed -n 's/^ *reproduce: rudo-snap //p' stdout)
# shellcheck disable=SC2086  # words
is "marking so again loses objects again" \
    "$(mutant/loses $again --json - | sed -n 's/.*"digest": //p')" \
    "$(mutant/loses $again --json - | sed -n 's/.*"digest": //p')"
# shellcheck disable=SC2086  # words
mutant/loses $again --json mutant.json -q
# shellcheck disable=SC2086  # words
"$RUDO_SNAP" $again --json whole.json -q
check "and a marker without the error finds them" sh -c '! cmp -s mutant.json whole.json'

# Peak memory, in KiB. Sanitizers keep what was freed.
peak()
{
    python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
        "$RUDO_SNAP" replay -q heaps/8.zst --workers 4 --policy steal "$@"
}
case $BUILD in
*/sanitize | */tsan) skip "memory does not grow from seed to seed" "a sanitizer keeps what was freed" ;;
*)
    few=$(peak --seeds 1)
    many=$(peak --seeds 1..400)
    note "$few KiB for 1 seed, $many KiB for 400"
    check "memory does not grow from seed to seed" test "$many" -le $((few + 1024))
    ;;
esac
done_testing
