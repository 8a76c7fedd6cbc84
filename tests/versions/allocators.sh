#!/bin/bash
# timeout: 3000
# Captures a program on rudo-gc with each allocator: garbage that only its free blocks or garbage buffers refer to
# is garbage, as with glibc's malloc. The program says what it has.
#
#   tests/versions/allocators.sh                 prints TAP; `make allocators` runs it
#   ALLOCATORS="mimalloc" ...                    some of them
. "$(dirname "$0")/../support/tap.sh"

builds=$ROOT/build/allocators
PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin

if ! command -v cargo >/dev/null; then
    skip "programs with other allocators" "there is no cargo"
    done_testing
    exit
fi

# build NAME [FEATURE]: $builds/NAME is the program.
build()
{
    [ ! -x "$builds/$1" ] || return 0
    timeout 900 cargo build --release --quiet --target-dir "$builds/target-$1" \
        --manifest-path "$ROOT/tests/versions/allocators/Cargo.toml" ${2:+--features "$2"} >"$builds/$1.log" 2>&1 &&
        cp "$builds/target-$1/release/allocators" "$builds/$1" && rm -rf "$builds/target-$1"
}

# capture PROGRAM FILE: of the program when it has said what it knows. PRELOAD: a library in front of it.
capture()
{
    local pid status
    : >"$WORK/said"
    LD_PRELOAD=${PRELOAD:-} "$1" >>"$WORK/said" &
    pid=$!
    TAP_STARTED+=("$pid")
    for _ in {1..400}; do
        [ ! -s "$WORK/said" ] || break
        sleep 0.05
    done
    "$RUDO_SNAP" capture -q -f --pid "$pid" -o "$2" >"$WORK/capture.out" 2>&1
    status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    return "$status"
}

# compare NAME PROGRAM: several times, since the kernel places memory elsewhere each time.
compare()
{
    for i in 1 2 3; do
        rm -f "$WORK/heap.zst"
        capture "$2" "$WORK/heap.zst"
        is "$1: objects, reachable, share of roots ($i)" "$("$RUDO_SNAP" mark -q --json - "$WORK/heap.zst" | python3 -c '
import json, sys
said = json.load(open(sys.argv[1]))
d = json.load(sys.stdin)
t = d["totals"]
print(t["objects"] == said["objects"], t["reachable_objects"] - said["reachable"],
      d["snapshot"]["foreign_mode"], d["snapshot"]["foreign_root_percent"] <= 5)' "$WORK/said")" "True 0 blocks True"
    done
}

mkdir -p "$builds"
for allocator in ${ALLOCATORS:-glibc mimalloc jemalloc jemalloc-48 jemalloc-57}; do
    feature=${allocator%-*}
    [ "$feature" != glibc ] || feature=
    case $allocator in
    jemalloc-*) export JEMALLOC_SYS_WITH_LG_VADDR=${allocator#*-} ;;
    *) unset JEMALLOC_SYS_WITH_LG_VADDR ;;
    esac
    if ! build "$allocator" "$feature"; then
        skip "$allocator" "it does not build here (see $builds/$allocator.log)"
        continue
    fi
    compare "$allocator" "$builds/$allocator"
    strip -o "$WORK/stripped" "$builds/$allocator"
    compare "$allocator, stripped" "$WORK/stripped"
done
unset JEMALLOC_SYS_WITH_LG_VADDR

library=$(find /usr/lib /lib -name libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$library" ] && [ -x "$builds/glibc" ]; then
    PRELOAD=$library compare "libjemalloc2" "$builds/glibc"
else
    skip "libjemalloc2" "it is not installed, or the program does not build"
fi

# An allocator that is not known: its memory is roots, and capture says so.
if build snmalloc snmalloc; then
    rm -f "$WORK/heap.zst"
    capture "$builds/snmalloc" "$WORK/heap.zst"
    check "snmalloc: a warning" grep -q "^warning: [0-9]* % of the private memory was taken as roots" "$WORK/capture.out"
else
    skip "snmalloc" "it does not build here (see $builds/snmalloc.log)"
fi
done_testing
