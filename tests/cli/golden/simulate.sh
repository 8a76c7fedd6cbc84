# shellcheck shell=bash
# The time of marking on more cores, for people and for programs.
rudo-snap simulate --workers 1,2,16 shop.zst
rudo-snap simulate --workers 4 --policy owner --json - --svg speedup.svg --trace-events timeline.json shop.zst
sed -n 1,12p timeline.json
grep -A 3 "<polyline" speedup.svg
rudo-snap simulate --workers 0 shop.zst
rudo-snap simulate --workers 1,65 shop.zst
rudo-snap simulate --workers 1, shop.zst
echo '{"costs":{"word":-1}}' >costs.json
rudo-snap simulate --costs costs.json shop.zst
echo '{"costs":{"colour":1}}' >costs.json
rudo-snap simulate --costs costs.json shop.zst
rudo-snap simulate --costs no-such.json shop.zst
rudo-snap simulate --costs costs.json --calibrate shop.zst
