#!/bin/sh
# Captures the heap that is benched as REAL: a program on the real rudo-gc, or, where that does
# not build, the sample on a heap of the same layout in C.
#
#   capture_real.sh BUILD_FOLDER RUST_FOLDER OUTPUT
#
# With BENCH_QUICK=1 the Rust program is used only if it is built already. Exits 77 and says why
# when no heap can be captured.
set -eu

build=$1 rust=$2 output=$3
truth=$output.truth
sample_pid=

end_sample() {
    [ -n "$sample_pid" ] || return 0
    kill "$sample_pid" 2>/dev/null || :
    wait "$sample_pid" 2>/dev/null || :
    sample_pid=
}
trap end_sample EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Starts "$@" and waits until it has built its heap.
start() {
    "$@" --seconds 600 >"$truth" </dev/null &
    sample_pid=$!
    tries=0
    until grep -q '}' "$truth"; do
        if ! kill -0 "$sample_pid" 2>/dev/null || [ "$tries" -ge 300 ]; then
            end_sample
            return 1
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
}

reason=
sample=$rust/release/fields
if [ -z "${BENCH_QUICK:-}" ]; then
    reason=$(samples/rudo-gc/build.sh "$rust") || sample=
fi
if [ -z "$sample" ] || [ ! -x "$sample" ] ||
    ! start "$sample" --threads 8 --objects 120000 --garbage 12000; then
    sample=$build/samples/c-heap
    echo "REAL is the C sample: ${reason:-the rudo-gc programs are not built}"
    start "$sample" --threads 8 --objects 120000 --garbage 12000 || {
        echo "skipped: REAL, the sample program does not start"
        exit 77
    }
fi
if ! "$build/rudo-snap" capture --force --pid "$sample_pid" -o "$output" >"$output.log" 2>&1; then
    cat "$output.log"
    echo "skipped: REAL, its heap cannot be captured"
    exit 77
fi
echo "REAL is $sample, captured into $output"
