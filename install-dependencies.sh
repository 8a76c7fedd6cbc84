#!/bin/sh
# Installs the Debian packages that building and testing rudo-snap need.
#
#   ./install-dependencies.sh build     what `make` and `make demo` need
#   ./install-dependencies.sh test      and what `make check` needs (default)
#   ./install-dependencies.sh aarch64   and what `make check-aarch64` needs
#   ./install-dependencies.sh peers     and the collectors of `make bench-peers`
#
# It says what it installs, installs nothing that is there already, and uses
# sudo only when it is not run by root.
set -eu

build_packages="gcc make pkg-config libc6-dev libzstd-dev libcjson-dev libxxhash-dev
libelf-dev libdw-dev libiberty-dev libsqlite3-dev zlib1g-dev zstd node-d3-hierarchy"
test_packages="g++ libcriterion-dev clang clang-format libclang-rt-14-dev llvm binutils
patch python3 python3-jsonschema shellcheck valgrind mandoc relacy-dev libjemalloc2 libgc-dev guile-3.0"
peer_packages="libgc-dev default-jdk-headless python3"

case "${1:-test}" in
build) wanted=$build_packages ;;
test) wanted="$build_packages $test_packages" ;;
aarch64) wanted="$build_packages $test_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" ;;
peers) wanted="$build_packages $peer_packages" ;;
*)
    echo "usage: $0 [build|test|aarch64|peers]" >&2
    exit 2
    ;;
esac

missing=""
native=$(dpkg --print-architecture 2>/dev/null || uname -m)
for package in $wanted; do
    # A package may be there for another architecture only.
    # shellcheck disable=SC2016  # dpkg's own variables
    if ! dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
        grep -Eqx "($native|all) installed"; then
        missing="$missing $package"
    fi
done
if [ -z "$missing" ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-dependencies: this machine has no apt-get; please install:$missing" >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install-dependencies: not root and no sudo; please install:$missing" >&2
        exit 1
    fi
    # sudo does not hand the environment on.
    as_root="sudo env DEBIAN_FRONTEND=noninteractive"
fi

echo "install-dependencies: installing with apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
# Another apt-get may be at work, and mirrors have bad moments.
patience="-o DPkg::Lock::Timeout=120 -o Acquire::Retries=3"
# The package lists of a fresh machine may be missing or old.
# shellcheck disable=SC2086  # a list of options on purpose
$as_root apt-get $patience update -qq
# shellcheck disable=SC2086  # a list of words on purpose
$as_root apt-get $patience install -y -qq --no-install-recommends $missing >/dev/null
