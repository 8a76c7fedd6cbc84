#!/bin/bash
# timeout: 300
# --redact, for every way to get at a heap: the graph, every count and the digest are those of the
# snapshot with all data, and nothing secret is in the decompressed file, wherever the program had
# it: in objects, beside fields of headers, in malloc'd memory, behind ends, in names.
. "$(dirname "$0")/../support/live.sh"

secret=S3cr3tTr34sur3
short=Pa55
mkdir "$WORK/f0ld3r"

graph_of()
{
    "$RUDO_SNAP" mark -q --json - "$@" | python3 -c '
import json, sys
report = json.load(sys.stdin)
# Which words are left over shows in lengths, which are left out.
for figure in ("objects", "bytes"):
    report["totals"].pop("reachable_without_residue_" + figure)
print(report["mark"], report["totals"], report["size_classes"], report["owner_threads"])'
}

# redacted NAME PLAIN REDACTED
redacted()
{
    local kind text
    for kind in major minor; do
        is "$1: the $kind mark is the same, digest and every count" \
            "$(graph_of --kind $kind "$3")" "$(graph_of --kind $kind "$2")"
    done
    zstd -q -d -f "$2" -o "$WORK/plain.stream"
    zstd -q -d -f "$3" -o "$WORK/redacted.stream"
    for text in "$secret" "$short"; do
        check "$1: '$text' is in the plain snapshot" grep -q -a -F "$text" "$WORK/plain.stream"
    done
    # Any 4 bytes in a row of them, too.
    for text in "$short" f0ld3r targets/keeps_secrets S3cr 3cr3 cr3t r3tT 3tTr tTr3 Tr34 r34s 34su 4sur sur3; do
        if grep -q -a -F "$text" "$WORK/redacted.stream"; then
            not_ok "$1: '$text' is not in the redacted one" "$(strings -n 4 "$WORK/redacted.stream" | grep -F "$text")"
        else
            ok "$1: '$text' is not in the redacted one"
        fi
    done
    run "$RUDO_SNAP" report "$3"
    check_output "$1: report says that it cannot know what is left over" stdout \
        "*is not known: the snapshot is redacted*"
    run "$RUDO_SNAP" info --json "$3"
    check_output "$1: info says that it is redacted" stdout '*"redacted": true*'
}

start_target keeps_secrets $secret $short "$WORK/f0ld3r" "$WORK/in-plain.zst"
for mode in plain redact; do
    option=$([ $mode = plain ] || echo --redact)
    # shellcheck disable=SC2086  # one option or none
    run "$RUDO_SNAP" capture --pid "$TARGET" $option --keep-free -o "$WORK/pid-$mode.zst"
    check_exit "by pid, $mode" 0
done
redacted "by pid" "$WORK/pid-plain.zst" "$WORK/pid-redact.zst"
check_runs "the program runs on"
kill -STOP "$TARGET"
if command -v gcore >/dev/null && gcore -o "$WORK/core" "$TARGET" >/dev/null 2>&1; then
    core=$WORK/core.$TARGET
    run "$RUDO_SNAP" capture --core "$core" -o "$WORK/core-plain.zst"
    check_exit "from a core, plain" 0
    run "$RUDO_SNAP" capture --core "$core" --redact -o "$WORK/core-redact.zst"
    check_exit "from a core, redacted" 0
    redacted "from a core" "$WORK/core-plain.zst" "$WORK/core-redact.zst"
else
    skip "from a core" "no gcore here"
fi
kill -CONT "$TARGET"
end_target

# The same secrets again, captured at their end.
for mode in plain redact; do
    option=$([ $mode = plain ] || echo --redact)
    rm -f "$WORK/target.out" # what an earlier one said
    # shellcheck disable=SC2086
    start "$WORK/target.out" setarch -R "$RUDO_SNAP" capture $option -o "$WORK/end-$mode.zst" -- \
        env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" "$TARGETS/keeps_secrets" \
        "$WORK/heartbeat" $secret $short "$WORK/f0ld3r"
    wait_until 20 grep -q '^ready' "$WORK/target.out" || bail "$(cat "$WORK/target.out")"
    kill -TERM "$STARTED"
    wait "$STARTED"
    is "at its end, $mode: the program's own status" "$?" 143
done
if [ "$(graph_of "$WORK/end-plain.zst" | wc -l)" -gt 0 ]; then
    # Two runs: addresses may differ, and with them the digest; what is secret does not.
    zstd -q -d -f "$WORK/end-redact.zst" -o "$WORK/redacted.stream"
    check "at its end: nothing secret is in the redacted one" \
        sh -c "! grep -q -a -F -e $short -e S3cr -e Tr34 -e sur3 '$WORK/redacted.stream'"
fi

start_target keeps_secrets $secret $short "$WORK/f0ld3r" "$WORK/in-redact.zst" redact
end_target
zstd -q -d -f "$WORK/in-redact.zst" -o "$WORK/redacted.stream"
check "in-process: nothing secret is in the redacted one" \
    sh -c "! grep -q -a -F -e $short -e S3cr -e Tr34 -e sur3 '$WORK/redacted.stream'"
counts()
{
    graph_of "$1" | sed "s/'digest': '[^']*'//"
}
is "in-process: every count is the same" "$(counts "$WORK/in-redact.zst")" \
    "$(counts "$WORK/in-plain.zst")"

# Redacted data stay out.
head -c $(($(stat -c %s "$WORK/pid-redact.zst") - 30)) "$WORK/pid-redact.zst" >"$WORK/cut.zst"
run "$RUDO_SNAP" verify --salvage "$WORK/cut.zst" -o "$WORK/saved.zst"
check_exit "a redacted snapshot that was cut short is salvaged" 0
zstd -q -d -f "$WORK/saved.zst" -o "$WORK/redacted.stream"
check "and holds no secret either" \
    sh -c "! grep -q -a -F -e $short -e S3cr -e Tr34 -e sur3 '$WORK/redacted.stream'"
run "$RUDO_SNAP" info --json "$WORK/saved.zst"
check_output "and says that it is redacted" stdout '*"redacted": true*'
done_testing
