# shellcheck shell=bash
# Continues after a damaged file; the status is the highest.
rudo-snap verify shop.zst fallback.zst | sed 's/[0-9]* frames, [0-9.]* KiB/SIZES/'
rudo-snap verify -q shop.zst
echo "exit $?"
head -c 700 shop.zst >cut.zst
rudo-snap verify cut.zst shop.zst -q
echo "exit $?"
rudo-snap verify cut.zst nothing.zst partial.zst --quiet
