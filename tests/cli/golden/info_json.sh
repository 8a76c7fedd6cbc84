# shellcheck shell=bash
rudo-snap info --json shop.zst | sed -E 's/"(bytes|stream_bytes|frames)": [0-9]+/"\1": N/'
