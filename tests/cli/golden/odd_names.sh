# shellcheck shell=bash
# Names that could be taken for options, and control characters that could steer a terminal.
cp shop.zst -- --shop.zst
rudo-snap verify -q -- --shop.zst && rudo-snap verify -q ./--shop.zst
cp shop.zst $'bell\a\e[2J.zst'
rudo-snap info $'bell\a\e[2J.zst' | head -1
rudo-snap info $'none\a\e[2J\n.zst'
