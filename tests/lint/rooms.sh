#!/bin/bash
# The rooms: docs/design.md says of each folder of source what is in it and what it may use, README.md
# lists the same folders with the same sentences, and tests/lint/layers.sh enforces the same arrows.
# The table "Where to look" in docs/design.md names functions that are where it says.
. "$(dirname "$0")/../support/lint.sh"

design=docs/design.md

# "room: rooms that it may use, sorted" of the lint, and of the table in the document.
arrows_of_lint()
{
    sed -n "/^ARROWS='/,/^'/p" tests/lint/layers.sh | sed -n 's/^\([a-z].*:\)/\1/p' | each_sorted
}
arrows_of_design()
{
    # shellcheck disable=SC2016  # backquotes of Markdown
    sed -n 's/^| `\([a-z/]*\)\/` | \([^|]*\) | \([^|]*\) |$/\1: \3/p' "$design" | sed 's/[`,]//g; s/\/\( \|$\)/\1/g; s/ nothing//' | each_sorted
}
each_sorted()
{
    while IFS=: read -r room uses; do
        # shellcheck disable=SC2086  # a list of words
        printf "%s:%s\n" "$room" "$(printf "%s\n" $uses | sort | sed "s,^, ," | tr -d "\n")"
    done | sed 's/ *$//' | sort
}
none "the arrows in $design are those of layers.sh" \
    "$(diff <(arrows_of_lint) <(arrows_of_design) | sed -n 's/^</layers.sh has /p; s/^>/design.md has /p')"

# "use room" pairs; tsort complains about circles.
none "no circle across rooms" \
    "$(arrows_of_lint | awk -F: '{ n = split($2, uses, " "); for (i = 1; i <= n; i++) print uses[i], $1 }' |
        tsort 2>&1 >/dev/null)"

rooms=$(arrows_of_lint | cut -d: -f1)
none "every folder of source is a room" \
    "$(c_files "${ROOMS[@]}" | sed 's|/[^/]*$||' | sort -u | grep -vxF "$rooms")"
none "every room exists" "$(while read -r room; do [ -d "$room" ] || echo "$room"; done <<<"$rooms")"

# "room sentence" in both documents; samples, tests and docs are in the list, too, but no rooms.
# shellcheck disable=SC2016  # backquotes of Markdown
none "README.md lists the rooms, with the same sentences" \
    "$(diff <(sed -n 's/^- `\([a-z/]*\)\/`: \(.*\)$/\1: \2/p' README.md | grep -vE '^(samples|tests|docs)') \
        <(sed -n 's/^| `\([a-z/]*\)\/` | \([^|]*\) | [^|]* |$/\1: \2/p' "$design") |
        sed -n 's/^</README.md has /p; s/^>/design.md has /p')"

# | question | `path` | `function` ... |: the last column's names occur in the file of the one before.
strangers()
{
    local question path names name
    sed -n '/^## Where to look/,/^## /p' "$design" | grep '^| .*`' | tr -d '\140' |
        while IFS='|' read -r _ question path names _; do
            path=${path//[[:space:]]/}
            for name in ${names//,/ }; do
                case $name in
                */*) [ -e "$name" ] || echo "$question: there is no $name" ;;
                *) grep -qsF -- "${name%()}" "$path" || echo "$question: $path has no $name" ;;
                esac
            done
        done
}
check "there is a table 'Where to look'" grep -q '^## Where to look' "$design"
none "what 'Where to look' names is there" "$(strangers)"
done_testing
