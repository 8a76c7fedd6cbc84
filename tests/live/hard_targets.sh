#!/bin/bash
# Processes that are hard to capture, by every method: each capture gets the whole heap or says why
# not, and the process goes on with what it does. See targets/hard_to_capture.c.
# timeout: 1800
. "$(dirname "$0")/../support/live.sh"

heap_pages()
{
    "$RUDO_SNAP" info --json "$WORK/heap.zst" | sed -n 's/^ *"page_bytes": \([0-9]*\),$/\1/p' |
        { read -r bytes && echo $((bytes / 4096)); }
}

# check_hard METHOD WHAT ROUNDS [NUMBER]
check_hard()
{
    local name="$1, $2" failed="" i pages reason
    start_target hard_to_capture "${@:2:1}" "${@:4}"
    pages=$(sed -n 's/^pages //p' "$WORK/target.out")
    reason=$(sed -n 's/^skipped: //p' "$WORK/target.out")
    if [ -n "$reason" ]; then
        skip "$name" "$reason"
        return
    fi
    for ((i = 0; i < $3; i++)); do
        capture_by "$1"
        if [ "$STATUS" -ne 0 ]; then
            failed+="capture $i: status $STATUS: $(head -1 "$WORK/stderr")"$'\n'
        elif [ "$(heap_pages)" != "$pages" ]; then
            failed+="capture $i: $(heap_pages) of $pages pages"$'\n'
        fi
    done
    is "$name: all of the heap in each of $3 captures" "$failed" ""
    check_runs "$name: it runs on"
    end_target
    note "$name: $(tail -1 "$WORK/target.out")"
    is "$name: nothing went wrong in it" \
        "$(sed -n 's/^done [0-9]* //p' "$WORK/target.out")" "wrong 0"
}

# A process that executes itself is another one then: it is captured, or the reason is said.
check_execs()
{
    local surprises="" i before
    start_target hard_to_capture execs
    for ((i = 0; i < 4 * DOSE; i++)); do
        rm -f "$WORK/heap.zst"
        capture_by "$1"
        case $STATUS in
        0) "$RUDO_SNAP" verify "$WORK/heap.zst" >/dev/null || surprises+="$i: damaged"$'\n' ;;
        3 | 4)
            [ ! -e "$WORK/heap.zst" ] || surprises+="$i: status $STATUS with a file"$'\n'
            grep -q "$TARGET\|pages" "$WORK/stderr" ||
                surprises+="$i: $(head -1 "$WORK/stderr")"$'\n'
            ;;
        *) surprises+="$i: status $STATUS: $(head -1 "$WORK/stderr")"$'\n' ;;
        esac
    done
    is "$1, a process that executes itself: captured, or the reason is said" "$surprises" ""
    before=$(grep -c ready "$WORK/target.out")
    check "$1, a process that executes itself: it goes on" wait_until 5 has_started_since "$before"
    is "$1, a process that executes itself: it is not traced" \
        "$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$TARGET/status")" 0
    kill -KILL "$TARGET"
    wait "$TARGET" 2>/dev/null
}

# A process with a userfaultfd of its own cannot be copied while it runs; `auto` goes another way.
check_own_userfault()
{
    start_target hard_to_capture userfault
    if grep -q '^skipped: ' "$WORK/target.out"; then
        skip "precopy, userfault" "$(sed -n 's/^skipped: //p' "$WORK/target.out")"
        return
    fi
    capture_by precopy
    check_exit "precopy, userfault: refused" 4
    check_output "precopy, userfault: the reason is said" stderr \
        '*has a userfaultfd of its own*--method auto*'
    capture_by auto
    check_exit "auto, userfault: captured in another way" 0
    run "$RUDO_SNAP" info --json "$WORK/heap.zst"
    check_output "auto, userfault: info says why" stdout \
        '*"method_note": "it was not copied while it ran: *userfaultfd*'
    check_runs "auto, userfault: it runs on"
    end_target
}

# check_sandboxed METHOD [strict]: under seccomp it is captured, or refused; it is never killed.
check_sandboxed()
{
    local name="$1, a process under seccomp${2:+, $2}"
    start_target sandboxed "${@:2}"
    wait_until 5 grep -q closed "$WORK/target.out" || bail "the target is not closed in"
    for ((i = 0; i < 1 * DOSE; i++)); do
        capture_by "$1"
        [ "$STATUS" -eq 0 ] || grep -q "seccomp" "$WORK/stderr" ||
            not_ok "$name" "status $STATUS: $(head -1 "$WORK/stderr")"
    done
    note "$name: status $STATUS $(head -1 "$WORK/stderr")"
    check_runs "$name: it runs on"
    end_target
}

has_started_since()
{
    [ "$(grep -c ready "$WORK/target.out")" -gt "$1" ]
}

# In a larger dose, as many as the kernel allows, up to 100,000: the heap, libraries and stacks need
# some.
mappings=$(($(cat /proc/sys/vm/max_map_count) - 2000))
limit=$((DOSE > 1 ? 100000 : 10000))
[ "$mappings" -le "$limit" ] || mappings=$limit
note "$mappings mappings"

for method in $(capture_methods); do
    check_execs "$method"
    check_sandboxed "$method"
    check_sandboxed "$method" strict
    check_hard "$method" forks $((2 * DOSE))
    check_hard "$method" mappings $((1 * DOSE)) "$mappings"
    check_hard "$method" unforked $((1 * DOSE))
    check_hard "$method" huge $((1 * DOSE))
    case $method in
    precopy) check_own_userfault ;;
    *) check_hard "$method" userfault $((1 * DOSE)) ;;
    esac
done
done_testing
