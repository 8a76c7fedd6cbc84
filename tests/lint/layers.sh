#!/bin/bash
# The direction between the rooms; tests may look at anything, samples stand alone.
. "$(dirname "$0")/../support/lint.sh"

# Third-party headers and how many files may include them, so that each library has one door.
DOORS='
zstd.h            5
zstd_errors.h     2
cjson/cJSON.h     2
xxhash.h          1
sqlite3.h         3
zlib.h            1
libelf.h          2
gelf.h            2
elf.h             5
elfutils/.*       2
dwarf.h           2
libiberty/.*      1
'
# The only files of the libraries that are about concurrency.
CONCURRENT='
marker/native/shared_memory.h
marker/explore/sim/coroutine.c
snapshot/capture/copy/packed_pager.c
snapshot/capture/copy/packed_pager_internal.h
base/parallel_for.c
snapshot/file/frames/seekable_writer.c
snapshot/heap/heap_pager_internal.h
snapshot/capture/copy/spool_file.c
'
SYSTEM_HEADERS='assert|ctype|dirent|endian|errno|fcntl|fenv|float|inttypes|limits|locale|malloc|math|poll|pwd|grp|sched|setjmp|signal|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd|ucontext|getopt|link|sys/[a-z]+|linux/[a-z0-9_]+|asm/[a-z_]+|immintrin|arm_neon|cpuid|pthread|stdatomic|sanitizer/[a-z_]+'

# What each room may use beside itself. A room that is not listed may not exist.
ARROWS='
base/machine:
base: base/machine
snapshot/heap: base
snapshot/file/frames: base
snapshot/file/sections: base snapshot/heap
snapshot/file: base snapshot/heap snapshot/file/frames snapshot/file/sections
snapshot/file/salvage: base snapshot/heap snapshot/file snapshot/file/frames snapshot/file/sections
embed: base snapshot/heap snapshot/file
snapshot/capture/copy: base base/machine snapshot/heap
snapshot/capture/guard: base snapshot/capture/copy
snapshot/capture/live: base snapshot/heap snapshot/capture/copy snapshot/capture/guard
snapshot/capture/core: base base/machine snapshot/heap snapshot/capture/copy
snapshot/capture/debug: base snapshot/heap
snapshot/capture/names: base base/machine snapshot/heap snapshot/file/sections snapshot/capture/copy snapshot/capture/debug
snapshot/capture/boehm: base snapshot/heap snapshot/capture/copy
snapshot/capture/find: base snapshot/heap snapshot/file snapshot/capture/copy snapshot/capture/names snapshot/capture/boehm
snapshot/capture: base snapshot/heap snapshot/file snapshot/capture/copy snapshot/capture/live snapshot/capture/core snapshot/capture/names snapshot/capture/find
marker/native: base
marker: base base/machine snapshot/heap marker/native
marker/schedule: base snapshot/heap marker marker/native
marker/explore/sim: base snapshot/heap marker
marker/explore: base snapshot/heap snapshot/file marker marker/schedule marker/explore/sim
analysis/names: base snapshot/heap
analysis/graph: base snapshot/heap marker analysis/names
analysis/replay: base snapshot/heap marker marker/schedule analysis/graph
analysis/routes: base snapshot/heap marker analysis/names analysis/graph
analysis: base snapshot/heap marker analysis/names analysis/graph analysis/routes
analysis/check: base snapshot/heap marker analysis analysis/names analysis/graph analysis/routes
formats/json: base snapshot/heap snapshot/file snapshot/file/sections marker marker/schedule analysis analysis/names analysis/graph analysis/routes analysis/check analysis/replay
formats/tables: base snapshot/heap marker analysis analysis/names analysis/graph formats/json
formats/viewers: base snapshot/heap marker analysis/names analysis/graph analysis/routes formats/json
formats/html: base snapshot/heap marker analysis analysis/names analysis/graph analysis/routes formats/json
formats: base snapshot/heap marker marker/schedule marker/explore analysis/check analysis/replay formats/json
cli/memory: base base/machine snapshot/heap snapshot/file
cli: base base/machine snapshot/heap snapshot/file snapshot/capture marker marker/schedule marker/explore analysis analysis/names analysis/graph analysis/routes analysis/check analysis/replay formats formats/json cli/memory
cli/commands/ask: base snapshot/heap analysis analysis/names analysis/graph formats/json formats/tables formats/viewers cli
cli/commands/check: base snapshot/heap snapshot/file marker analysis analysis/names analysis/graph analysis/routes analysis/check formats formats/json cli
cli/commands/replay: base snapshot/heap snapshot/file marker marker/schedule analysis/graph analysis/replay formats formats/json cli
cli/commands: base snapshot/heap snapshot/file snapshot/file/salvage snapshot/capture snapshot/capture/live marker marker/schedule marker/explore analysis analysis/names analysis/graph analysis/routes analysis/check analysis/replay formats formats/json formats/html cli
'

# "file:line: what it includes" for each include that ARROWS does not allow.
wrong_arrows()
{
    c_files "${ROOMS[@]}" | grep_in_files '^ *# *include *"[^"]*/[^"/]*"' |
        awk -v arrows="$ARROWS" '
            BEGIN {
                count = split(arrows, lines, "\n")
                for (i = 1; i <= count; i++) {
                    split(lines[i], halves, ": *")
                    known[halves[1]] = 1
                    words = split(halves[2], rooms, " ")
                    for (j = 1; j <= words; j++)
                        may[halves[1], rooms[j]] = 1
                }
            }
            {
                file = $0; sub(/:.*/, "", file); from = file; sub(/\/[^\/]*$/, "", from)
                to = $0; sub(/^[^"]*"/, "", to); sub(/".*/, "", to); sub(/\/[^\/]*$/, "", to)
                if (from != to && !((from, to) in may))
                    print
            }'
}
none "rooms include only what is further down" "$(wrong_arrows)"

too_full()
{
    c_files "${ROOMS[@]}" | sed 's|/[^/]*$||' | sort | uniq -c |
        awk '$1 > 45 { print $2 " holds " $1 " files; find the second room in it" }'
}
none "no room holds more than 45 files" "$(too_full)"

# One header is found by include path on purpose: the deterministic build has its own.
none "includes are written from the root" \
    "$(c_files "${ROOMS[@]}" tests | grep_in_files '^ *# *include *"' |
        grep -vE '#[ ]*include *"(shared_memory\.h"|(base|snapshot|embed|marker|analysis|formats|cli|samples|tests)/)')"

strangers_to_internal()
{
    local line file header
    c_files "${ROOMS[@]}" | grep_in_files '^ *# *include *".*_internal\.h"' |
        while IFS= read -r line; do
            file=${line%%:*}
            header=${line#*\"}
            header=${header%%\"*}
            [ "$(dirname "$file")" = "$(dirname "$header")" ] || printf '%s\n' "$line"
        done
}
none "private *_internal.h headers stay in their folder" "$(strangers_to_internal)"

library_includes=$(c_files "${ROOMS[@]}" | grep_in_files '^ *# *include *<')

too_many_doors()
{
    local header most files
    while read -r header most; do
        [ -n "$header" ] || continue
        files=$(printf '%s\n' "$library_includes" | grep -E "<$header>" | cut -d: -f1 | sort -u)
        if [ -n "$files" ] && [ "$(printf '%s\n' "$files" | wc -l)" -gt "$most" ]; then
            echo "<$header> enters through more than $most files:" "$files"
        fi
    done <<<"$DOORS"
}
none "third-party headers each enter through their door" "$(too_many_doors)"

known_headers()
{
    local doors
    doors=$(awk 'NF { printf "|%s", $1 }' <<<"$DOORS")
    echo "<(($SYSTEM_HEADERS)\\.h${doors})>"
}
none "every other header belongs to the system" \
    "$(printf '%s\n' "$library_includes" | grep . | grep -vE "$(known_headers)")"

none "pthread.h and stdatomic.h only in files that are about concurrency" \
    "$(printf '%s\n' "$library_includes" | grep -E '<(pthread|stdatomic|threads)\.h>' |
        grep -vFf <(awk 'NF { print $1 ":" }' <<<"$CONCURRENT"))"

# Comments and strings may speak of these; calls may not be made.
code_of_libraries()
{
    local file
    c_files "${LIBRARIES[@]}" | while read -r file; do
        sed -E 's|//.*||; s|"([^"\\]\|\\.)*"|""|g' "$file" | awk -v file="$file" '{ print file ":" NR ":" $0 }'
    done
}
code=$(code_of_libraries)
none "libraries never print" \
    "$(grep -E '[^a-z_](printf|puts|putchar|perror|vprintf|warnx?|psignal)\(|[^a-z_](stdout|stderr)[^a-z_]' <<<"$code")"
# A process that a library has forked for itself has nowhere to return to.
none "libraries never exit" \
    "$(grep -E '[^a-z_](exit|_exit|_Exit|quick_exit|abort|errx?)\(' <<<"$code" |
        grep -vE '^embed/rudo_snap\.c:[0-9]+: *_exit\(0\);' |
        grep -vE '^snapshot/capture/guard/guard_process\.c:[0-9]+: *_exit\(0\);')"
none "libraries install no signal handlers" \
    "$(grep -E '[^a-z_](signal|sigaction|atexit)\(' <<<"$code" |
        grep -vE '^embed/rudo_snap\.c:[0-9]+: *\(void\)signal\(number, SIG_DFL\);' |
        grep -vE '^snapshot/capture/names/guarded_opens\.c:[0-9]+: .*sigaction\(SIGSYS, ')"
done_testing
