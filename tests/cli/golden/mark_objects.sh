# shellcheck shell=bash
rudo-snap mark --objects - shop.zst
