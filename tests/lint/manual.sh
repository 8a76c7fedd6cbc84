#!/bin/bash
# The man page is well-formed (that it says what `--help` says is checked in tests/cli/), and
# documents name files that exist.
. "$(dirname "$0")/../support/lint.sh"

check "there are man pages" test -f docs/rudo-snap.1 -a -f docs/rudo_snap.3
if command -v mandoc >/dev/null; then
    # Warnings and worse; style hints depend on the system it is read on.
    none "mandoc is content" "$(mandoc -Tlint -Wwarning docs/rudo-snap.1 docs/rudo_snap.3 2>&1)"
else
    skip "mandoc is content" "there is no mandoc"
fi

# Paths that prose names in code style exist. X and NAME stand for any name.
missing=$(
    # shellcheck disable=SC2016  # backquotes of Markdown
    grep -Ho '`\(base\|snapshot\|embed\|marker\|analysis\|formats\|cli\|samples\|tests\|docs\)/[A-Za-z0-9_./-]*[A-Za-z0-9_]`' \
        README.md CONTRIBUTING.md docs/*.md samples/README.md 2>/dev/null |
        tr -d '`' | grep -v 'X\.[a-z]*$\|NAME' |
        while IFS=: read -r document path; do
            [ -e "$path" ] || echo "$document names $path"
        done
)
none "documents name files that exist" "$missing"
done_testing
