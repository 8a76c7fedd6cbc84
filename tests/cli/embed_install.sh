#!/bin/bash
# librudo-snap-capture as its users see it: installed, found by pkg-config, compiled against in C
# and C++, linked shared and static; with the public names visible, and no others.
. "$(dirname "$0")/../support/tap.sh"

for tool in gcc g++ pkg-config nm; do
    command -v "$tool" >/dev/null || skip_all "there is no $tool"
done
prefix=$WORK/usr
check "make install puts it where PREFIX says" \
    make -s install VARIANT="${BUILD##*/}" PREFIX="$prefix"
for file in include/rudo_snap.h lib/librudo-snap-capture.a lib/librudo-snap-capture.so \
    lib/librudo-snap-capture.so.0 lib/pkgconfig/rudo-snap-capture.pc share/man/man3/rudo_snap.3 \
    share/man/man1/rudo-snap.1 bin/rudo-snap; do
    check "$file is there" test -s "$prefix/$file"
done
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
is "pkg-config knows the version" "$(pkg-config --modversion rudo-snap-capture)" \
    "$("$prefix/bin/rudo-snap" --version | sed -n '1s/^rudo-snap //p')"

# The names that a program can link to.
public="rudo_snap_capture rudo_snap_is_done rudo_snap_options_init rudo_snap_version rudo_snap_wait"
names_of()
{
    "$@" | awk '$2 ~ /^[A-Z]$/ && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort | tr '\n' ' '
}
is "the shared library shows the public names alone" \
    "$(names_of nm -D --defined-only "$prefix/lib/librudo-snap-capture.so.0")" "$public "
is "and so does the archive" \
    "$(names_of nm -g --defined-only "$prefix/lib/librudo-snap-capture.a")" "$public "

# The header, alone and twice, as strictly as compilers can look.
header='#include <rudo_snap.h>
#include <rudo_snap.h>
int nothing;'
strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror -fsyntax-only"
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    # shellcheck disable=SC2086  # several options
    check "the header is C99 for $compiler" "$compiler" -std=c99 $strict \
        -I "$prefix/include" -x c - <<<"$header"
    # shellcheck disable=SC2086
    check "the header is C++17 for $compiler" "$compiler" -std=c++17 $strict \
        -I "$prefix/include" -x c++ - <<<"$header"
done

# builds NAME COMPILER...: the program is built, runs, and its snapshot is marked exactly.
builds()
{
    local name=$1
    shift
    check "$name: it is built" "$@" -o "$WORK/program"
    rm -f "$WORK/heap.zst"
    run env LD_LIBRARY_PATH="$prefix/lib" "$WORK/program" "$WORK/heap.zst"
    check_exit "$name: it captures itself" 0
    check_output "$name: all its objects" stdout "*3 objects"
    run "$RUDO_SNAP" mark --json - -q "$WORK/heap.zst"
    check_output "$name: they are marked exactly" stdout '*"rule": "exact/1"*"reachable_objects": 2,*'
}
source=tests/embed/embedding.c
read -r -a flags <<<"$(pkg-config --cflags --libs rudo-snap-capture)"
builds "C, shared" gcc -std=c99 -Wall -Wextra -Werror "$source" "${flags[@]}"
builds "C++, shared" g++ -std=c++17 -Wall -Wextra -Werror -x c++ "$source" -x none "${flags[@]}"
read -r -a flags <<<"$(pkg-config --cflags --libs --static rudo-snap-capture |
    sed "s|-lrudo-snap-capture|$prefix/lib/librudo-snap-capture.a|")"
builds "C, archive" gcc -std=c99 -Wall -Wextra -Werror "$source" "${flags[@]}"
builds "C++, archive" g++ -std=c++17 -Wall -Wextra -Werror -x c++ "$source" -x none "${flags[@]}"
run "$WORK/program" "$WORK/no/folder"
check_exit "an error is the program's to handle" 1
check_output "with a message" stderr "*'$WORK/no*"
done_testing
