# shellcheck shell=bash
# Completion of rudo-snap for bash. Commands, options and choices come from the program's own help
# (`rudo-snap help`), so that they cannot differ.

_rudo_snap()
{
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]-} word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]} words option

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
        words=$("$program" help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
        [ "$COMP_CWORD" -eq 1 ] || words="$words glossary"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    # bash splits --option=value at the equals sign.
    option=$before
    if [ "$before" = = ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [ "$word" = = ]; then
        option=$before
        word=""
    fi
    words=""
    if [[ $option =~ ^--[a-z-]+$ ]]; then
        words=$("$program" help "$command" 2>/dev/null |
            sed -n "s/^ \{6\}$option \([a-z0-9-]*|[a-z0-9|-]*\).*/\1/p" | tr '|' ' ')
    fi
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    elif [ "$option" = --pid ] || [ "$option" = -p ]; then
        words=$(cd /proc && printf '%s ' [0-9]*)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    elif [[ $word == -* ]]; then
        words=$("$program" help "$command" 2>/dev/null |
            sed -n 's/^  \(-[a-z], \|    \)\(--[a-z-]*\).*/\2/p')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
    # Else bash completes file names: `complete -o default`.
}

complete -o default -F _rudo_snap rudo-snap
