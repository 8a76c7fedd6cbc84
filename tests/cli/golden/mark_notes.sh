# shellcheck shell=bash
# What makes results differ from what was asked for is said.
rudo-snap mark fallback.zst | grep -A1 '^note:'
rudo-snap mark partial.zst | grep -A1 '^note:'
rudo-snap info fallback.zst | grep -A1 '^note:'
rudo-snap info partial.zst | grep -A1 -e '^note:' -e complete
