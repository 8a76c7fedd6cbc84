#!/bin/bash
# --redact: nothing of the data of a real process is in the file, wherever it lay, and whatever is
# counted stays the same. See targets/planted_secrets.c for where the secrets are.
. "$(dirname "$0")/../support/live.sh"

folder=$WORK/SECRETfolder
mkdir -p "$folder"
cp "$TARGETS/planted_secrets" "$folder/planted_secrets"
export SECRETenv=SECRETev

# All of targets/planted_secrets.c. Some never get into a snapshot: that beside a root (fo), those in
# the environment and the arguments.
places="an b1 b2 b3 be bl bm c1 c2 c3 fi fo gp l1 l2 l3 l4 ob th st re ev ar da mf fr"
short="S1 SECRE2 SECRE3 SECR5 SECRETu SEhd SEh2 SEh3 SEh4 SECRET"

# secrets FILE: the secrets in the decompressed snapshot, on one line.
secrets()
{
    local place secret
    zstd -q -d -c "$1" >"$WORK/stream" || echo "cannot decompress"
    for place in $places; do
        ! grep -a -q -F "SECRET$place" "$WORK/stream" || printf '%s ' "$place"
    done
    for secret in $short; do
        ! grep -a -q -F "$secret" "$WORK/stream" || printf '%s ' "$secret"
    done
}

# counts FILE: everything in the report that does not hang on names.
counts()
{
    "$RUDO_SNAP" mark -q --json - "$1" | python3 -c '
import json, sys
report = json.load(sys.stdin)
# Names of mapped files are left out.
note = report["snapshot"]["shared_note"]
report["snapshot"]["shared_note"] = [line.split(":")[0] for line in note.split("\n")]
# Which words are left over shows in lengths, which are left out.
for figure in ("objects", "bytes"):
    report["totals"].pop("reachable_without_residue_" + figure)
print(json.dumps(report, indent=1, sort_keys=True))'
}

# captured NAME FILE: the redacted file is whole, has no secret, and says what it is.
captured()
{
    is "$1: no secret is left" "$(secrets "$2")" ""
    check "$1: the file is whole" "$RUDO_SNAP" verify "$2"
    is "$1: info says that it is redacted" \
        "$("$RUDO_SNAP" info --json "$2" | grep -c '"redacted": true')" 1
    for name in "$(id -un)" "$(uname -n)" "$WORK" SECRETfolder /usr/; do
        # Symbols may have short names in them, such as root's.
        [ "${#name}" -ge 5 ] || continue
        is "$1: '$name' is not in it" "$(zstd -q -d -c "$2" | grep -a -c -F -- "$name")" 0
    done
}

start "$WORK/target.out" "$folder/planted_secrets" "$WORK/heartbeat" "$folder" SECRETar
TARGET=$STARTED
wait_until 10 grep -q '^ready' "$WORK/target.out" || bail "the target did not get ready"

run "$RUDO_SNAP" capture --pid "$TARGET" -o "$WORK/plain.zst"
check_exit "captured as it is" 0
run "$RUDO_SNAP" capture --pid "$TARGET" --keep-free -o "$WORK/plain-free.zst"
check_exit "captured with free slots" 0
run "$RUDO_SNAP" capture --pid "$TARGET" --redact -o "$WORK/redacted.zst"
check_exit "captured with --redact" 0
run "$RUDO_SNAP" capture --pid "$TARGET" --redact --keep-free -o "$WORK/redacted-free.zst"
check_exit "captured with --redact --keep-free" 0

# The test can see what it looks for.
found=$(secrets "$WORK/plain-free.zst")
for place in b1 b2 b3 be bl bm c1 c2 c3 "fi" fr gp l1 l2 l3 l4 ob "th" $short; do
    [[ " $found" == *" $place "* ]] || missed="${missed-} $place"
done
is "without --redact, the secrets are in the file" "${missed-}" ""
[[ " $found" == *" an "* ]] || note "this kernel names no anonymous memory"

captured "--redact" "$WORK/redacted.zst"
captured "--redact --keep-free" "$WORK/redacted-free.zst"
counts "$WORK/plain.zst" >"$WORK/plain.counts"
counts "$WORK/redacted.zst" >"$WORK/redacted.counts"
check "the reports are the same, names and all" diff "$WORK/plain.counts" "$WORK/redacted.counts"
counts "$WORK/redacted-free.zst" >"$WORK/redacted-free.counts"
check "with free slots, too" diff "$WORK/plain.counts" "$WORK/redacted-free.counts"
is "the heap is not lost" "$(counts "$WORK/redacted.zst" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["totals"]["reachable_objects"])')" 4
for file in plain redacted; do
    "$RUDO_SNAP" mark -q --objects - "$WORK/$file.zst" >"$WORK/$file.objects"
done
check "and so are the objects" cmp "$WORK/plain.objects" "$WORK/redacted.objects"

check_runs "the target runs on"
end_target

done_testing
