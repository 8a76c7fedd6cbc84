#!/bin/bash
# C files are laid out as .clang-format says; `make format` does it.
. "$(dirname "$0")/../support/lint.sh"

if command -v clang-format >/dev/null; then
    check "clang-format changes nothing" make -s format-check
else
    skip "clang-format changes nothing" "there is no clang-format"
fi
done_testing
