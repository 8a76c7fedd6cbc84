#!/bin/bash
# timeout: 3000
# Captures a program of every published version of rudo-gc that builds here: the layout is chosen by
# the version and, of the stripped program without its version, by structure; counts are exact.
#
#   tests/versions/collector_versions.sh             prints TAP; `make collector-versions` runs it
#   COLLECTOR_VERSIONS="0.8.12 0.8.19" ...           some of them
#   tests/versions/collector_versions.sh --record    writes samples/heaps/rudo-gc-*.zst anew
. "$(dirname "$0")/../support/tap.sh"

versions=${COLLECTOR_VERSIONS:-0.1.0 0.2.0 0.2.1 0.2.2 0.2.3 0.3.0 0.3.1 0.3.2 0.4.0 0.4.1 0.5.0 0.6.0 0.7.0
    0.8.0 0.8.1 0.8.2 0.8.3 0.8.4 0.8.5 0.8.6 0.8.7 0.8.8 0.8.9 0.8.10 0.8.11 0.8.12 0.8.13 0.8.14 0.8.15 0.8.16
    0.8.17 0.8.18 0.8.19}
builds=$ROOT/build/collector-versions
PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin

if ! command -v cargo >/dev/null; then
    skip "programs of all versions of rudo-gc" "there is no cargo"
    done_testing
    exit
fi

# build VERSION: $builds/VERSION is the program.
build()
{
    local folder=$builds/source-$1
    [ ! -x "$builds/$1" ] || return 0
    mkdir -p "$folder"
    cp -r "$ROOT/tests/versions/graph/src" "$folder/"
    cat >"$folder/Cargo.toml" <<TOML
[package]
name = "graph"
version = "0.1.0"
edition = "2021"
[dependencies]
rudo-gc = "=$1"
[profile.release]
panic = "abort"
opt-level = 1
debug = 1
TOML
    (cd "$folder" && timeout 280 cargo build --release --quiet) >"$builds/$1.log" 2>&1 &&
        cp "$folder/target/release/graph" "$builds/$1" && rm -rf "$folder"
}

layout_of()
{
    case $1 in
    0.[12].*) echo rudo-gc-0.1 ;;
    0.[34].*) echo rudo-gc-0.3 ;;
    0.8.1[2-7]) echo rudo-gc-0.8.12 ;;
    0.8.1[89]) echo rudo-gc-0.8 ;;
    *) echo rudo-gc-0.5 ;;
    esac
}

# capture PROGRAM FILE OPTION...: of the program when it has said what it knows.
capture()
{
    local program=$1 file=$2 pid status
    shift 2
    : >"$WORK/said"
    "$program" >>"$WORK/said" &
    pid=$!
    TAP_STARTED+=("$pid")
    for _ in {1..200}; do
        [ ! -s "$WORK/said" ] || break
        sleep 0.05
    done
    "$RUDO_SNAP" capture -q -f --pid "$pid" "$@" -o "$file" >"$WORK/capture.out" 2>&1
    status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    return "$status"
}

# found FILE: layout, objects, zombies, reachable, overlooked.
found()
{
    "$RUDO_SNAP" mark -q --json - "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)
t = d["totals"]
print(d["snapshot"]["layout"], t["objects"], t["zombies"], t["reachable_objects"],
      d["snapshot"]["references_overlooked"])'
}

mkdir -p "$builds"
if [ "${1:-}" = --record ]; then
    for version in 0.1.0 0.3.2 0.8.11 0.8.12; do
        build "$version" && capture "$builds/$version" \
            "$ROOT/samples/heaps/$(layout_of "$version").zst" --redact
        is "recorded $version" "$?" 0
    done
    done_testing
    exit
fi

for version in $versions; do
    if ! build "$version"; then
        skip "rudo-gc $version" "it does not build here (see $builds/$version.log)"
        continue
    fi
    expected="$(layout_of "$version") 2344 60 2244 0"
    rm -f "$WORK/heap.zst"
    capture "$builds/$version" "$WORK/heap.zst"
    is "rudo-gc $version, by its version" "$(found "$WORK/heap.zst")" "$expected"
    # The same program without any sign of its version.
    strip -o "$WORK/anonymous" "$builds/$version"
    sed -i "s|/rudo-gc-$version/|/rudo_gc_$version/|g" "$WORK/anonymous"
    rm -f "$WORK/heap.zst"
    capture "$WORK/anonymous" "$WORK/heap.zst"
    is "rudo-gc $version, by its structure" "$(found "$WORK/heap.zst" | cut -d' ' -f2-)" "2344 60 2244 0"
done

# A version that does not exist is refused with its name.
last=${versions##* }
if [ -x "$builds/$last" ]; then
    sed "s|/rudo-gc-$last/|/rudo-gc-9.${last#*.}/|g" "$builds/$last" >"$WORK/future"
    chmod +x "$WORK/future"
    capture "$WORK/future" "$WORK/future.zst"
    is "an unknown version is bad input" "$?" 3
    check "and named" grep -q "uses rudo-gc 9.${last#*.}, whose heap layout is not known" "$WORK/capture.out"
    capture "$WORK/future" "$WORK/future.zst" --layout "$(layout_of "$last")"
    is "with --layout it is captured" "$?" 0
fi
done_testing
