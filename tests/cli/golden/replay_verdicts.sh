# shellcheck shell=bash
# Verdicts about recorded heaps: equal, without a golden, different, damaged; goldens; shards.
mkdir -p heaps/old
cp shop.zst heaps/cart.zst
cp shop.zst heaps/old/shop.zst
cp shop.zst heaps/old/no-snapshot
timeless()
{
    rudo-snap replay "$@" | sed 's/ in [0-9.]* [mun]*s$/ in no time/'
    echo "exit status ${PIPESTATUS[0]}"
}
timeless heaps
timeless heaps -q
timeless heaps/ --golden heaps/golden --workers 1,3 --seeds 7 --policy owner
timeless heaps/ --golden heaps/golden/ --update
timeless heaps --golden heaps/golden --workers 2
cat heaps/golden/old/shop.golden
edit_golden heaps/golden/old/shop.golden 1 0 1 2 3 4 5 6 7 8 9
edit_golden heaps/golden/old/shop.golden 3 7 8 objects
cp heaps/golden/cart.golden heaps/golden/left.golden
head -c 700 shop.zst >heaps/cut.zst
timeless heaps --golden heaps/golden --workers 2,2,1 --json result.jsonl --junit result.xml
cat result.jsonl result.xml
timeless heaps/old/shop.zst --golden heaps/golden/old --update --seeds 3..4
timeless heaps --golden heaps/golden --update -q
rm heaps/cut.zst heaps/golden/left.golden
sed -i s/^end/and/ heaps/golden/cart.golden
timeless heaps --golden heaps/golden --seeds 1
for shard in 1 2 3; do
    timeless heaps --golden heaps/golden --seeds 1 --shard $shard/3 --json shard$shard.jsonl -q
done
rudo-snap replay merge shard[123].jsonl -o all.jsonl
echo "exit status $?"
rudo-snap replay heaps --golden heaps/golden --seeds 1 --json - | cmp - all.jsonl
rudo-snap replay merge -o - -q all.jsonl | cmp - all.jsonl
