#!/bin/bash
# The man page and the help texts speak of the same commands and options.
. "$(dirname "$0")/../support/tap.sh"

page=$ROOT/docs/rudo-snap.1

# The options of a command, one a line, letters and names: from its help text ...
options_of_help()
{
    "$RUDO_SNAP" help "$1" | sed -n '/^options:/,/^$/p' |
        grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '-{1,2}[a-z][a-z-]*' |
        grep -vxE -- '-h|--help' | sort
}

# ... and from its part of the man page.
options_of_page()
{
    awk -v part="$1" '/^\.S[sh]/ { inside = ($0 == ".Ss " part) } inside && /^\.It Fl/' "$page" |
        grep -oE 'Fl -?[a-z][a-z-]*' | sed 's/^Fl /-/' | sort
}

# choices_of ... : the words of "a|b|c" in either
choices_of_help()
{
    "$RUDO_SNAP" help "$1" | grep -oE '^ +--[a-z-]+ [a-z0-9-]+(\|[a-z0-9-]+)+' | tr -d ' ' | sort
}

choices_of_page()
{
    awk -v part="$1" '/^\.S[sh]/ { inside = ($0 == ".Ss " part) } inside && /^\.It Fl.* Cm /' "$page" |
        sed 's/^\.It Fl /-/; s/ Cm //; s/ //g' | sort
}

commands=$("$RUDO_SNAP" help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
is "the man page has a part for each command" \
    "$(sed -n '/^\.Sh COMMANDS/,/^\.Sh ENV/s/^\.Ss //p' "$page" | sort)" "$(sort <<<"$commands")"
for command in $commands; do
    is "$command: one usage line, without holes" \
        "$("$RUDO_SNAP" help "$command" | grep -c '^usage: rudo-snap [^()]*$')" 1
    is "$command: the same options" "$(options_of_page "$command")" "$(options_of_help "$command")"
    is "$command: the same choices" "$(choices_of_page "$command")" "$(choices_of_help "$command")"
done
version=$(sed -n 's/^#define RUDO_SNAP_VERSION "\(.*\)"/\1/p' "$ROOT/base/version.h")
is "the change log knows this version" \
    "$(grep -c "^## $version\b" "$ROOT/CHANGELOG.md")" 1
done_testing
