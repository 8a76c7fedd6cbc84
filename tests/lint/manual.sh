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
# Links in documents lead to files, and to headings in them.
slugs()
{
    # shellcheck disable=SC2016  # backquotes of Markdown
    sed -n '/^```/,/^```/!s/^#\{1,6\} //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
dead_links()
{
    local document target page anchor
    grep -HoE '\]\([^)]+\)' README.md CONTRIBUTING.md docs/*.md samples/*.md samples/*/*.md 2>/dev/null |
        grep -vE '\]\(https?:' | sed -E 's/\]\((.*)\)$/\1/' |
        while IFS=: read -r document target; do
            page=${target%%#*} anchor=${target#"$page"}
            if [ -n "$page" ]; then page=$(dirname "$document")/$page; else page=$document; fi
            if [ ! -e "$page" ]; then
                echo "$document links to $target"
            elif [ -n "$anchor" ] && ! slugs "$page" | grep -qxF -- "${anchor#\#}"; then
                echo "$document links to $target, a heading that is not there"
            fi
        done
}
none "links in documents lead somewhere" "$(dead_links)"
done_testing
