#!/bin/bash
# timeout: 300
# Every header compiles alone, with gcc and with clang; in `make check` with one of them.
. "$(dirname "$0")/../support/lint.sh"

flags="-std=gnu11 -D_GNU_SOURCE -I. -Imarker/native -Wall -Wextra -Wpedantic -Werror -fsyntax-only"
packages=$(pkg-config --cflags libzstd libcjson libxxhash libelf libdw sqlite3 zlib 2>/dev/null)

headers=$(c_files "${ROOMS[@]}" tests | grep '\.h$')
alone()
{
    local compiler=$1 header
    while IFS= read -r header; do
        # Twice: the include guard works. The last line keeps ISO C from missing a declaration.
        # shellcheck disable=SC2086  # lists of options
        printf '#include "%s"\n#include "%s"\nextern int nothing;\n' "$header" "$header" |
            "$compiler" $flags $packages -x c - 2>&1 | sed "s|^<stdin>|$header|"
    done <<<"$headers"
}
compilers="gcc clang"
[ "${CHECK_TIER:-all}" = all ] || compilers=$(command -v gcc >/dev/null && echo gcc || echo clang)
for compiler in $compilers; do
    if command -v "$compiler" >/dev/null; then
        none "every header compiles alone with $compiler" "$(alone "$compiler")"
    else
        skip "every header compiles alone with $compiler" "there is no $compiler"
    fi
done

guards()
{
    local file header guard
    while IFS= read -r file; do
        # Builds of one header share its guard.
        header=${file/#marker\/*\/shared_memory.h/shared_memory.h}
        guard=$(tr 'a-z/.-' 'A-Z___' <<<"$header")
        grep -q "^#ifndef $guard\$" "$file" || echo "$header: expected the guard $guard"
    done <<<"$headers"
}
none "include guards are named after their files" "$(guards)"
done_testing
