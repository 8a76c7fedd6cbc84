# shellcheck shell=bash
# Results count only when they have arrived.
for command in help version "info shop.zst" "info --json shop.zst" "mark shop.zst" \
    "mark --json - shop.zst" "mark --objects - shop.zst" "verify shop.zst"; do
    # shellcheck disable=SC2086  # a command with its operands
    rudo-snap $command >/dev/full
    echo "$? $command"
done
