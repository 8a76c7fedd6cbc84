#!/bin/bash
# Code of another word size is refused, whichever way it was to be captured, and runs on.
. "$(dirname "$0")/../support/live.sh"

# check_refused NAME METHOD GLOB: that says why, with status 3, and leaves nothing behind.
check_refused()
{
    local name="$1, $2"
    rm -f "$WORK/heap.zst"
    capture_by "$2"
    check_exit "$name: it cannot be read" 3
    check_output "$name: the message" stderr "rudo-snap: cannot capture pid $TARGET: $3"
    check "$name: no file is left" test ! -e "$WORK/heap.zst"
    check_runs "$name: it runs on"
    is "$name: nothing is left in it" "$(target_leftovers)" ""
}

# check_ends NAME STATUS: of the target, when it is told to.
check_ends()
{
    kill -TERM "$TARGET"
    wait "$TARGET"
    is "$1" "$?" "$2"
}

# start_small COMMAND...: a program that was made here.
start_small()
{
    rm -f "$WORK/heartbeat"
    start "$WORK/target.out" "$@"
    TARGET=$STARTED
    wait_until 5 grep -q '^ready' "$WORK/target.out"
}

check_small_programs()
{
    local method
    for method in auto $(capture_methods); do
        check_refused "a 32-bit program" "$method" "it is a 32-bit program, *"
    done
    rm "$WORK/small_program"
    check_refused "a 32-bit program whose file has gone" auto "it is a 32-bit program, *"
    check_ends "a 32-bit program: nothing went wrong in it" $((128 + 15))
    cp "$WORK/copy" "$WORK/small_program"
    start_small "$WORK/small_program" "$WORK/heartbeat" ended || bail "it does not run twice"
    for method in auto $(capture_methods); do
        check_refused "a 32-bit program whose first thread has ended" "$method" \
            "it is a 32-bit program, *"
    done
    check_ends "a 32-bit program whose first thread has ended: nothing went wrong in it" \
        $((128 + 15))
    run "$RUDO_SNAP" capture --at-exit -o "$WORK/heap.zst" -- "$WORK/small_program"
    check_exit "a 32-bit program at its end: it cannot be read" 3
    check_output "a 32-bit program at its end: the message" stderr "*it runs 32-bit code, *"
    check "a 32-bit program at its end: no file is left" test ! -e "$WORK/heap.zst"
}

if [ "$(uname -m)" != x86_64 ]; then
    skip "a 32-bit program" "the machine is not x86-64"
elif ! as --32 -o "$WORK/small_program.o" tests/live/targets/small_program.s 2>"$WORK/as.err" ||
    ! ld -m elf_i386 -o "$WORK/small_program" "$WORK/small_program.o" 2>>"$WORK/as.err"; then
    skip "a 32-bit program" "it cannot be made: $(head -1 "$WORK/as.err")"
elif ! cp "$WORK/small_program" "$WORK/copy" ||
    ! start_small "$WORK/small_program" "$WORK/heartbeat"; then
    skip "a 32-bit program" "this kernel does not run any: $(head -1 "$WORK/target.out")"
else
    check_small_programs
fi

start_target mixes_word_sizes
reason=$(sed -n 's/^skipped: //p' "$WORK/target.out")
if [ -n "$reason" ]; then
    skip "a thread that runs 32-bit code" "$reason"
else
    for method in auto $(capture_methods); do
        check_refused "a thread that runs 32-bit code" "$method" "*runs 32-bit code, *"
    done
    check_ends "a thread that runs 32-bit code: it counts on" 0
fi
done_testing
