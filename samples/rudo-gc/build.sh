#!/bin/sh
# Builds the rudo-gc samples.
#
#   samples/rudo-gc/build.sh TARGET_FOLDER
#
# The programs are then in TARGET_FOLDER/release/. Where they cannot be built
# through no fault of theirs (no cargo, a cargo that is too old, crates that are
# neither downloaded nor reachable, a compiler that rudo-gc does not work with),
# it prints "skipped: REASON" and exits 77.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 TARGET_FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
log=$target/build.log

skip() {
    echo "skipped: $1"
    exit 77
}

# rustup and cargo install here, and a non-interactive shell may not know.
PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin
command -v cargo >/dev/null 2>&1 || skip "no cargo"
version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9]*\.[0-9]*\).*/\1/p')
[ -n "$version" ] || skip "cargo does not run"
if [ "${version%%.*}" -eq 1 ] && [ "${version#*.}" -lt 84 ]; then
    skip "cargo $version is older than 1.84, which rudo-gc needs"
fi

# cargo looks for .cargo/config.toml from the current folder on; flags in the
# environment would replace those in it.
cd "$(dirname "$0")"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET
host=$(rustc -vV 2>/dev/null | sed -n 's/^host: //p')
[ -n "$host" ] || skip "rustc does not run"
# Only the crates for this machine, so that a copy of those is enough offline.
fetch() {
    CARGO_NET_RETRY=${CARGO_NET_RETRY:-1} CARGO_HTTP_TIMEOUT=${CARGO_HTTP_TIMEOUT:-20} \
        timeout 300 cargo fetch --quiet --locked --target "$host" "$@" >"$log" 2>&1
}
fetch --offline || fetch || skip "cargo cannot download the crates (see $log)"

cargo build --release --locked --offline --target-dir "$target" >"$log" 2>&1 || {
    cat "$log" >&2
    echo "$0: the build failed" >&2
    exit 1
}

# A compiler may build rudo-gc 0.8.19 so that its first allocation maps page after
# page and never returns (README.md). That is not for us to mend, but to notice;
# the limit on memory makes it fail soon.
# shellcheck disable=SC3045  # dash and bash both have ulimit -v
(ulimit -v 4000000 && exec timeout 30 "$target/release/fields" --objects 10 --seconds 0) \
    >"$log" 2>&1 || skip "rudo-gc cannot allocate as this compiler builds it (see $log)"
