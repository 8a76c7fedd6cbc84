# shellcheck shell=bash
rudo-snap mark --kind minor --workers 1 shop.zst | sed 's/, [0-9.]* [mun]*s)$/, TIME)/'
