#!/bin/sh
# The whole way once: install, build, start a program that leaks, capture its heap while it runs,
# mark it with 16 workers, and find the leak. `make demo` runs this.
#
#   samples/demo.sh [service | leaky]   the program; by default the service on the real rudo-gc, or,
#                                       where cargo cannot build that, leaky, which is C
#
# Ends with 0 only when the leak that was found is the one that the program planted. Everything that
# it makes is in build/demo/. The program that it starts ends with it, however it ends.
set -eu
cd "$(dirname "$0")/.."

# An outer make must not decide what is built here.
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT
make=${MAKE:-make}
rudo_snap=build/release/rudo-snap
results=build/demo
heap=$results/heap.zst
truth=$results/truth.json
sample_pid=

end_sample() {
    [ -n "$sample_pid" ] || return 0
    kill "$sample_pid" 2>/dev/null || :
    wait "$sample_pid" 2>/dev/null || :
    sample_pid=
}
trap end_sample EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

heading() {
    printf '\n== %s\n' "$1"
}

fail() {
    echo "demo: $1" >&2
    exit 1
}

# Shows a command, then runs it.
show() {
    printf '$ %s\n' "$*"
    "$@"
}

# begin_of LINES FILE: the first LINES lines.
begin_of() {
    head -n "$1" "$2"
    [ "$(wc -l <"$2")" -le "$1" ] || echo "..."
}

# json FILE KEY: the first value of that name, a number or a word.
json() {
    sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$1" | head -n 1
}

# Sets $sample, the command that starts the program.
choose_sample() {
    sample="build/release/samples/leaky --seconds 600"
    if [ "${1-}" != leaky ]; then
        status=0
        reason=$(samples/rudo-gc/build.sh build/samples-rust) || status=$?
        if [ "$status" -eq 0 ]; then
            sample="build/samples-rust/release/service --forgotten 10000 --seconds 600"
        elif [ "${1-}" = service ]; then
            fail "the service cannot be built: ${reason:-see above}"
        else
            echo "the service on rudo-gc is not built (${reason:-see above}); a program in C instead"
        fi
    fi
    echo "$sample"
}

# Starts $sample and waits until it has told the truth about its heap.
start_sample() {
    : >"$truth"
    mkfifo "$results/input"
    # The input stays open and empty: leaky ends with its input.
    exec 3<>"$results/input"
    # shellcheck disable=SC2086  # a command and its options
    $sample >"$truth" <&3 3<&- &
    sample_pid=$!
    tries=0
    until grep -q '}' "$truth"; do
        if ! kill -0 "$sample_pid" 2>/dev/null || [ "$tries" -ge 600 ]; then
            fail "the program did not get ready"
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
}

heading "install what is missing"
./install-dependencies.sh build
echo "everything is there"

heading "build"
mkdir -p build
"$make" -s -j"$(nproc 2>/dev/null || echo 1)" all >build/demo-build.log 2>&1 || {
    tail -n 40 build/demo-build.log >&2
    fail "it does not build"
}
echo "$rudo_snap"

heading "a program that leaks"
rm -rf "$results"
mkdir -p "$results"
choose_sample "$@"
start_sample
echo "it runs as pid $sample_pid and says of itself:"
cat "$truth"

heading "capture its heap while it runs"
show "$rudo_snap" capture --pid "$sample_pid" -o "$heap"
kill -0 "$sample_pid"
echo "(pid $sample_pid still runs)"

heading "what is reachable? marked with 16 workers"
show "$rudo_snap" mark --workers 16 "$heap" --json "$results/reach.json" >"$results/mark.txt"
begin_of 7 "$results/mark.txt"
grep '^digest' "$results/mark.txt"

heading "the same for programs: $results/reach.json"
begin_of 12 "$results/reach.json"

heading "what the program knew, and what was found"
for pair in allocated:objects+zombies zombies:zombies reachable:reachable_objects \
    garbage:unreachable_objects; do
    key=${pair#*:}
    if [ "$key" = objects+zombies ]; then
        found=$(($(json "$results/reach.json" objects) + $(json "$results/reach.json" zombies)))
    else
        found=$(json "$results/reach.json" "$key")
    fi
    printf '%-10s %9s   found %9s   %s\n' "${pair%%:*}" "$(json "$truth" "${pair%%:*}")" \
        "$found" "$key"
done

type=$(json "$truth" leaking_type)
holder=$(json "$truth" held_by)
leaked=$(json "$truth" leaked)

heading "find the leak: the verdict names it first"
"$rudo_snap" report "$heap" --json "$results/report.json" >"$results/report.txt"
echo "\$ $rudo_snap report $heap"
begin_of 14 "$results/report.txt"
sed -n '/"suspects"/,$p' "$results/report.json" >"$results/suspects.json"
sed -n '/"owner"/,$p' "$results/suspects.json" >"$results/owner.json"
found_type=$(json "$results/suspects.json" type)
found_holder=$(json "$results/owner.json" type)
found=$(json "$results/suspects.json" objects)

heading "what keeps these objects alive"
show "$rudo_snap" path "$heap" "$found_type" | tee "$results/path.txt"

heading "is it the leak that the program planted?"
printf '%-7s %7s x %s, held by %s\n' planted "$leaked" "$type" "$holder" \
    found "$found" "$found_type" "$found_holder"
[ "$found_type" = "$type" ] || fail "the report names another type first"
[ "$found_holder" = "$holder" ] || fail "the report names another holder"
# Stale words elsewhere may hold some of them, too.
if [ "$found" -gt "$leaked" ] || [ "$((found * 10))" -lt "$((leaked * 9))" ]; then
    fail "the report counts other objects"
fi
grep -qF "$holder" "$results/path.txt" || fail "the path does not lead through the holder"
echo "yes"

heading "try next"
# The question first: commands are of all lengths.
try() {
    printf '%-38s  %s\n' "$2" "$1"
}
try "$rudo_snap report $heap" "the whole report"
try "$rudo_snap what-if $heap --cut $holder" "what would be freed without the holder"
try "$rudo_snap info $heap" "the contents of the file"
try "$rudo_snap mark -q --objects - $heap | head" "one line for each object"
