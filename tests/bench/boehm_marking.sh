#!/bin/bash
# Heaps of the Boehm collector: the same graph marked by the collector itself in its process, by us in a
# capture of that process, and by us in a heap of rudo-gc with as many objects.
#
#   boehm_marking.sh BUILD WORK [DIVISOR]      `make bench-boehm` runs it
set -u

build=$1 work=$2 divisor=${3:-1}
mkdir -p "$work"
pkg-config --exists bdw-gc || {
    echo "skipped: there is no Boehm collector (libgc-dev)"
    exit 0
}
read -ra flags <<<"$(pkg-config --cflags --libs bdw-gc)"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -I. tests/bench/peers/boehm_peer.c tests/bench/bench_edges.c \
    "${flags[@]}" -o "$work/boehm_peer" || exit
for graph in G1 G2; do
    rm -f "$work/in"
    mkfifo "$work/in"
    "$work/boehm_peer" "$graph" "$divisor" <"$work/in" >"$work/out" &
    peer=$!
    exec 7>"$work/in"
    until grep -q ready "$work/out"; do sleep 0.2; done
    for n in 1 2 3; do
        echo >&7
        until [ "$(grep -c 'done' "$work/out")" = "$n" ]; do sleep 0.1; done
    done
    echo "== $graph: marked by the collector itself in ms: $(grep '^[0-9]' "$work/out" | tr '\n' ' ')"
    time "$build/rudo-snap" capture -f --pid "$peer" -o "$work/$graph.zst"
    exec 7>&-
    wait "$peer"
    time "$build/rudo-snap" report "$work/$graph.zst" >/dev/null
    "$build/tests/bench/bench_marker" --graph "$graph" --divide "$divisor" --rounds 5 --quick \
        --real "$work/$graph.zst"
done
