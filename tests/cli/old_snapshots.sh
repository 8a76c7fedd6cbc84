#!/bin/bash
# Snapshots of earlier formats are read as they always were; what they do not know is not said.
# old_snapshots/format-1.0.zst is the example of docs/format.md as version 1.0 wrote it: without
# drop functions, frames and variables.
. "$(dirname "$0")/../support/tap.sh"

print_names=$BUILD/tests/cli/helpers/print_names
old=tests/cli/old_snapshots/format-1.0.zst

check "format 1.0: it verifies" "$RUDO_SNAP" verify "$old"
run "$RUDO_SNAP" info "$old"
check_exit "format 1.0: info" 0
check "format 1.0: info says its format" grep -q 'format 1\.0' "$WORK/stdout"
run "$RUDO_SNAP" mark --json "$WORK/reach.json" "$old"
check_exit "format 1.0: marked" 0
is "format 1.0: the digest is what it was" "$(sed -n 's/.*"digest": "\(.*\)".*/\1/p' "$WORK/reach.json")" \
    "xxh3-128:70c7b40fe1c8d0a00f9e2b37f72ee5f8"
is "format 1.0: types by their trace function" "$("$print_names" "$old" types)" \
    "$(printf '2\t128\texample::Node')"
is "format 1.0: roots by thread and address" "$("$print_names" "$old" roots)" \
    "$(printf "stack\tthread 'main', stack 0x7ffffffdef08\nregister\tregister r15 of thread 'main'")"
done_testing
