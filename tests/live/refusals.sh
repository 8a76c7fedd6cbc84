#!/bin/bash
# What cannot be captured is refused with a reason and a way out.
. "$(dirname "$0")/../support/live.sh"

# refuse NAME PID STATUS GLOB: capturing it fails so, and leaves no file.
refuse()
{
    run "$RUDO_SNAP" capture --pid "$2" -o "$WORK/none.zst"
    check_exit "$1 is refused" "$3"
    check_output "$1: the message" stderr "$4"
    [ ! -e "$WORK/none.zst" ] || not_ok "$1: no file is left"
}

# Beyond what the kernel gives out.
refuse "a pid that no process has" 4194399 4 "*no such process*4194399*"

sh -c 'exec "$1" capture --pid $$ -o "$2"' sh "$RUDO_SNAP" "$WORK/none.zst" 2>"$WORK/stderr"
is "itself is refused" "$?" 4
check_output "itself: the message" stderr "*this program itself*"

start_target many_threads sleeping=2
thread=$(for task in "/proc/$TARGET/task"/*; do echo "${task##*/}"; done | grep -vx "$TARGET" |
    head -1)
refuse "a thread" "$thread" 4 "*it is a thread of process $TARGET*--pid $TARGET*"

# A child that has ended, and whose parent, a program that starts none, never asks for it.
start "$WORK/zombie.pid" bash -c 'sleep 0.3 & echo $!; exec sleep 60'
wait_until 5 test -s "$WORK/zombie.pid"
zombie=$(cat "$WORK/zombie.pid")
if wait_until 5 grep -qs 'State:.*Z' "/proc/$zombie/status"; then
    refuse "a zombie" "$zombie" 4 "*has ended already*"
else
    skip "a zombie is refused" "could not make one"
fi

if [ -r /proc/2/status ] && ! grep -q '^VmSize' /proc/2/status; then
    refuse "a kernel thread" 2 4 "*kernel thread*"
else
    skip "a kernel thread is refused" "none is to be seen here"
fi

start "$WORK/tracer.out" "$TARGETS/tracer" "$TARGET"
wait_until 5 grep -q ready "$WORK/tracer.out"
refuse "a process that a debugger holds" "$TARGET" 4 \
    "*process $STARTED traces it already*debugger*pid $STARTED*"
kill -KILL "$STARTED"
wait "$STARTED" 2>/dev/null

# The least of a 32-bit program: pause() again and again. A header of 52 bytes, one segment of
# 32, nine bytes of code: mov eax, 29; int 0x80; jmp back.
printf '%b' '\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0' \
    '\x02\0\x03\0\x01\0\0\0\x54\x80\x04\x08\x34\0\0\0\0\0\0\0\0\0\0\0' \
    '\x34\0\x20\0\x01\0\0\0\0\0\0\0' \
    '\x01\0\0\0\0\0\0\0\0\x80\x04\x08\0\x80\x04\x08' \
    '\x5d\0\0\0\x5d\0\0\0\x05\0\0\0\0\x10\0\0' \
    '\xb8\x1d\0\0\0\xcd\x80\xeb\xf7' >"$WORK/small"
chmod +x "$WORK/small"
start "$WORK/small.out" "$WORK/small"
if wait_until 2 grep -qs "^Name:.*small" "/proc/$STARTED/status"; then
    refuse "a 32-bit program" "$STARTED" 3 "*32-bit program*"
else
    skip "a 32-bit program is refused" "this kernel does not run 32-bit programs"
fi

if [ "$(id -u)" -ne 0 ]; then
    refuse "a process of another user" 1 4 "*cannot trace pid 1*"
elif command -v setpriv >/dev/null; then
    chmod 755 "$WORK"
    mkdir -m 777 "$WORK/public"
    cp "$RUDO_SNAP" "$WORK/public/rudo-snap"
    run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/public/rudo-snap" capture \
        --pid "$TARGET" -o "$WORK/public/none.zst"
    check_exit "a process of another user is refused" 4
    check_output "a process of another user: the message" stderr \
        "*cannot trace pid $TARGET: *belongs to user 'root'*sudo*"
    check "a process of another user: no file is left" test ! -e "$WORK/public/none.zst"
else
    skip "a process of another user is refused" "there is no setpriv"
fi

sleep 60 &
TAP_STARTED+=($!)
refuse "a process without a heap" $! 3 "*pages*"
check_runs "refused processes run on"
done_testing
