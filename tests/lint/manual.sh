#!/bin/bash
# The man page is well-formed. That it says what `--help` says is checked in tests/cli/.
. "$(dirname "$0")/../support/lint.sh"

check "there is a man page" test -f docs/rudo-snap.1
if command -v mandoc >/dev/null; then
    # Warnings and worse; style hints depend on the system it is read on.
    none "mandoc is content" "$(mandoc -Tlint -Wwarning docs/rudo-snap.1 2>&1)"
else
    skip "mandoc is content" "there is no mandoc"
fi
done_testing
