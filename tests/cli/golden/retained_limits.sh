# shellcheck shell=bash
# Memory that does not suffice, and a snapshot that would be overwritten.
rudo-snap retained --mem-limit 60K shop.zst >/dev/null
for limit in 10 29K 50K; do
    rudo-snap retained --mem-limit $limit shop.zst
    echo "exit $?" >&2
done
rudo-snap retained --json shop.zst shop.zst
echo "exit $?" >&2
