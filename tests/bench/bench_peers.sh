#!/bin/bash
# Benches other collectors on our graphs: builds what is there, says what is skipped and why.
#
#   bench_peers.sh BENCH_PROGRAM BUILD_FOLDER [bench_peers.py's options]
set -u

ours=$1 build=$2
shift 2
here=$(dirname "$0")
peers=()
mkdir -p "$build"

# Nothing of this is needed for anything else, so it is installed only here.
if ! pkg-config --exists bdw-gc || ! command -v javac >/dev/null; then
    ./install-dependencies.sh peers || echo "bench-peers: packages could not be installed"
fi

read -ra boehm_flags <<<"$(pkg-config --cflags --libs bdw-gc 2>/dev/null)"
if ! pkg-config --exists bdw-gc; then
    echo "skipped: the Boehm collector, there is no libgc-dev"
elif ! ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -I. "$here/peers/boehm_peer.c" "$here/bench_edges.c" \
    "${boehm_flags[@]}" -o "$build/boehm_peer"; then
    echo "skipped: the Boehm collector, its program does not build"
else
    echo "Boehm collector $(pkg-config --modversion bdw-gc)"
    peers+=(--boehm "$build/boehm_peer")
fi

if ! command -v javac >/dev/null || ! command -v java >/dev/null; then
    echo "skipped: OpenJDK, there is no javac (default-jdk-headless)"
elif ! javac -d "$build" "$here/peers/PeerHeap.java"; then
    echo "skipped: OpenJDK, its program does not build"
else
    java -version 2>&1 | sed -n 2p
    peers+=(--java "$build")
fi

if [ ${#peers[@]} -eq 0 ]; then
    echo "skipped: no other collector is here"
    exit 0
fi
if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3 to take turns"
    exit 0
fi
echo
exec python3 "$here/bench_peers.py" --ours "$ours" "${peers[@]}" "$@"
