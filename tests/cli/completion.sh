#!/bin/bash
# Completion of words for bash.
. "$(dirname "$0")/../support/tap.sh"
. "$ROOT/docs/rudo-snap.bash"

# completes NAME EXPECTED WORD...: the words after the program's name, the last being typed.
completes()
{
    local name=$1 expected=$2
    shift 2
    COMP_WORDS=("$RUDO_SNAP" "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _rudo_snap
    is "$name" "${COMPREPLY[*]}" "$expected"
}

completes "commands" "mark" ma
completes "commands to be explained" "info" help in
completes "the glossary" "glossary" help gl
completes "options of a command" "--json" mark --j
completes "options behind the operand" "--workers" mark shop.zst --w
completes "choices" "major minor" mark --kind m
completes "choices behind an equals sign" "minor" mark --kind = mi
completes "choices just behind an equals sign" "major minor" mark --kind =
completes "choices with digits" "c11" explore --model c
completes "choices with hyphens" "round-robin" mark --scheduler ro
completes "nothing behind a path" "" mark heaps/shop.zst s
completes "process numbers" "$$" capture --pid $$
completes "file names are left to bash" "" mark shop
done_testing
