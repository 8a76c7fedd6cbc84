# shellcheck shell=bash
# Files hold the same bytes as standard output; workers, policy and relocation change nothing; options
# may follow the file; existing files are replaced, links are followed, no other file is left.
rudo-snap mark --json - shop.zst >expected.json
rudo-snap mark --objects - shop.zst >expected.jsonl
echo old >kept.json
ln -s kept.json reach.json
rudo-snap mark --workers 16 shop.zst --json reach.json --objects=reach.jsonl --quiet
cmp expected.json reach.json
cmp expected.jsonl reach.jsonl
[ -L reach.json ] && cmp expected.json kept.json
for options in "--workers 2" "-w5 --policy owner" "-qw16 --policy=steal --relocate" "--relocate"; do
    # shellcheck disable=SC2086  # several options
    rudo-snap mark $options --json - shop.zst | cmp expected.json -
done
rudo-snap mark --json reach.json --objects reach.jsonl shop.zst | tail -1
rudo-snap mark --json reach.json shop.zst | tail -1
rudo-snap mark --json /dev/null shop.zst | tail -1
ls
