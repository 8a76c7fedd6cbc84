#!/bin/bash
# timeout: 300
# --redact, with secrets in every byte that may not be in the file (targets/scattered_secrets.c), for
# heaps of every layout (with a larger dose) and every way in. The unpacked snapshot is searched for any four bytes in a
# row of them.
. "$(dirname "$0")/../support/live.sh"

ODD=$ROOT/tests/live/targets/odd_slots.json
TOY=$ROOT/samples/toy-heap/toy-heap.json
folder=$WORK/N4meOfFolder
mkdir "$folder"
export N4meOfEnvironment=N4meOfValue

cat >"$WORK/search.py" <<'PYTHON'
import sys

places = ("page object dead free large free-large block freed plain-block data bss tls stack "
          "dead-stack register vector private-file shared anonymous").split()
salt = (0x00, 0x4a, 0x24, 0x6e, 0x12, 0x58, 0x36, 0x7c)
fragments = {text: "a name" for text in (b"N4me", b"4meO", b"meOf")}
for number, place in enumerate(places, 1):
    secret = [0x81 | ((s + 2 * number) & 0x7e) for s in salt] * 2
    for phase in range(8):
        fragments[bytes(secret[phase:phase + 4])] = place
stream = open(sys.argv[1], "rb").read()
found = {place for i in range(len(stream) - 3)
         if (place := fragments.get(stream[i:i + 4])) is not None}
print(*sorted(found))
PYTHON

# secrets FILE: the places whose secrets are in it.
secrets()
{
    zstd -q -d -f "$1" -o "$WORK/stream" && python3 "$WORK/search.py" "$WORK/stream"
}

# counts FILE: the digest of the mark, and all totals.
counts()
{
    "$RUDO_SNAP" mark -q --json - "$1" | python3 -c '
import json, sys
report = json.load(sys.stdin)
for figure in ("objects", "bytes"):
    report["totals"].pop("reachable_without_residue_" + figure)
print(report["mark"]["digest"], report["totals"])'
}

# clean NAME FILE
clean()
{
    is "$1: no four bytes of a secret are left" "$(secrets "$2")" ""
}

methods=$(capture_methods | tr '\n' ' ')
# shellcheck disable=SC2206  # words on purpose
all_methods=($methods)
number=0
layouts=(rudo-gc-0.1 rudo-gc-0.8 "$ODD")
[ "$DOSE" -eq 1 ] || layouts+=(rudo-gc-0.3 rudo-gc-0.5 rudo-gc-0.8.12 "$TOY")
for layout in "${layouts[@]}"; do
    name=$(basename "$layout" .json)
    start_target scattered_secrets "$layout" "$folder"
    run "$RUDO_SNAP" capture -q --layout "$layout" --pid "$TARGET" --keep-free -o "$WORK/$name-plain.zst"
    check_exit "$name: captured as it is" 0
    tried=${all_methods[number++ % ${#all_methods[@]}]}
    [ "$name" != rudo-gc-0.8 ] || tried=$methods
    for method in $tried; do
        run "$RUDO_SNAP" capture -q --layout "$layout" --method "$method" --redact --keep-free \
            --pid "$TARGET" -o "$WORK/$name-$method.zst"
        check_exit "$name, $method: captured redacted" 0
        clean "$name, $method" "$WORK/$name-$method.zst"
        is "$name, $method: digest and counts are those of the whole" \
            "$(counts "$WORK/$name-$method.zst")" "$(counts "$WORK/$name-plain.zst")"
    done
    if [ "$name" = rudo-gc-0.8 ]; then
        # The test can see what it looks for, but for what no snapshot holds.
        is "without --redact the secrets are there" "$(secrets "$WORK/$name-plain.zst")" \
            "$(secrets "$WORK/$name-plain.zst" | grep 'a name.*block.*dead.*free.*free-large.*large.*object.*page')"
        if command -v gcore >/dev/null && gcore -o "$WORK/core" "$TARGET" >/dev/null 2>&1; then
            run "$RUDO_SNAP" capture -q --layout "$layout" --core "$WORK/core.$TARGET" --redact -o "$WORK/core.zst"
            check_exit "from a core" 0
            clean "from a core" "$WORK/core.zst"
            # How many words are roots may differ.
            is "from a core: the digest of the process" "$(counts "$WORK/core.zst" | cut -d' ' -f1)" \
                "$(counts "$WORK/$name-plain.zst" | cut -d' ' -f1)"
        else
            skip "from a core" "no gcore here"
        fi
    fi
    end_target
done

start_target scattered_secrets "$ODD" "$folder" "$WORK/self.zst"
end_target
clean "by itself" "$WORK/self.zst"

# At the end of a program, and in a series.
rm -f "$WORK/target.out" "$WORK/heartbeat"
start "$WORK/target.out" "$RUDO_SNAP" capture -q --redact --layout rudo-gc-0.8 -o "$WORK/end.zst" -- \
    "$TARGETS/scattered_secrets" "$WORK/heartbeat" rudo-gc-0.8 "$folder"
wait_until 20 grep -q '^ready' "$WORK/target.out" || bail "$(cat "$WORK/target.out")"
kill -TERM "$STARTED"
wait "$STARTED"
clean "at its end" "$WORK/end.zst"
rm -f "$WORK/target.out" "$WORK/heartbeat"
start "$WORK/target.out" "$RUDO_SNAP" capture -q --redact --every 100ms --layout "$ODD" -o "$WORK/series.zst" -- \
    "$TARGETS/scattered_secrets" "$WORK/heartbeat" "$ODD" "$folder"
wait_until 20 test -e "$WORK/series.0002.zst" || bail "$(cat "$WORK/target.out")"
kill -TERM "$STARTED"
wait "$STARTED"
for file in "$WORK"/series.00*.zst; do
    # The first may be of a program that has no heap yet.
    clean "in a series, $(basename "$file")" "$file"
done

# A program that is nowhere but in memory, under a name that it got at run time.
rm -f "$WORK/target.out" "$WORK/heartbeat"
start "$WORK/target.out" python3 -c '
import os, sys
program = os.memfd_create("N4meOfProgram")
os.write(program, open(sys.argv[1], "rb").read())
os.execve("/proc/self/fd/%d" % program, sys.argv[1:], os.environ)' \
    "$TARGETS/scattered_secrets" "$WORK/heartbeat" rudo-gc-0.8 "$folder"
TARGET=$STARTED
wait_until 20 grep -q '^ready' "$WORK/target.out" || bail "$(cat "$WORK/target.out")"
run "$RUDO_SNAP" capture -q --redact --layout rudo-gc-0.8 --pid "$TARGET" -o "$WORK/memfd.zst"
check_exit "a program in a memfd" 0
clean "a program in a memfd" "$WORK/memfd.zst"
is "it has a name all the same" \
    "$("$RUDO_SNAP" info --json "$WORK/memfd.zst" | grep -c '"executable": "\[program\]"')" 1
end_target
done_testing
