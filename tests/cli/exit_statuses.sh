#!/bin/bash
# The table of exit statuses in the man page, kept by every command: 2 for wrong usage, 3 for damaged
# input, 4 for what the system refuses, 0 where nothing is wrong. A message goes with each that is not 0.
. "$(dirname "$0")/../support/tap.sh"

cp samples/heaps/growing-1.zst "$WORK/a.zst"
cp samples/heaps/growing-2.zst "$WORK/b.zst"
cd "$WORK" || exit 1
head -c $(($(stat -c %s a.zst) * 9 / 10)) a.zst >cut.zst
echo "a text" >text.zst
printf '%s\n' '{"schema": "rudo-snap/replay/1"' >lines.jsonl
mkdir folder

# How each command reads the file %: one line a command, several where it reads files in several ways.
uses()
{
    cat <<'USES'
capture capture --core % -o out.zst
capture capture --pid 1 --layout % -o out.zst
mark mark %
mark mark --schedule file:% a.zst
report report %
report report a.zst %
path path % 0x600000000640
show show % 0x600000000640
retained retained %
what-if what-if --cut stack %
diff diff a.zst %
simulate simulate %
simulate simulate --costs % a.zst
info info %
verify verify %
verify verify --salvage -o out.zst %
check check --limit suspects=0 %
query query --file one.sql %
export export -q --to pprof %
check check --limit suspects=0 --baseline % a.zst
replay replay --seeds 1..1 %
replay replay merge % -o out.jsonl
explore explore -n 1 %
USES
}
commands=$("$RUDO_SNAP" help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
for command in $commands; do
    case $command in help | version) continue ;; esac
    check "$command: there is a case here" grep -q "^$command " <(uses)
done

echo "SELECT 1" >"$WORK/one.sql"

# ends NAME STATUS ARGUMENT...: it ends so, with a message unless that is 0.
ends()
{
    local name=$1 status=$2
    shift 2
    rm -f out.zst out.jsonl
    run "$RUDO_SNAP" "$@"
    check_exit "$name" "$status"
    [ "$status" -eq 0 ] || [ -s stderr ] || grep -qi "cannot\|damaged\|not a snapshot\|exceeded" stdout ||
        not_ok "$name: a message" "nothing is said by: $*"
}

while read -r command use; do
    read -r -a words <<<"$use"
    # What each cannot read, but for salvage, which keeps what is whole of a damaged file.
    for case in "missing.zst 4" "text.zst 3" "cut.zst 3" "folder 3"; do
        read -r file status <<<"$case"
        case "$use $file" in
        "replay merge"*folder | *--layout*folder | *--costs*folder | *file:*folder) status=4 ;;
        "replay --seeds"*folder) status=2 ;; # without snapshots
        "verify --salvage"*cut.zst) status=0 ;;
        esac
        ends "${use//%/$file}" "$status" "${words[@]//%/$file}"
    done
done < <(uses)

for command in $commands; do
    ends "$command: an unknown option" 2 "$command" --no-such-option
    ends "$command: its help" 0 "$command" --help
    "$RUDO_SNAP" "$command" --help >/dev/full 2>stderr
    is "$command: a full disk behind standard output" "$?" 4
done
ends "no command" 2
ends "an unknown command" 2 marc
ends "a term that is not in the glossary" 2 help nonsense
while read -r command use; do
    read -r -a words <<<"${use//%/a.zst}"
    case $use in
    capture* | info* | verify* | explore* | *merge* | *--costs* | *file:* | path* | show*) continue ;;
    esac
    option=--json
    case $use in query* | export*) option=--output ;; esac
    ends "$command: a result that cannot be written" 4 "${words[@]}" $option folder/none/out.json
    ends "$command: a full disk behind a result" 4 "${words[@]}" $option /dev/full
    ends "$command: a result over its input" 2 "${words[@]}" $option a.zst
done < <(uses)
# The highest of several files.
ends "damaged and missing" 4 verify cut.zst missing.zst a.zst
ends "whole and damaged" 3 verify a.zst cut.zst
ends "a limit that is exceeded" 1 diff --fail-on any+1% a.zst b.zst
ends "a limit that is kept" 0 diff --fail-on total+900% a.zst b.zst
ends "damage wins over growth" 3 diff --fail-on any+1% a.zst cut.zst

# The table.
is "the man page has all of them" "$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]\).*/\1/p' "$ROOT/docs/rudo-snap.1" | tr '\n' ' ')" "0 1 2 3 4 "
done_testing
