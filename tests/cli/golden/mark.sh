# shellcheck shell=bash
# The summary. Only times differ from run to run.
rudo-snap mark shop.zst --workers 1 | sed 's/, [0-9.]* [mun]*s)$/, TIME)/'
