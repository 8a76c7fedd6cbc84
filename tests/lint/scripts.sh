#!/bin/bash
# Scripts: no complaint from shellcheck, and each can be run.
. "$(dirname "$0")/../support/lint.sh"

is_script()
{
    case $1 in
    *.sh) return 0 ;;
    *.*) return 1 ;;
    *) head -c 64 "$1" | head -1 | grep -qaE '^#!.*\b(ba|da)?sh\b' ;;
    esac
}
scripts=$(source_files | while IFS= read -r file; do is_script "$file" && echo "$file"; done)
[ -n "$scripts" ] || bail "found no scripts"

if command -v shellcheck >/dev/null; then
    # Sources are followed only where shellcheck can know them (SC1090, SC1091),
    # nor does it then know what they set (SC2153).
    none "shellcheck is content" \
        "$(tr '\n' '\0' <<<"$scripts" | xargs -0 shellcheck -f gcc -e SC1090,SC1091,SC2153)"
else
    skip "shellcheck is content" "there is no shellcheck"
fi
none "scripts with a first line are executable" \
    "$(while IFS= read -r file; do
        head -c 2 "$file" | grep -q '^#!' && [ ! -x "$file" ] && echo "$file"
    done <<<"$scripts")"
done_testing
