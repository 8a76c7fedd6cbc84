# shellcheck shell=bash
# The JSON, relocated or not, is the same.
rudo-snap path --json - --merge -k 2 --avoid register shop.zst Order
rudo-snap path --json file.json --relocate --merge -k 2 --avoid register shop.zst Order >/dev/null
rudo-snap path --json - --merge -k 2 --avoid register shop.zst Order | cmp - file.json
rudo-snap path --json - shop.zst 0x600000001880 | tail -n 13
