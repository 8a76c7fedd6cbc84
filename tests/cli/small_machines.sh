#!/bin/bash
# Where the system grants little: threads refused by a limit on processes, a part of a CPU, a locale
# without UTF-8. Results are the same; nothing fails.
. "$(dirname "$0")/../support/tap.sh"

mkdir "$WORK/there" && chmod 755 "$WORK" && chmod 777 "$WORK/there"
cp "$RUDO_SNAP" "$WORK/rudo-snap"
cp samples/heaps/{leaky,growing-1,growing-2,c-heap}.zst "$WORK/there"
head -c $(($(stat -c %s samples/heaps/leaky.zst) * 9 / 10)) samples/heaps/leaky.zst >"$WORK/there/cut.zst"
chmod 755 "$WORK/rudo-snap" && chmod 644 "$WORK/there"/*
cd "$WORK/there" || exit 1

# A user without other processes. (Root has no such limit, and a user's other processes count.)
limited() { setpriv --reuid 54321 --regid 54321 --clear-groups prlimit --nproc="$1" "${@:2}"; }
if [ "$(id -u)" -ne 0 ] || ! limited 4 "$WORK/rudo-snap" version >/dev/null 2>&1; then
    skip "limits on processes" "this user cannot take another user's place"
elif [ "${BUILD##*/}" = sanitize ]; then
    skip "limits on processes" "the sanitizers start threads of their own"
else
    for processes in 4 1; do
        for command in "mark -w 16 --objects objects leaky.zst" "mark -w 16 --policy owner leaky.zst" \
            "report growing-1.zst growing-2.zst" "path leaky.zst 0x600000000640" "show leaky.zst 0x600000000640" \
            "retained --by type --prove 5 leaky.zst" "what-if --cut stack leaky.zst" \
            "diff growing-1.zst growing-2.zst" "simulate --workers 1,4 leaky.zst" \
            "replay --seeds 1..1 leaky.zst"; do
            rm -f json limited.json
            # shellcheck disable=SC2086  # a command with its options
            "$WORK/rudo-snap" $command -q --json json
            # shellcheck disable=SC2086
            run limited $processes "$WORK/rudo-snap" $command -q --json limited.json
            check_exit "$processes processes: $command" 0
            check "$processes processes: $command: the same result" cmp json limited.json
        done
        run limited $processes "$WORK/rudo-snap" verify leaky.zst
        check_exit "$processes processes: verify" 0
        run limited $processes "$WORK/rudo-snap" verify --salvage -f -o saved.zst cut.zst
        check_exit "$processes processes: salvage" 0
        run limited $processes "$WORK/rudo-snap" mark -w 16 leaky.zst
        check_output "$processes processes: fewer workers are noted" stdout \
            "*note: marked by $processes of 16 workers: the system refused further threads*"
        run limited $processes "$WORK/rudo-snap" simulate --calibrate leaky.zst
        check_exit "$processes processes: the costs of this machine" 0
    done
    check_output "which two threads have, are not measured with one" stdout "*the system refused a second thread*"
    for processes in 2 1; do
        run limited $processes "$WORK/rudo-snap" replay --jobs 16 --seeds 1..1 .
        check_output "$processes processes for a replay: all heaps" stdout "*ok              5
*FAILED          1*cut.zst*"
    done
    run limited 1 "$WORK/rudo-snap" explore -n 20
    check_exit "one process: explore" 0
    run limited 1 "$WORK/rudo-snap" replay --seeds 1..1 leaky.zst
    check_output "a replay notes it, too" stdout "*note: the system refused up to 15 of the threads of a mark*"
fi

# Half a CPU.
workers_of() { "$@" mark --stats --json - leaky.zst | sed -n 's/.*"worker_count": \([0-9]*\).*/\1/p'; }
in_group() { bash -c 'echo $BASHPID >"$1/cgroup.procs" && exec "${@:2}"' - "$@"; }
old=/sys/fs/cgroup/cpu$(sed -nE 's/^[0-9]*:([^:]*,)?cpu(,[^:]*)?://p' /proc/self/cgroup)/rudo-snap-test.$$
new=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/rudo-snap-test.$$
if mkdir "$old" 2>/dev/null && echo 50000 2>/dev/null >"$old/cpu.cfs_quota_us"; then
    is "half a CPU is one worker" "$(workers_of in_group "$old" "$WORK/rudo-snap")" 1
elif mkdir "$new" 2>/dev/null && echo "50000 100000" 2>/dev/null >"$new/cpu.max"; then
    is "half a CPU is one worker" "$(workers_of in_group "$new" "$WORK/rudo-snap")" 1
else
    skip "half a CPU is one worker" "no control group can be made here"
fi
rmdir "$old" "$new" 2>/dev/null

# Locales: the variables in the order in which setlocale() looks at them.
trees() { env -u LC_ALL -u LC_CTYPE -u LANG "$@" "$WORK/rudo-snap" report leaky.zst; }
beyond_ascii() { LC_ALL=C grep -c $'[\x80-\xff]'; }
for locale in LC_ALL=C LC_ALL=POSIX LC_ALL=de_DE.ISO-8859-1 LANG=C "LC_CTYPE=C LANG=de_DE.UTF-8" NOTHING=; do
    # shellcheck disable=SC2086  # several variables
    is "$locale: nothing but ASCII" "$(trees $locale | beyond_ascii)" 0
done
for locale in LC_ALL=C.UTF-8 LANG=en_US.utf8 "LC_CTYPE=C.UTF-8 LANG=C"; do
    # shellcheck disable=SC2086
    [ "$(trees $locale | beyond_ascii)" -gt 0 ]
    is "$locale: branches of trees" $? 0
done
for command in "mark" "report --full" "retained" "simulate" "info" "verify" "what-if --cut stack" \
    "diff growing-1.zst" "replay --seeds 1..1"; do
    # shellcheck disable=SC2086
    is "$command: nothing but ASCII" "$(LC_ALL=C "$WORK/rudo-snap" $command growing-2.zst 2>&1 | beyond_ascii)" 0
done
for command in $("$WORK/rudo-snap" help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p') glossary; do
    is "help $command: nothing but ASCII" "$(LC_ALL=C "$WORK/rudo-snap" help "$command" | beyond_ascii)" 0
done

is "one file decides about it" \
    "$(cd "$ROOT" && LC_ALL=C.UTF-8 grep -rlP '\\u[0-9a-fA-F]{4}|^[^/]*"[^"]*[^\x00-\x7F]' --include='*.c' cli | tr '\n' ' ')" "cli/terminal.c "

# What a language does not have is not spoken of.
run "$WORK/rudo-snap" mark --json - c-heap.zst
is "a heap of C holds no None" "$(grep -c "stale words" "$WORK/stdout")" 0
run "$WORK/rudo-snap" mark --json - growing-1.zst
is "one of Rust may" "$(grep -c "stale words of None" "$WORK/stdout")" 1
is "nor do the notes speak of it" "$("$WORK/rudo-snap" report --full c-heap.zst | grep -c "stale words")" 0
done_testing
