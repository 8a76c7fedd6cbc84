# shellcheck shell=bash
# What lint scripts share, beside tests/support/tap.sh, which this sources.
#
# All look at the tree that they lie in, so that lint_selftest.sh can run them in a scratch copy
# with something wrong planted in it.

. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# Lower rooms come first; each may use those before it.
# shellcheck disable=SC2034  # used by scripts that source this
ROOMS=(base snapshot embed marker analysis formats cli)
# shellcheck disable=SC2034
LIBRARIES=(base snapshot embed marker analysis formats)

# Every file that belongs to the source tree, one a line, without a leading "./".
source_files()
{
    if [ -e .git ]; then
        # A file that is deleted but not yet committed is still listed.
        git ls-files -co --exclude-standard | while IFS= read -r file; do
            [ ! -f "$file" ] || printf '%s\n' "$file"
        done
    else
        find . \( -path ./build -o -name target \) -prune -o -type f -print | sed 's|^\./||'
    fi | sort
}

# C sources and headers of the given folders.
c_files()
{
    source_files | grep -E "^($(IFS='|'; echo "$*"))/.*\.[ch]\$"
}

# none NAME LINES: passes when there are no lines; they say what is wrong.
none()
{
    if [ -z "$2" ]; then
        ok "$1"
    else
        not_ok "$1" "$(printf '%s\n' "$2" | head -40)"
    fi
}

# grep over files named on stdin; quiet when there are none.
grep_in_files()
{
    tr '\n' '\0' | xargs -0 -r grep -HnE -e "$1" --
}
