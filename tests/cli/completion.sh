#!/bin/bash
# Completion for bash, as an interactive bash on a terminal shows it: what is offered for a line, and
# what a line becomes. Each option of each command is completed, and each of its values.
. "$(dirname "$0")/../support/tap.sh"
command -v python3 >/dev/null || skip_all "there is no python3"

ln -s "$RUDO_SNAP" "$WORK/rudo-snap"
mkdir "$WORK/files" "$WORK/files/heaps"
: >"$WORK/files/shop.zst"
: >"$WORK/files/heaps/cart.zst"
cat >"$WORK/complete.py" <<'PYTHON'
# Types lines into an interactive bash. Each line of standard input is one: "?" and a line asks what is
# offered for it, "!" and a line what it becomes. Prints the words, sorted, or the new line.
import os, pty, select, sys

script, folder = sys.argv[1:]
PROMPT = b"<it is your turn>"
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.environ.update(TERM="dumb", COLUMNS="20000", HISTFILE="/dev/null", LC_ALL="C")
    os.environ["PATH"] = os.path.dirname(folder) + ":" + os.environ["PATH"]
    os.execvp("bash", ["bash", "--noprofile", "--norc", "-i"])


def read_until(text):
    got = b""
    while text not in got:
        ready, _, _ = select.select([terminal], [], [], 60)
        if not ready:
            sys.exit(f"bash says nothing more; so far: {got!r}")
        got += os.read(terminal, 65536)
    return got.decode(errors="replace").replace("\r", "")


# Types when bash reads keys, not before: until then the terminal edits lines by itself.
def ask(keys):
    os.write(terminal, keys.encode())
    return read_until(PROMPT).split(PROMPT.decode())[0]


settings = ["show-all-if-ambiguous on", "bell-style none", "page-completions off",
            "completion-query-items 0", "completion-display-width 0", "enable-bracketed-paste off"]
ask("stty -echo; " + "".join(f"bind 'set {setting}'; " for setting in settings) +
    f". '{script}'; PS1='<it is your'' turn>'\n")
for line in sys.stdin.read().splitlines():
    kind, line = line[0], line[1:]
    if kind == "?":
        shown = ask(line + "\x1b?\x15printf '%s\\n' of\"fer\"ed\n")
        print(" ".join(sorted(shown[:shown.rindex("offered")].split())))
    else:
        shown = ask(line + "\t\x01printf '%s\\n' 'now'' it is[\x05]'\n")
        shown = shown[shown.rindex("now it is[") + 10:]
        print(shown[:shown.rindex("]")])
os.write(terminal, b"exit\n")
PYTHON

# Queries gather, and one bash answers all.
names=() queries=() expected=()
offers() { names+=("$1"); queries+=("?$2"); expected+=("$3"); }
becomes() { names+=("$1"); queries+=("!$2"); expected+=("$3"); }

offers "commands" "rudo-snap re" "replay report retained"
becomes "a command" "rudo-snap mar" "rudo-snap mark "
becomes "a command to be explained" "rudo-snap help inf" "rudo-snap help info "
becomes "the glossary" "rudo-snap help gl" "rudo-snap help glossary "
becomes "an option" "rudo-snap mark --js" "rudo-snap mark --json "
becomes "an option behind the operand" "rudo-snap mark shop.zst --w" "rudo-snap mark shop.zst --workers "
becomes "the choice of an option" "rudo-snap mark --kind mi" "rudo-snap mark --kind minor "
becomes "the choice behind an equals sign" "rudo-snap mark --kind=mi" "rudo-snap mark --kind=minor "
offers "choices just behind an equals sign" "rudo-snap mark --kind=" "major minor"
becomes "a choice with a hyphen" "rudo-snap mark --scheduler ro" "rudo-snap mark --scheduler round-robin "
becomes "a choice with digits" "rudo-snap explore --model c" "rudo-snap explore --model c11 "
becomes "a word that goes on behind a colon" "rudo-snap mark --schedule see" "rudo-snap mark --schedule seed:"
becomes "such a word behind an equals sign" "rudo-snap mark --schedule=see" "rudo-snap mark --schedule=seed:"
becomes "a file behind a colon" "rudo-snap mark --schedule file:sho" "rudo-snap mark --schedule file:shop.zst "
becomes "a file behind a path" "rudo-snap mark heaps/ca" "rudo-snap mark heaps/cart.zst "
becomes "a file behind an option" "rudo-snap mark --json heaps/ca" "rudo-snap mark --json heaps/cart.zst "
becomes "an option behind a path" "rudo-snap mark heaps/cart.zst --ki" "rudo-snap mark heaps/cart.zst --kind "
becomes "a folder alone where one is wanted" "rudo-snap replay --golden " "rudo-snap replay --golden heaps/"
becomes "letters, too" "rudo-snap replay -g " "rudo-snap replay -g heaps/"
becomes "roots" "rudo-snap what-if --cut conse" "rudo-snap what-if --cut conservative "
becomes "a thread" "rudo-snap path shop.zst Order --avoid thr" "rudo-snap path shop.zst Order --avoid thread:"
becomes "a signal" "rudo-snap capture --on-signal H" "rudo-snap capture --on-signal HUP "
becomes "a layout" "rudo-snap capture --layout rudo-gc-0.8." "rudo-snap capture --layout rudo-gc-0.8.12 "
becomes "a reason" "rudo-snap check shop.zst --allow sa" "rudo-snap check shop.zst --allow same-file "
becomes "a process" "rudo-snap capture --pid $$" "rudo-snap capture --pid $$ "
becomes "the program that capture runs" "rudo-snap capture -o x.zst -- rudo-sn" "rudo-snap capture -o x.zst -- rudo-snap "
becomes "merge" "rudo-snap replay mer" "rudo-snap replay merge "

# Whatever the help names: all options, and all choices of each.
options_of() { "$RUDO_SNAP" help "$1" | sed -n '/^options:/,/^$/p'; }
for command in $("$RUDO_SNAP" help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
    [ "$command" != help ] || continue
    offers "$command: all options" "rudo-snap $command --" \
        "$(options_of "$command" | sed -nE 's/^  (-[a-zA-Z], |    )(--[a-z-]+).*/\2/p' | sort | tr '\n' ' ' | sed 's/ $//')"
    while read -r option choices; do
        offers "$command $option: all choices" "rudo-snap $command $option " \
            "$(tr '|' '\n' <<<"$choices" | sort | tr '\n' ' ' | sed 's/ $//')"
    done < <(options_of "$command" | sed -nE 's/^  (-[a-zA-Z], |    )(--[a-z-]+) ([a-z0-9-]+(\|[a-z0-9-]+)+)( .*)?$/\2 \3/p')
done

printf '%s\n' "${queries[@]}" | python3 "$WORK/complete.py" "$ROOT/docs/rudo-snap.bash" "$WORK/files" >"$WORK/answers" ||
    bail "bash does not answer: $(tail -3 "$WORK/answers")"
mapfile -t answers <"$WORK/answers"
for i in "${!queries[@]}"; do
    is "${names[i]}" "${answers[i]-}" "${expected[i]}"
done

# Each kind of value that options take is one that completion knows, or one that has no words.
none_of="FILE SCRIPT CORE PROGRAM TIME SECONDS SIZE N S K OUT PREFIX SCHEDULE DIR I/N FIRST..LAST"
kinds=$(for command in $("$RUDO_SNAP" help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
    options_of "$command" | sed -nE 's/^  (-[a-zA-Z], |    )--[a-z-]+ ([A-Z][A-Z./]*)( .*)?$/\2/p'
done | sort -u)
for kind in $kinds; do
    [[ " $none_of " == *" $kind "* ]] && continue
    check "values called $kind are completed" grep -qE "^    $kind\)" docs/rudo-snap.bash
done
for layout in $("$RUDO_SNAP" capture --pid 1 --layout "$WORK/none" -o - 2>&1 >/dev/null | sed -n 's/^ *\(rudo-gc-[0-9.]*\)$/\1/p'); do
    check "layout $layout is completed" grep -qE "LAYOUT\).*[ \"]${layout}[ \"]" docs/rudo-snap.bash
done
done_testing
