#!/bin/bash
# Records the heaps in this folder again: runs each sample program, captures it with --redact, and
# writes the goldens. README.md says what each is for.
#
#   samples/heaps/record.sh [NAME...]
#
# (tests/versions/collector_versions.sh --record records rudo-gc-0.1, rudo-gc-0.3, rudo-gc-0.5 and
# rudo-gc-0.8.12, each with the version of rudo-gc that its layout is from.)
#
# The programs run without address space randomisation, so that a heap that is recorded again has
# the same addresses where the same libraries are about.
set -eu
cd "$(dirname "$0")/../.."
heaps=samples/heaps
rudo_snap=build/release/rudo-snap
names=" $* "
folder=$(mktemp -d)
program=
mkfifo "$folder/input"

clean_up()
{
    [ -z "$program" ] || kill -KILL "$program" 2>/dev/null || :
    rm -rf "$folder"
}
trap clean_up EXIT

is_wanted()
{
    [ "$names" = "  " ] || [[ $names == *" $1 "* ]]
}

# start PROGRAM ARGUMENT...: leaves $program once it has told its truth.
start()
{
    : >"$folder/truth"
    # An input that stays open: some of them end with it.
    setarch -R "$@" >"$folder/truth" <>"$folder/input" &
    program=$!
    wait_for_truth 1
}

# wait_for_truth N: until the program has told its truth N times; those on the Boehm collector end it
# with "ready".
wait_for_truth()
{
    for _ in $(seq 600); do
        [ "$(grep -cE '}$|^ready' "$folder/truth")" -lt "$1" ] || return 0
        sleep 0.1
    done
    echo "$program told nothing" >&2
    exit 1
}

# capture NAME CAPTURE_OPTION...
capture()
{
    local name=$1
    shift
    "$rudo_snap" capture --pid "$program" --redact --force -q "$@" -o "$heaps/$name.zst"
    echo "$name: $(tail -n 1 "$folder/truth")"
}

end()
{
    kill -KILL "$program"
    wait "$program" 2>/dev/null || :
    program=
}

# record NAME CAPTURE_OPTION... -- PROGRAM ARGUMENT...: once the program has told its truth.
record()
{
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    is_wanted "$name" || return 0
    start "$@"
    capture "$name" "${options[@]}"
    end
}

make --no-print-directory all >/dev/null
samples/rudo-gc/build.sh build/samples-rust
rust=build/samples-rust/release
c=build/release/samples

record fields -- "$rust/fields" --objects 6000 --garbage 600 --zombies 300
record fields-eight-threads -- "$rust/fields" --threads 8 --objects 800 --garbage 80 --zombies 40 --seed 2
record containers -- "$rust/containers" --objects 4000 --garbage 400 --zombies 200 --seed 3
record containers-as-roots --foreign roots -- "$rust/containers" --objects 1500 --garbage 150 --zombies 75 \
    --seed 4
record service -- "$rust/service" --sessions 300 --leaked 60 --seed 5
record strings -- "$rust/strings"
# One process, before and after it leaked some more.
if is_wanted growing-1 || is_wanted growing-2; then
    start "$rust/service" --sessions 60 --leaked 20 --forgotten 200 --more 200 --seed 8
    capture growing-1
    echo >"$folder/input"
    wait_for_truth 2
    capture growing-2
    end
fi
record c-heap -- "$c/c-heap" --objects 2500 --garbage 250 --zombies 125
record c-heap-one-thread -- "$c/c-heap" --threads 1 --objects 4000 --garbage 400 --zombies 200 --seed 6
record toy-heap --layout samples/toy-heap/toy-heap.json -- "$c/toy-heap"
record leaky -- "$c/leaky"
if is_wanted c-heap-exact; then
    setarch -R "$c/c-heap" --objects 2000 --garbage 200 --zombies 100 --seed 7 --seconds 0 --snapshot "$heaps/c-heap-exact.zst" --redact
fi
if is_wanted boehm; then
    # shellcheck disable=SC2046  # words on purpose
    cc -g -O1 $(pkg-config --cflags bdw-gc) samples/boehm/boehm.c -o "$folder/boehm" -lgc -lpthread
    record boehm -- "$folder/boehm"
fi
if is_wanted boehm-guile; then
    # Compiled by a first run, whose heap would be full of the compiler.
    export XDG_CACHE_HOME=$folder
    guile --auto-compile samples/boehm/memo.scm 1 </dev/null >/dev/null 2>&1
    record boehm-guile -- guile samples/boehm/memo.scm 5000
fi
"$rudo_snap" replay "$heaps" --golden "$heaps/golden" --update
