# shellcheck shell=bash
# Sizes depend on the zstd library.
sizes='s/file  .*decompressed, [0-9]* frames/file        SIZES/'
rudo-snap info shop.zst | sed "$sizes"
rudo-snap info fallback.zst | sed "$sizes"
