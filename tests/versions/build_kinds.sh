#!/bin/bash
# timeout: 3000
# Captures one program as every kind of build leaves it: with which names and fields, and where some
# are missing, with which reason.
#
#   tests/versions/build_kinds.sh            prints TAP; `make build-kinds` runs it
#   BUILD_KINDS="packed legacy" ...          some of them
. "$(dirname "$0")/../support/tap.sh"

PRINT_FIELDS=$BUILD/tests/cli/helpers/print_fields
PRINT_NAMES=$BUILD/tests/cli/helpers/print_names
builds=$ROOT/build/build-kinds
PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin
mkdir -p "$builds"

if ! command -v cargo >/dev/null; then
    skip "a program of every kind of build" "there is no cargo"
    done_testing
    exit
fi

# build NAME VARIABLE=VALUE... [-- OPTION...]: $PROGRAM is the program. RUSTFLAGS replace those of
# the samples, which ask for the new mangling.
build()
{
    local name=$1 settings=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    [ "${1:-}" = -- ] && shift
    PROGRAM=$builds/$name/$([ "${1:-}" = --profile ] && echo debug || echo release)/kinds
    [ "$name" != static ] || PROGRAM=$builds/$name/x86_64-unknown-linux-musl/release/kinds
    (cd "$ROOT/samples/rudo-gc" &&
        env CARGO_NET_OFFLINE=true "${settings[@]}" timeout 600 cargo build --quiet --locked --bin kinds \
            --target-dir "$builds/$name" "${@:---release}") >"$builds/$name.log" 2>&1
}

# capture PROGRAM: 1 where the program cannot allocate as it was built (samples/rudo-gc/README.md).
capture()
{
    local pid status
    rm -f "$WORK/truth" "$WORK/heap.zst"
    (ulimit -v 4000000 && exec timeout 60 "$1" --seconds 50) >"$WORK/truth" 2>/dev/null &
    pid=$!
    for _ in $(seq 100); do
        grep -q '}$' "$WORK/truth" && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    grep -q '}$' "$WORK/truth" && "$RUDO_SNAP" capture --quiet --force \
        --pid "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$WORK/truth")" -o "$WORK/heap.zst" 2>"$WORK/error"
    status=$?
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    return $status
}

# look_at NAME PROGRAM NAMED FIELDS REASON: how many types and fields have names; the reason ("" where
# there is none) is a part of the only line.
look_at()
{
    local named fields note
    if ! capture "$2"; then
        skip "$1: captured" "rudo-gc cannot allocate in this build ($(head -c 120 "$WORK/error"))"
        return
    fi
    named=$("$PRINT_NAMES" "$WORK/heap.zst" types | cut -f 3 | sort | paste -sd ' ')
    fields=$("$PRINT_FIELDS" "$WORK/heap.zst" |
        awk '/^type / { is_wanted = $2 == "kinds::Kinds"; next } is_wanted' | wc -l)
    note=$("$PRINT_NAMES" "$WORK/heap.zst" note)
    if [ "$3" = named ]; then
        is "$1: types" "$named" "kinds::Kinds kinds::Leaf"
    else
        check "$1: types have no names" grep -q '^type #' <<<"$named"
    fi
    if [ "$4" = fields ]; then
        check "$1: fields ($fields)" [ "$fields" -ge 60 ]
    else
        is "$1: fields have no names" "$fields" 0
    fi
    if [ -n "$5" ]; then
        check "$1: the reason" grep -qF "$5" <<<"$note"
        is "$1: one reason" "$(wc -l <<<"$note")" 1
    else
        is "$1: no reason" "$note" ""
    fi
}

is_wanted()
{
    [ -z "${BUILD_KINDS:-}" ] || [[ " $BUILD_KINDS " == *" $1 "* ]]
}

# kind NAME NAMED FIELDS REASON VARIABLE=VALUE... [-- OPTION...]
kind()
{
    local name=$1 named=$2 fields=$3 reason=$4
    shift 4
    is_wanted "$name" || return
    if build "$name" "$@"; then
        look_at "$name" "$PROGRAM" "$named" "$fields" "$reason"
    else
        skip "$name: built" "$(grep -m 1 -h '^error' "$builds/$name.log" | head -c 120)"
    fi
}

legacy="RUSTFLAGS=-C debuginfo=2"
kind release named fields "" X=
kind debug named fields "" CARGO_PROFILE_DEV_PANIC=abort -- --profile dev
kind O1 named fields "" CARGO_PROFILE_RELEASE_OPT_LEVEL=1
kind Os named fields "" CARGO_PROFILE_RELEASE_OPT_LEVEL=s
kind thinlto named fields "" CARGO_PROFILE_RELEASE_LTO=thin
kind fatlto named fields "" CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
kind legacy named fields "" "$legacy"
kind lines named none "describes no types; build it with" "RUSTFLAGS=-C debuginfo=1"
kind newcomer unnamed none "legacy mangling hides them" "RUSTFLAGS=-C panic=abort" \
    CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=debuginfo
kind stripped unnamed none "is stripped (it has no .symtab)" CARGO_PROFILE_RELEASE_STRIP=symbols
kind dw5 named fields "" "RUSTFLAGS=-C dwarf-version=5"
kind packed named fields "" "RUSTFLAGS=-C split-debuginfo=packed"
kind dw5packed named fields "" "RUSTFLAGS=-C dwarf-version=5 -C split-debuginfo=packed"
kind unpacked named fields "" "RUSTFLAGS=-C split-debuginfo=unpacked -Z unstable-options" RUSTC_BOOTSTRAP=1
if rustc --print target-libdir --target x86_64-unknown-linux-musl 2>/dev/null | xargs -r test -d; then
    kind static named fields "" CARGO_BUILD_TARGET=x86_64-unknown-linux-musl
else
    skip "static: built" "the target x86_64-unknown-linux-musl is not installed"
fi

# What happens to programs after they were built.
if is_wanted after && build release X=; then
    copies=$WORK/copies
    mkdir -p "$copies"
    objcopy --compress-debug-sections=zlib "$PROGRAM" "$copies/zlib" &&
        look_at zlib "$copies/zlib" named fields ""
    if objcopy --compress-debug-sections=zstd "$PROGRAM" "$copies/zstd" 2>/dev/null; then
        look_at zstd "$copies/zstd" named fields ""
    else
        skip "zstd: captured" "this objcopy does not compress with zstd"
    fi
    objcopy --only-keep-debug "$PROGRAM" "$copies/split.debug"
    strip -o "$copies/split" "$PROGRAM"
    (cd "$copies" && objcopy --add-gnu-debuglink=split.debug split)
    look_at "separate debug file" "$copies/split" named fields ""
    mv "$copies/split.debug" "$copies/gone"
    look_at "lost debug file" "$copies/split" unnamed none "its debug file 'split.debug' was not found"
    strip --strip-debug -o "$copies/symbols" "$PROGRAM"
    look_at "without debug information" "$copies/symbols" named none "has no debug information"
fi
if is_wanted packed && build packed "RUSTFLAGS=-C split-debuginfo=packed"; then
    mkdir -p "$WORK/alone"
    cp "$PROGRAM" "$WORK/alone/kinds"
    look_at "packed, without the package" "$WORK/alone/kinds" unnamed none "was split off, and"
fi
done_testing
