#!/bin/bash
# Builds for aarch64 with Debian's cross compiler and runs the unit and property tests under
# qemu-user. `make check-aarch64` runs it, with options for tests/run_tests.sh. Capture of live
# processes is left out: it is about x86-64 registers, and qemu-user knows no ptrace.
#
# Compiler and emulator are installed; the arm64 libraries are only unpacked below build/, because
# some of their Debian packages cannot be installed beside those of this machine. Criterion does
# not run under qemu-user; tests/plain_criterion/ replaces it.
set -u
cd "$(dirname "$0")/.." || exit 1

folder=build/aarch64-packages
root=$PWD/$folder/root
make=${MAKE:-make}
jobs=$(nproc 2>/dev/null || echo 1)
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT CC CFLAGS LDFLAGS TESTS TEST_GROUPS

packages="libc6-dev libzstd-dev libcjson-dev libxxhash-dev libelf-dev libdw-dev libiberty-dev libsqlite3-dev zlib1g-dev"

# Downloads the packages and all they need, as if nothing were installed, and unpacks them.
unpack_libraries()
{
    local apt package
    mkdir -p "$folder/state/lists/partial" "$folder/cache/archives/partial" "$root"
    : >"$folder/status"
    apt="apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
        -o Dir::State=$PWD/$folder/state -o Dir::State::status=$PWD/$folder/status
        -o Dir::Cache=$PWD/$folder/cache -o APT::Sandbox::User=$(id -un)
        -o Debug::NoLocking=true"
    # shellcheck disable=SC2086  # lists of words on purpose
    $apt update && $apt install -y --download-only --no-install-recommends $packages >/dev/null ||
        return 1
    for package in "$folder"/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$root" || return 1
    done
    touch "$folder/unpacked"
}

./install-dependencies.sh aarch64 || exit 1
if [ ! -e "$folder/unpacked" ]; then
    echo "check-aarch64: unpacking arm64 libraries into $folder"
    unpack_libraries || {
        echo "check-aarch64: cannot get the arm64 libraries" >&2
        exit 1
    }
fi

export PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$root
"$make" -s -j"$jobs" VARIANT=aarch64 CC="aarch64-linux-gnu-gcc --sysroot=$root" OBJCOPY=aarch64-linux-gnu-objcopy \
    criterion-tests || exit 1

# Programs run as "qemu-aarch64 PROGRAM"; what they load comes from the unpacked libraries.
export QEMU_LD_PREFIX=$root TEST_EMULATED=1
tests=()
while IFS= read -r test; do
    case $test in
    # They trace, copy or look at a live process, which here is the emulator.
    */test_live_process | */test_capture_hardship | */test_staged_pages) continue ;;
    */test_staging_memory | */test_copy_check | */test_page_selection | */test_proc_files) continue ;;
    # Limits on a child's memory are limits on the emulator; frames are about x86-64 registers.
    */test_guarded_child | */test_names_hostile) continue ;;
    esac
    tests+=("$test")
done < <(find build/aarch64/tests/unit build/aarch64/tests/property -name 'test_*' ! -name '*.[od]' | sort)
TEST_WRAPPER=qemu-aarch64 TEST_TIMEOUT=${TEST_TIMEOUT:-600} \
    tests/run_tests.sh -b build/aarch64 "$@" "${tests[@]}"
