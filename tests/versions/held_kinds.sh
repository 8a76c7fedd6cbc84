#!/bin/bash
# timeout: 3000
# Captures one program that holds objects in each way that Rust programs hold things: containers of the standard library
# and of crates, threads, channels, tasks (tests/versions/held/). Objects and zombies are exact; reachable objects are,
# within a thousandth, by one of the two figures; the report begins with the leak; the account explains the memory.
#
#   tests/versions/held_kinds.sh                    prints TAP; `make held-kinds` runs it
#   HELD_KINDS="vec tokio-tasks" ...                some of the kinds
#   HELD_BUILDS="glibc musl" ...                    some of the builds
. "$(dirname "$0")/../support/tap.sh"

builds=$ROOT/build/held-kinds
PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin

if ! command -v cargo >/dev/null; then
    skip "a program for each way to hold objects" "there is no cargo"
    done_testing
    exit
fi

# build NAME: $builds/NAME is the program.
build()
{
    local flags="-C symbol-mangling-version=v0" target=x86_64-unknown-linux-gnu options=()
    case $1 in
    static) flags="$flags -C target-feature=+crt-static" ;;
    musl)
        target=x86_64-unknown-linux-musl
        rustc --print target-libdir --target $target 2>/dev/null | xargs -r test -d || return 1
        ;;
    jemalloc | mimalloc) options=(--features "$1") ;;
    esac
    env CARGO_NET_RETRY=1 RUSTFLAGS="$flags" timeout 900 cargo build --release --quiet --locked --target $target \
        --target-dir "$builds/target" --manifest-path "$ROOT/tests/versions/held/Cargo.toml" "${options[@]}" \
        >"$builds/$1.log" 2>&1 && cp "$builds/target/$target/release/held" "$builds/$1"
}

# capture PROGRAM KIND: into $WORK/heap.zst, when the program has said what it knows.
capture()
{
    local status
    rm -f "$WORK/heap.zst"
    start "$WORK/truth" "$1" "$2"
    wait_until 60 grep -q '}$' "$WORK/truth" &&
        "$RUDO_SNAP" capture -q --pid "$STARTED" -o "$WORK/heap.zst" >"$WORK/capture.out" 2>&1
    status=$?
    kill -KILL "$STARTED"
    wait "$STARTED" 2>/dev/null
    return "$status"
}

# compare NAME KIND BUILD: what the snapshot says with the truth.
compare()
{
    "$RUDO_SNAP" mark -q --json "$WORK/mark.json" "$WORK/heap.zst" &&
        "$RUDO_SNAP" mark -q --precise --json "$WORK/precise.json" "$WORK/heap.zst" &&
        "$RUDO_SNAP" report --json "$WORK/report.json" "$WORK/heap.zst" >"$WORK/report.txt" &&
        python3 "$ROOT/tests/versions/held_kinds.py" "$WORK" "$2" "$3" >"$WORK/found"
    is "$1: marked, reported" "$?" 0
    while IFS=$'\t' read -r subject found expected; do
        is "$1: $subject" "$found" "$expected"
    done <"$WORK/found"
}

# kinds_of BUILD: all of the first one, some of the others.
kinds_of()
{
    if [ -n "${HELD_KINDS:-}" ]; then
        echo "$HELD_KINDS"
    elif [ "$1" = glibc ]; then
        "$builds/$1"
    else
        echo vec vecdeque hashmap btreemap dyn named smallvec static thread-local threads mpsc tokio-tasks bytes
    fi
}

mkdir -p "$builds"
for program in ${HELD_BUILDS:-glibc static musl jemalloc mimalloc}; do
    if ! build "$program"; then
        skip "$program" "it does not build here (see $builds/$program.log)"
        continue
    fi
    for kind in $(kinds_of "$program"); do
        if capture "$builds/$program" "$kind"; then
            compare "$program, $kind" "$kind" "$program"
        else
            not_ok "$program, $kind: captured" "$(cat "$WORK/capture.out")"
        fi
    done
done
done_testing
