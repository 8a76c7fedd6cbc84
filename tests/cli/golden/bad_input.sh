# shellcheck shell=bash
# Bad input is status 3 in each command, and leaves no output behind.
echo "This is a text, not a snapshot." >text.zst
: >empty.zst
echo hello | zstd -q >other.zst
head -c 700 shop.zst >cut.zst
for file in text.zst empty.zst other.zst cut.zst; do
    for command in "mark --json out.json --objects out.jsonl" info verify; do
        # shellcheck disable=SC2086  # a command with its options
        rudo-snap $command $file
        echo "$? ${command%% *} $file"
    done
done
ls
