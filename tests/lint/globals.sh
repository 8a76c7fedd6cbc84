#!/bin/bash
# The libraries have no mutable globals: no writable data in any of their objects.
. "$(dirname "$0")/../support/lint.sh"

objects=()
for room in "${LIBRARIES[@]}"; do
    while IFS= read -r source; do
        object=$BUILD/${source%.c}.o
        [ ! -f "$object" ] || objects+=("$object")
    done < <(source_files | grep -E "^$room/.*\.c\$")
done
[ "${#objects[@]}" -gt 0 ] || bail "nothing is built in $BUILD"

# Constant tables of pointers are in .data.rel.ro: writable for the loader only.
none "no writable data in ${#objects[@]} objects" \
    "$(nm -A --format=sysv "${objects[@]}" | grep -E '\| *(OBJECT|TLS) *\|' |
        grep -E '\| *(\.data|\.bss|\.tdata|\.tbss|\*COM\*)[^|]*$' | grep -vE '\| *\.data\.rel\.ro' |
        grep -vE '__(asan|ubsan|tsan|gcov)')"
done_testing
