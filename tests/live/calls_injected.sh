#!/bin/bash
# Threads that are made to call for us do not notice: not in their sleep, not by their signals, not
# when their process is stopped and continued; and who runs under seccomp is left alone, or calls
# without it.
. "$(dirname "$0")/../support/live.sh"

rounds=$((10 * DOSE))

# inject [WRAPPER...]: leaves what it counted in $counted, and the reason of what failed in $reason.
inject()
{
    run "$@" "$TARGETS/call_injector" "$TARGET" "$rounds"
    case $(cat "$WORK/stdout") in
    skipped:*)
        skip "calls injected" "$(cut -d' ' -f2- "$WORK/stdout")"
        end_target
        done_testing
        exit
        ;;
    esac
    counted=$(tail -1 "$WORK/stdout")
    reason=${counted##* first }
    note "$counted"
}

# field NAME: its number in $counted
field()
{
    sed -n "s/.*\b$1 \([0-9]*\).*/\1/p" <<<"${counted%% first *}"
}

start_target sleeping_calls
inject
is "calls in sleeping threads return what they should" \
    "wrong $(field wrong) refused $(field refused) failed $(field failed) $reason" \
    "wrong 0 refused 0 failed 0 "
is "each round opens a userfaultfd" "$(field userfaults)" "$rounds"
check_runs "the target runs on"
is "no descriptor is left in it" \
    "$(find "/proc/$TARGET/fd" -lname '*userfaultfd*' 2>/dev/null | wc -l)" 0
end_target
is "no thread sees an EINTR without a signal" \
    "$(grep -vE '^(ready|handler|handled)|skipped:| eintr 0 other 0$' "$WORK/target.out")" ""

start_target signal_storm
rounds=$((100 * DOSE))
inject
is "calls in a storm of queued signals return what they should" \
    "wrong $(field wrong) failed $(field failed)" "wrong 0 failed 0"
check_runs "the target runs on"
end_target
read -r _ sent _ received _ missing _ duplicates _ foreign < <(tail -1 "$WORK/target.out")
is "of $sent signals none is lost" \
    "missing $missing duplicates $duplicates foreign $foreign left $((sent - received))" \
    "missing 0 duplicates 0 foreign 0 left 0"
check "many signals were sent" test "$sent" -gt 500
rounds=$((20 * DOSE))

start_target many_threads sleeping=8
while kill -STOP "$TARGET" 2>/dev/null; do
    sleep 0.002
    kill -CONT "$TARGET" 2>/dev/null
    sleep 0.002
done &
nuisance=$!
inject
kill "$nuisance"
wait "$nuisance" 2>/dev/null
kill -CONT "$TARGET"
is "calls in a process that is stopped and continued all the time" \
    "wrong $(field wrong) refused $(field refused) failed $(field failed) $reason" \
    "wrong 0 refused 0 failed 0 "
check_runs "the target runs on"
kill -STOP "$TARGET"
inject
is "calls in a stopped process" "wrong $(field wrong) refused $(field refused) $reason" \
    "wrong 0 refused 0 "
is_stopped()
{
    ! grep -h '^State:' "/proc/$TARGET/task"/*/status | grep -qv 'T (stopped)'
}
check "it stays stopped" wait_until 5 is_stopped
kill -CONT "$TARGET"
check_runs "SIGCONT wakes it"
end_target

for mode in "" strict; do
    start_target sandboxed $mode
    wait_until 5 grep -q closed "$WORK/target.out" || bail "the target is not closed in"
    # Without the right to suspend seccomp, nothing is tried.
    if [ "$(id -u)" -eq 0 ]; then
        inject setpriv --bounding-set=-sys_admin
    else
        inject
    fi
    is "seccomp${mode:+, $mode}: calls that may kill are not tried" \
        "$(grep -o 'runs under seccomp' <<<"$reason")" "runs under seccomp"
    check_runs "it runs on"
    if [ "$(id -u)" -eq 0 ] &&
        [ "$(sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status)" = 0 ]; then
        inject
        # In a container without CAP_SYS_ADMIN it is refused as above.
        if [ "$(field refused)" -gt 0 ]; then
            is "who may not suspend it says so" "$(grep -o 'runs under seccomp' <<<"$reason")" \
                "runs under seccomp"
        else
            is "with seccomp suspended, calls return what they should" \
                "wrong $(field wrong) failed $(field failed) userfaults $(field userfaults)" \
                "wrong 0 failed 0 userfaults $rounds"
        fi
        check_runs "it runs on"
    else
        skip "with seccomp suspended" "not root, or under seccomp here"
    fi
    end_target
done
done_testing
