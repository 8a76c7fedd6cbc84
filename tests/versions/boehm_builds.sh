#!/bin/bash
# timeout: 3000
# Programs with a Boehm collector of several versions, linked statically and stripped, and one with that of the
# system, stopped at random moments while four threads allocate: no capture is wrong.
#
#   tests/versions/boehm_builds.sh          prints TAP; `make boehm-builds` runs it
#   BOEHM_SOURCES=REPOSITORY ...            a clone of the collector's repository (else fetched from GitHub)
#   BOEHM_STOPS=10 ...                      moments for each build (default: 250)
. "$(dirname "$0")/../support/live.sh"

sources=$ROOT/tests/versions/boehm
builds=$ROOT/build/boehm-builds
repository=${BOEHM_SOURCES:-$builds/bdwgc.git}
stops=${BOEHM_STOPS:-250}
mkdir -p "$builds"
# As Debian configures it.
options="-DGC_THREADS -D_REENTRANT -DTHREAD_LOCAL_ALLOC -DPARALLEL_MARK -DENABLE_DISCLAIM -DGC_GCJ_SUPPORT
    -DJAVA_FINALIZATION -DGC_ATOMIC_UNCOLLECTABLE -DALL_INTERIOR_POINTERS
    -DNO_EXECUTE_PERMISSION -DUSE_MMAP -DUSE_MUNMAP"

# fetch_sources: the repository with all its tags.
fetch_sources()
{
    [ -d "$repository" ] || timeout 300 git clone -q --bare https://github.com/ivmai/bdwgc "$repository"
}

# build TAG: $builds/TAG is the program, static and without symbols.
build()
{
    local tree=$builds/source-$1
    [ ! -x "$builds/$1" ] || return 0
    mkdir -p "$tree/include/gc" && git -C "$repository" archive "$1" | tar -x -C "$tree" &&
        cp "$tree"/include/*.h "$tree/include/gc/" || return
    # shellcheck disable=SC2086  # words on purpose
    cc -O2 -w -static -I"$tree/include" $options "$sources/busy.c" "$tree/extra/gc.c" -lpthread -ldl \
        -o "$builds/$1.new" && strip "$builds/$1.new" && mv "$builds/$1.new" "$builds/$1" && rm -rf "$tree"
}

# stop_often NAME PROGRAM
stop_often()
{
    start "$WORK/out" "$2" 4
    TARGET=$STARTED
    wait_until 20 grep -q '^ring' "$WORK/out"
    is "$1: it runs" "$?" 0
    read -r _ ring entries <"$WORK/out"
    draw 1000000
    python3 "$sources/stop_at_random.py" "$RUDO_SNAP" "$TARGET" "$ring" "$entries" "$stops" "$DRAWN" "$WORK" \
        >"$WORK/stops" 2>&1
    grep '^#' "$WORK/stops" | while read -r _ line; do note "$1: $line"; done
    is "$1: $stops stops" "$(grep -v '^#' "$WORK/stops")" "0 wrong, refused rarely"
    kill -KILL "$TARGET"
    wait "$TARGET" 2>/dev/null
}

if pkg-config --exists bdw-gc; then
    # shellcheck disable=SC2046  # words on purpose
    cc -O2 $(pkg-config --cflags bdw-gc) "$sources/busy.c" -o "$WORK/busy" -lgc -lpthread || bail "busy.c does not build"
    stop_often "the system's" "$WORK/busy"
else
    skip "the system's" "the Boehm collector is not installed (libgc-dev)"
fi
if ! fetch_sources; then
    skip "static builds" "https://github.com/ivmai/bdwgc is not reachable, and BOEHM_SOURCES names no clone"
else
    for tag in ${BOEHM_TAGS:-gc7_2g v7.4.28 v7.6.22 v8.0.14 v8.2.8}; do
        if build "$tag" 2>"$WORK/build.log"; then
            stop_often "$tag" "$builds/$tag"
        else
            skip "$tag" "it does not build here: $(grep -m1 error "$WORK/build.log")"
        fi
    done
fi
done_testing
