# shellcheck shell=bash
# Files and options that cannot be replayed or merged.
says()
{
    rudo-snap replay "$@"
    echo "exit status $?"
}
mkdir -p heaps/empty other
cp shop.zst heaps/
cp shop.zst other/
says
says heaps/empty
says no-such-folder
says heaps --workers 0,1
says heaps --workers 17
says heaps --workers 1..4
says heaps --seeds 5..4
says heaps --seeds 1..
says heaps --policy thief
says heaps --shard 0/3
says heaps --shard 4/3
says heaps --update
says heaps -o out
says heaps heaps
says heaps other --golden golden
says heaps --json one --junit one
says heaps --json no-such-folder/out.jsonl
touch file
says heaps --golden file/golden --update --seeds 1 -q | sed 's/ in [0-9.]* [mun]*s$/ in no time/'
says merge a.jsonl
says merge -o out.jsonl
says merge -o out.jsonl no-such.jsonl
rudo-snap replay heaps --seeds 1 --shard 1/2 --json 1.jsonl -q
rudo-snap replay heaps --seeds 1 --shard 2/2 --json 2.jsonl -q
rudo-snap replay heaps --seeds 2 --shard 2/2 --json other.jsonl -q
rudo-snap replay heaps --seeds 1 --shard 2/3 --json three.jsonl -q
says merge -o out.jsonl 1.jsonl
says merge -o out.jsonl 1.jsonl 1.jsonl
says merge -o out.jsonl 1.jsonl other.jsonl
says merge -o out.jsonl 1.jsonl three.jsonl
sed -n '/"heap"/p' 1.jsonl 2.jsonl >line
cat line line >>1.jsonl
says merge -o out.jsonl 1.jsonl 2.jsonl
: >empty.jsonl
says merge -o out.jsonl empty.jsonl
for text in nonsense '{}' '{"schema":"rudo-snap/replay/1"}' '{"schema":"rudo-snap/replay/1","run":{"shard":"9/1"}}' \
    '{"schema":"rudo-snap/replay/1","run":{"shard":"1/1"},"more":1}'; do
    echo "$text" >bad.jsonl
    says merge -o out.jsonl bad.jsonl
done
sed -n 1p other.jsonl >bad.jsonl
echo '{"schema":"rudo-snap/replay/1","heap":"x","verdict":"equal","exit_status":3,"updated":false}' >>bad.jsonl
says merge -o out.jsonl bad.jsonl
printf '{"schema":' >bad.jsonl
says merge -o out.jsonl bad.jsonl
ls out.jsonl 2>&1
