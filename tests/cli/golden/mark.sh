# shellcheck shell=bash
# The summary. Times are the only thing in it that is not always the same.
rudo-snap mark shop.zst --workers 1 | sed 's/, [0-9.]* [mun]*s)$/, TIME)/'
