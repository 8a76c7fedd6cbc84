#!/bin/bash
# timeout: 3000
# Programs on the Boehm collector, stopped after a collection that a signal asks for: what rudo-snap marks is what
# the collector marked, but for at most 10 objects (held by stale words of stacks, or by records of
# weak links that were just removed), each of which is listed.
#
#   tests/versions/boehm_marks.sh           prints TAP; `make boehm-marks` runs it
#   BOEHM_PROGRAMS="guile w3m" ...          some of: c, guile, ecl, w3m, nix, crystal
. "$(dirname "$0")/../support/live.sh"

sources=$ROOT/tests/versions/boehm
pkg-config --exists bdw-gc 2>/dev/null || skip_all "the Boehm collector is not installed (libgc-dev)"
gc_flags=$(pkg-config --cflags bdw-gc)
# shellcheck disable=SC2086  # words on purpose
cc -O2 -shared -fPIC -Wl,-z,lazy $gc_flags -I"$(pkg-config --variable=includedir bdw-gc)/gc" "$sources/collected_marks.c" -o "$WORK/collected.so" ||
    bail "the library that writes the collector's marks does not build"

# start_program PROGRAM...: its input is $INPUT, and stays open. Waits until it says "ready", or, if it has
# some input, until it has read that. Leaves $TARGET.
start_program()
{
    rm -f "$WORK/out"
    # shellcheck disable=SC2016  # expanded by the other shell
    start "$WORK/out" bash -c 'LD_PRELOAD=$0 exec "$@" < <(cat "$INPUT"; exec sleep 3000)' \
        "$WORK/collected.so" "$@"
    TARGET=$STARTED
    if [ "$INPUT" = /dev/null ]; then
        wait_until 120 grep -qa ready "$WORK/out"
    else
        wait_until 120 is_reading
    fi
}

# Three times in a row it waits in read(), with nothing to read.
is_reading()
{
    for _ in 1 2 3; do
        grep -q '^0 ' "/proc/$TARGET/syscall" || return
        sleep 0.3
    done
}

# collect PID: the collector's marks go to $WORK/collected; the process stays stopped.
collect()
{
    rm -f "$WORK/collected"
    kill -s RTMAX-5 "$1" && wait_until 60 grep -q '^State:[[:space:]]*T' "/proc/$1/status" &&
        [ -s "$WORK/collected" ]
}

# compare NAME
compare()
{
    check "$1: it collects" collect "$TARGET"
    [ -s "$WORK/collected" ] || return
    run "$RUDO_SNAP" capture --pid "$TARGET" -f -o "$WORK/heap.zst"
    check_exit "$1: captured" 0
    "$RUDO_SNAP" mark -q --objects "$WORK/objects" --json "$WORK/mark.json" "$WORK/heap.zst"
    python3 "$sources/compare_marks.py" "$WORK/collected" "$WORK/objects" "$WORK/mark.json" >"$WORK/compared"
    grep '^#' "$WORK/compared" | while read -r _ line; do note "$1: $line"; done
    is "$1: as the collector" "$(grep -v '^#' "$WORK/compared")" \
        "missing at most 10, extra 0, bytes in use equal"
    kill -CONT "$TARGET"
    kill -KILL "$TARGET"
    wait "$TARGET" 2>/dev/null
}

# a_program NAME PACKAGE PROGRAM...: if the package is there.
a_program()
{
    case " ${BOEHM_PROGRAMS:-c guile ecl w3m nix crystal} " in *" $1 "*) ;; *) return ;; esac
    if ! command -v "${2%%:*}" >/dev/null; then
        skip "$1" "${2#*:} is not installed"
        return
    fi
    start_program "${@:3}"
    is "$1: it gets ready" "$?" 0
    is_started "$TARGET" || return
    sleep 0.5
    compare "$1"
}

export INPUT=/dev/null COLLECTED_MARKS=$WORK/collected
# shellcheck disable=SC2086  # words on purpose
cc -g -O1 $gc_flags samples/boehm/boehm.c -o "$WORK/boehm" -lgc -lpthread || bail "the sample does not build"
a_program c cc:gcc "$WORK/boehm"
a_program guile guile:guile-3.0 guile --no-auto-compile samples/boehm/memo.scm 20000
a_program ecl ecl:ecl ecl -norc -shell "$sources/orders.lisp"
for i in {1..20000}; do
    echo "<p>paragraph $i <b>with</b> <a href='#$i'>a link</a></p>"
done >"$WORK/page.html"
INPUT=$WORK/page.html a_program w3m w3m:w3m w3m -T text/html -dump
a_program nix nix:nix-bin nix --extra-experimental-features nix-command eval --impure --expr \
    'let xs = builtins.genList (i: { a = i; b = toString i; c = [ i (i + 1) ]; }) 100000; in builtins.trace (if builtins.foldl'"'"' (n: x: n + builtins.length x.c) 0 xs > 0 then "ready" else "no") (builtins.readFile "/dev/stdin" + builtins.toJSON xs)'
if command -v crystal >/dev/null && [[ " ${BOEHM_PROGRAMS:-crystal} " = *" crystal "* ]]; then
    CRYSTAL_CACHE_DIR=$WORK/crystal crystal build "$sources/orders.cr" -o "$WORK/orders" 2>"$WORK/crystal.log" ||
        note "crystal: $(tail -3 "$WORK/crystal.log")"
fi
a_program crystal crystal:crystal "$WORK/orders"
done_testing
