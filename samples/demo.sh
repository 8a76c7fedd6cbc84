#!/bin/sh
# The whole way once: install, build, start a program, capture its heap while it
# runs, mark it with 16 workers, report. `make demo` runs this.
#
# Everything that it makes is in build/demo/. The program that it starts ends
# with it, however it ends.
set -eu
cd "$(dirname "$0")/.."

# An outer make must not decide what is built here.
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT
make=${MAKE:-make}
rudo_snap=build/release/rudo-snap
results=build/demo
sample_pid=

end_sample() {
    [ -n "$sample_pid" ] || return 0
    kill "$sample_pid" 2>/dev/null || :
    wait "$sample_pid" 2>/dev/null || :
    sample_pid=
}
trap end_sample EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

heading() {
    printf '\n== %s\n' "$1"
}

# Shows a command, then runs it.
show() {
    printf '$ %s\n' "$*"
    "$@"
}

# The number behind "key": in a file of JSON, the first of that name.
number() {
    sed -n "s/.*\"$2\": *\([0-9][0-9]*\).*/\1/p" "$1" | head -n 1
}

# Leaves the path of a built sample in $sample.
build_sample() {
    status=0
    reason=$(samples/rudo-gc/build.sh build/samples-rust) || status=$?
    case $status in
    0)
        sample=build/samples-rust/release/service
        echo "$sample: a service on the real rudo-gc, with a leak"
        ;;
    *)
        sample=build/release/samples/c-heap
        echo "rudo-gc programs: ${reason:-they do not build here}"
        echo "$sample: a heap of the same layout, in C"
        ;;
    esac
}

# Starts $sample and waits until it has told the truth about its heap.
start_sample() {
    "$sample" --seconds 600 >"$results/truth.json" </dev/null &
    sample_pid=$!
    tries=0
    until grep -q '}' "$results/truth.json"; do
        if ! kill -0 "$sample_pid" 2>/dev/null || [ "$tries" -ge 600 ]; then
            echo "demo: the sample program did not get ready" >&2
            exit 1
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
}

heading "install what is missing"
./install-dependencies.sh build
echo "everything is there"

heading "build"
"$make" -s -j"$(nproc 2>/dev/null || echo 1)" all
echo "$rudo_snap"

heading "a program whose heap is worth a look"
build_sample
rm -rf "$results"
mkdir -p "$results"
start_sample
echo "it runs as pid $sample_pid and says of itself:"
cat "$results/truth.json"

heading "capture it while it runs"
show "$rudo_snap" capture --pid "$sample_pid" -o "$results/heap.zst"
kill -0 "$sample_pid"
echo "(pid $sample_pid still runs)"

heading "mark with 16 workers"
show "$rudo_snap" mark --workers 16 "$results/heap.zst" --json "$results/reach.json"

heading "the same for programs: $results/reach.json"
head -n 30 "$results/reach.json"
echo "..."

heading "what the program knew, and what was found"
for pair in allocated:objects+zombies zombies:zombies reachable:reachable_objects \
    garbage:unreachable_objects; do
    key=${pair#*:}
    if [ "$key" = objects+zombies ]; then
        found=$(($(number "$results/reach.json" objects) + $(number "$results/reach.json" zombies)))
    else
        found=$(number "$results/reach.json" "$key")
    fi
    printf '%-10s %9s   found %9s   %s\n' "${pair%%:*}" \
        "$(number "$results/truth.json" "${pair%%:*}")" "$found" "$key"
done

heading "try next"
# The question first: commands are of all lengths.
try() {
    printf '%-28s %s\n' "$2" "$1"
}
try "$rudo_snap info $results/heap.zst" "what is in the file"
try "$rudo_snap mark --workers 1 --relocate $results/heap.zst" "the same digest"
try "$rudo_snap mark -q --objects - $results/heap.zst | head" "one line for each object"
try "zstd -l $results/heap.zst" "it is a plain .zst"
try "$sample &" "capture it yourself"
