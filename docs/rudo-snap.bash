# shellcheck shell=bash
# Completion of rudo-snap for bash. Commands, options and choices come from the program's own help
# (`rudo-snap help`), so that they cannot differ.

# The words of the line up to the cursor, as the shell takes them, into `words`: bash gives
# "--kind=minor" and "seed:7" to a completion in pieces.
_rudo_snap_words()
{
    local rest=${COMP_LINE:0:COMP_POINT} before piece i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        before=$rest
        rest=${rest#"${rest%%[![:blank:]]*}"}
        # The last piece may go on behind the cursor.
        piece=${COMP_WORDS[i]}
        [ "$i" -lt "$COMP_CWORD" ] || piece=$rest
        if [ "$i" -gt 0 ] && [ "$rest" = "$before" ]; then
            words[-1]+=$piece
        else
            words+=("$piece")
        fi
        rest=${rest#"$piece"}
    done
}

# The options of a command, one a line: its letter or "--", its name, and what it takes: "FILE",
# "major|minor", or nothing. So are the commands, with nothing behind them.
_rudo_snap_options()
{
    "${words[0]}" help "$1" 2>/dev/null | sed -nE '/^options:/,/^$/ {
        s/^  (-[a-zA-Z]), (--[a-z-]+)( ([^ ]+))?(  .*)?$/\1 \2 \4/p
        s/^      (--[a-z-]+)( ([^ ]+))?(  .*)?$/-- \1 \3/p
    }'
}

_rudo_snap_commands()
{
    "${words[0]}" help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

# The words that a value can be: by the name that the help gives to it, and the option. Numbers, times
# and sizes have none.
_rudo_snap_values()
{
    case $1 in
    *\|*) [ "$1" = "I/N" ] || tr '|' ' ' <<<"$1" ;;
    PID) (cd /proc && printf '%s ' [0-9]*) ;;
    SIGNAL) echo "USR1 USR2 HUP" ;;
    LAYOUT) echo "rudo-gc-0.1 rudo-gc-0.3 rudo-gc-0.5 rudo-gc-0.8.12 rudo-gc-0.8" ;;
    HOW) echo "threads seed: file:" ;;
    WHAT)
        echo "stack register global tls handle foreign explicit conservative exact interior" \
            "thread: type:"
        ;;
    GROWTH) echo "total+ any+" ;;
    NAME) echo "objects edges roots pages types threads blocks dominators" ;; # of tables
    EXPR) echo "complete" ;; # all others have spaces, and parentheses
    REASON) echo "incomplete overlooked names sizes foreign-mode rule layout program same-file" ;;
    LIST) [ "$2" != --policy ] || echo "steal owner steal,owner" ;;
    esac
}

# Replies with those of the words that continue what is typed. bash replaces only what stands behind
# the last "=" or ":" of a word, where these separate words for it. PREFIX is "--name=", or nothing.
# usage: _rudo_snap_reply WORDS TYPED [PREFIX]
_rudo_snap_reply()
{
    local separators=${COMP_WORDBREAKS//[!=:]/} whole=${3-}$2 kept=
    mapfile -t COMPREPLY < <(compgen -P "${3-}" -W "$1" -- "$2")
    # What ends so is not at its end yet.
    [ ${#COMPREPLY[@]} -ne 1 ] || [[ ${COMPREPLY[0]} != *[:+] ]] || compopt -o nospace 2>/dev/null
    [ -z "$separators" ] || kept=${whole%"${whole##*["$separators"]}"}
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

# Completes the value of an option; fails if that takes none.
# usage: _rudo_snap_complete_value COMMAND OPTION TYPED [PREFIX]
_rudo_snap_complete_value()
{
    local letter name value
    while read -r letter name value; do
        [ "$2" = "$letter" ] || [ "$2" = "$name" ] || continue
        [ -n "$value" ] || return 1
        if [ "$value" = DIR ] && [ -z "${4-}" ]; then
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$3")
        else
            _rudo_snap_reply "$(_rudo_snap_values "$value" "$name")" "$3" "${4-}"
        fi
        return 0
    done < <(_rudo_snap_options "$1")
    return 1
}

_rudo_snap()
{
    local words word count command before i
    _rudo_snap_words
    count=${#words[@]}
    word=${words[-1]}
    command=${words[1]-}
    COMPREPLY=()
    if [ "$count" -le 2 ]; then
        _rudo_snap_reply "$(_rudo_snap_commands) --help --version" "$word"
        return
    fi
    if [ "$command" = help ]; then
        [ "$count" -gt 3 ] || _rudo_snap_reply "$(_rudo_snap_commands) glossary" "$word"
        return
    fi
    # Behind "--", the program that capture runs.
    for ((i = 2; i < count - 1; i++)); do
        [ "${words[i]}" = -- ] || continue
        [ "$command" != capture ] || [ "$i" -ne $((count - 2)) ] ||
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        return
    done
    before=${words[-2]}
    if [[ $word == --*=* ]]; then
        _rudo_snap_complete_value "$command" "${word%%=*}" "${word#*=}" "${word%%=*}="
    elif [[ $before == -* && $before != *=* ]] &&
        _rudo_snap_complete_value "$command" "$before" "$word"; then
        return
    elif [[ $word == -* ]]; then
        _rudo_snap_reply "$(_rudo_snap_options "$command" | cut -d ' ' -f 2)" "$word"
    elif [ "$command" = replay ] && [ "$count" -eq 3 ] && [[ merge == "$word"* ]] && [ -n "$word" ]; then
        COMPREPLY=(merge)
    fi
    # Else bash completes file names: `complete -o default`.
}

complete -o default -F _rudo_snap rudo-snap
