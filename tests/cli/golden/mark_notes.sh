# shellcheck shell=bash
# Notes about the limits of the results.
rudo-snap mark fallback.zst | grep -A1 '^note:'
rudo-snap mark partial.zst | grep -A1 '^note:'
rudo-snap info fallback.zst | grep -A1 '^note:'
rudo-snap info partial.zst | grep -A1 -e '^note:' -e complete
