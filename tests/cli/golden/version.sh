# shellcheck shell=bash
rudo-snap version
rudo-snap --version
rudo-snap -V
