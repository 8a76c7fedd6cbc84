#!/bin/bash
# timeout: 300
# Each lint can fail: plants one violation of each rule in a scratch copy of the tree and demands
# that the right check says no. A lint that always says yes would look just as good as one that works.
. "$(dirname "$0")/../support/lint.sh"

# Enough of the tree that every lint finds nothing wrong in it: what is planted is all that is.
copy=$WORK/copy
for file in tests/lint/*.sh tests/support/{lint,tap}.sh tests/support/tap.h base/error.[ch] \
    snapshot/heap/heap_layout.[ch] base/checksum.[ch] docs/rudo-snap.1 docs/rudo_snap.3; do
    mkdir -p "$copy/$(dirname "$file")"
    cp -p "$file" "$copy/$file"
done
for lint in layers names headers scripts manual samples; do
    check "$lint is content with a tree that is in order" bash "$copy/tests/lint/$lint.sh"
done

# demand LINT CHECK FILE TEXT: with TEXT in a new FILE of the copy, CHECK of LINT fails.
demand()
{
    local lint=$1 check=$2 file=$3 text=$4 output
    mkdir -p "$copy/$(dirname "$file")"
    printf '%s' "$text" >"$copy/$file"
    [ "${file%.sh}" = "$file" ] || chmod +x "$copy/$file"
    # The copy has no .git, and what it builds is its own.
    output=$(BUILD=build/release bash "$copy/tests/lint/$lint.sh" 2>&1)
    rm -f "$copy/$file"
    if grep -q "^not ok .*$check" <<<"$output"; then
        ok "$lint notices: $check ($file)"
    else
        not_ok "$lint notices: $check ($file)" "$output"
    fi
}

include='#include'
demand layers "further down" snapshot/planted.c "$include \"marker/mark.h\""$'\n'
demand layers "further down" marker/planted.h "# $include\"analysis/planted.h\""$'\n#include "formats/json_writer.h"\n'
demand layers "further down" analysis/planted.c "$include \"cli/command.h\""$'\n'
demand layers "further down" formats/planted.c "$include \"tests/support/tap.h\""$'\n'
demand layers "from the root" snapshot/planted.c "$include \"error.h\""$'\n'
demand layers "from the root" tests/unit/planted.c "$include \"../support/tap.h\""$'\n'
demand layers "stay in their folder" marker/planted.c "$include \"snapshot/heap/heap_image_internal.h\""$'\n'
demand layers "through their door" analysis/planted.c "$include <xxhash.h>"$'\n'
demand layers "belongs to the system" snapshot/planted.c "$include <lz4.h>"$'\n'
demand layers "about concurrency" analysis/planted.c "$include <pthread.h>"$'\n'
demand layers "about concurrency" snapshot/planted.h "$include <stdatomic.h>"$'\n'
demand layers "never print" formats/planted.c 'void f(void) { printf("no\n"); }'$'\n'
demand layers "never print" snapshot/planted.c 'void f(void) { fputs("no", stderr); }'$'\n'
demand layers "never exit" marker/planted.c 'void f(void) { exit(1); }'$'\n'
demand layers "never exit" snapshot/planted.c 'void f(void) { if (1) abort(); }'$'\n'
demand layers "no signal handlers" snapshot/planted.c 'void f(void) { signal(2, 0); }'$'\n'

if command -v zstd >/dev/null; then
    mkdir -p "$copy/samples/heaps"
    printf 'RUDOHEAP \0 /ho''me/alice/shop \0' | zstd -q -o "$copy/samples/heaps/planted.zst"
    run bash "$copy/tests/lint/samples.sh"
    rm -r "$copy/samples"
    check_output "samples notices a path in a compressed heap" stdout "*not ok *no path*/ho""me/alice/shop*"
    check_output "and that its document does not name it" stdout "*not ok *told of*does not name planted*"
else
    skip "samples notices a path in a compressed heap" "there is no zstd"
fi

demand names "unique in the whole tree" marker/error.c $'// twice\n'
demand names "no util folder" snapshot/util/planted.c $'// a helper\n'
demand names "no util folder" cli/helpers.h $'// a helper\n'
demand names "larger than 1 MiB" samples/planted.bin "$(head -c 1100000 /dev/zero | tr '\0' x)"
demand names "left to do" docs/planted.md "TO""DO: write this"$'\n'
demand names "left to do" snapshot/planted.c "// XX""X: slow"$'\n'
demand names "cited exists" marker/planted.c "// For why, see Note ""[No such note]."$'\n'
demand names "paths of one machine" docs/planted.md "It lies in /wo""rk/main."$'\n'
demand names "e-mail addresses" docs/planted.md "Ask alice""@example.com."$'\n'
demand names "blanks at line ends" snapshot/planted.c $'// text \n'
demand names "blanks at line ends" snapshot/planted.c '// no newline'

demand headers "compiles alone with gcc" snapshot/planted.h \
    $'#ifndef SNAPSHOT_PLANTED_H\n#define SNAPSHOT_PLANTED_H\nuint32_t f(void);\n#endif\n'
demand headers "compiles alone with clang" marker/planted.h \
    $'#ifndef MARKER_PLANTED_H\n#define MARKER_PLANTED_H\nuint32_t f(void);\n#endif\n'
demand headers "named after their files" snapshot/planted.h \
    $'#ifndef OTHER_H\n#define OTHER_H\nint f(void);\n#endif\n'

demand scripts "shellcheck is content" tests/cli/planted.sh $'#!/bin/sh\nrm -rf $1/*\n'
demand manual "mandoc is content" docs/rudo-snap.1 $'.TH rudo-snap\n.XX nonsense\n'
demand manual "documents name files that exist" docs/planted.md "see \`tests/unit/test_nothing.c\`"
demand manual "links in documents" docs/planted.md "see [a page](nothing.md)"
demand manual "links in documents" docs/planted.md "see [a heading](#nothing)"

# demand_room CHECK FILE EXPRESSION: with a document changed by sed, CHECK of rooms fails.
rooms=$WORK/rooms
mkdir -p "$rooms/docs" "$rooms/tests"
cp -r base snapshot embed marker analysis formats cli "$rooms"
cp -r tests/lint tests/support tests/live tests/unit tests/property tests/cli "$rooms/tests"
cp README.md "$rooms"
cp docs/design.md "$rooms/docs"
check "rooms is content with a tree that is in order" bash "$rooms/tests/lint/rooms.sh"
demand_room()
{
    local output
    sed "$3" "$2" >"$rooms/$2"
    output=$(bash "$rooms/tests/lint/rooms.sh" 2>&1)
    cp "$2" "$rooms/$2"
    if grep -q "^not ok .*$1" <<<"$output"; then
        ok "rooms notices: $1 ($2)"
    else
        not_ok "rooms notices: $1 ($2)" "$output"
    fi
}
demand_room "those of layers.sh" docs/design.md '/^| .embed/s/.base\/`, //'
demand_room "no circle" tests/lint/layers.sh 's/^base:/base: cli/'
demand_room "is a room" tests/lint/layers.sh '/^embed:/d'
demand_room "every room exists" tests/lint/layers.sh 's/^base:/attic: base\nbase:/'
demand_room "same sentences" README.md '/^- `embed/d'
demand_room "names is there" docs/design.md 's/try_mark()/try_mark_twice()/'

cp -r tests/stress tests/bench "$rooms/tests"
check "mirror is content with a tree that is in order" bash "$rooms/tests/lint/mirror.sh"
# demand_mirror CHECK FILE: with one of the tests renamed to FILE, CHECK of mirror fails.
demand_mirror()
{
    local output
    mkdir -p "$(dirname "$rooms/$2")"
    mv "$rooms/tests/unit/marker/test_mark_rules.c" "$rooms/$2"
    output=$(bash "$rooms/tests/lint/mirror.sh" 2>&1)
    mv "$rooms/$2" "$rooms/tests/unit/marker/test_mark_rules.c"
    check "mirror notices: $1 ($2)" grep -q "^not ok .*$1" <<<"$output"
}
demand_mirror "folders of tests are rooms" tests/unit/attic/test_error.c
demand_mirror "named after their modules" tests/unit/marker/test_planted.c
demand_mirror "exceptions are there" tests/unit/marker/test_mark_serial.c

demand words "plain words in formats/planted" formats/planted/a.c "// Some""body waits."$'\n'
demand words "plain words in formats/planted" formats/planted/a.md "It shows so"" many rows."$'\n'
demand words "plain words in formats/planted" formats/planted/a.c "// Not found; that is"" no error."$'\n'
demand words "plain words in formats/planted" formats/planted/a.sh $'#!/bin/sh\n# What'" is left is copied."$'\n'
demand words "plain words in formats/planted" formats/planted/a.c "// One. What"" are left are two."$'\n'

# Global variables show in objects only.
demand_global()
{
    local name=$1 text=$2 output
    mkdir -p "$copy/build/release/snapshot"
    printf '%s\n' "$text" >"$copy/snapshot/planted.c"
    "${CC:-cc}" -fPIE -c "$copy/snapshot/planted.c" -o "$copy/build/release/snapshot/planted.o"
    output=$(BUILD=build/release bash "$copy/tests/lint/globals.sh" 2>&1)
    rm -f "$copy/snapshot/planted.c"
    if [ "$name" = nothing ]; then
        check "globals is content with constants" grep -q '^ok ' <<<"$output"
    else
        check "globals notices: $name" grep -q '^not ok' <<<"$output"
    fi
}
demand_global "an initialised global" 'int planted = 5;'
demand_global "a zeroed global" 'static int planted; int *f(void) { return &planted; }'
demand_global "a static inside a function" 'int f(void) { static int n; return ++n; }'
demand_global "a thread-local variable" '__thread int planted;'
demand_global nothing 'static const char *const names[] = {"a", "b"}; const int four = 4;
const char *f(int i) { return names[i]; }'

rm -f "$copy/docs/rudo-snap.1"
demand manual "there are man pages" docs/planted.1 $'.TH planted\n'
done_testing
