#!/bin/bash
# timeout: 300
# Every example in the documents is run: lines that begin with "$ rudo-snap" in ```console blocks of
# README.md, docs/*.md and samples/**/README.md, and in displays of the man page. The output that a
# document shows below a command is compared with what the command prints. Times and compressed sizes
# may differ, and a line "..." stands for any lines. A command ends with 0, or with what an
# "$ echo $?" behind it shows.
#
# The commands of a document are run one after the other in a folder that has samples/ and
# build/release/ as the source tree has them. Process 4242 is the sample leaky; of such captures only
# the words are compared. The man page's examples find shop.zst and grown.zst (the heap of the golden
# tests) and core.4242, too.
#
#   tests/cli/docs_examples.sh [DOCUMENT...]            run and compare
#   tests/cli/docs_examples.sh --update [DOCUMENT...]   write what differs into the documents; examples
#                                                       with "..." are left to a person
. "$(dirname "$0")/../support/tap.sh"
export LC_ALL=C.UTF-8 # trees

manual=docs/rudo-snap.1
is_update=no
if [ "${1:-}" = --update ]; then
    is_update=yes
    shift
fi
documents=("$@")
[ $# -gt 0 ] || documents=(README.md docs/*.md samples/README.md samples/*/README.md "$manual")

helpers=$BUILD/tests/cli/helpers
[ -x "$helpers/write_shop_heap" ] || bail "there is no $helpers/write_shop_heap: run \`make tests\`"
mkdir "$WORK/bin"
ln -s "$RUDO_SNAP" "$WORK/bin/rudo-snap"
PATH=$WORK/bin:$PATH

# new_folder NAME: a folder for one document's commands; leaves $folder.
new_folder()
{
    folder=$WORK/$1/folder
    mkdir -p "$folder/build"
    ln -s "$BUILD" "$folder/build/release"
    cp -r samples "$folder/samples"
}

# examples_of DOCUMENT FOLDER: writes N.command, N.expected and N.status for each example.
examples_of()
{
    awk -v folder="$2" -v is_manual="$([ "$1" = "$manual" ] && echo 1)" '
        function save() {
            file = folder "/" ++number
            print command > (file ".command")
            printf "%s", expected > (file ".expected")
            print status > (file ".status")
            command = ""
        }
        is_manual {
            if (/^\$ rudo-snap /) { command = substr($0, 3); expected = ""; status = 0; save() }
            next
        }
        /^```/ { if (command != "") save(); inside = ($0 == "```console"); next }
        !inside { next }
        command ~ /\\$/ { command = command "\n" $0; next }
        wants_status { status = $0; wants_status = 0; next }
        /^\$ echo \$\?$/ { wants_status = 1; next }
        /^\$ / { if (command != "") save() }
        /^\$ rudo-snap / { command = substr($0, 3); expected = ""; status = 0; next }
        command != "" { expected = expected $0 "\n" }' "$1"
}

# mask HOW: of stdin, what differs from run to run. words: all but the words.
mask()
{
    case $1 in
    words) sed -E 's/0x[0-9a-f]+/N/g; s/[0-9][0-9,.]*( (ns|us|ms|s|B|[KMG]iB)\b)?/N/g; s/ +/ /g; s/^[a-z]+ \(pid/PROGRAM (pid/; s/N threads/N thread/' ;;
    *)
        sed -E 's/[0-9.]+ (ns|us|ms|s)\b/TIME/g
            s/(file +)[0-9.]+ [KMG]?i?B, ([0-9.]+ [KMG]?i?B) decompressed, [0-9]+ frames/\1SIZE/
            s/: ok, [0-9]+ frames, [0-9.]+ [KMG]?i?B/: ok, SIZES/
            s/(wrote +[^ ]+ +)[0-9.]+ [KMG]?i?B \([0-9]+x/\1SIZE/
            s/[0-9]+ workers?/N workers/
            s/"[a-z_]+_ns": [0-9]+/NS/'
        ;;
    esac
}

# matches ACTUAL EXPECTED HOW: line by line; "..." skips.
matches()
{
    awk 'NR == FNR { actual[++lines] = $0; next }
         $0 == "..." { skipping = 1; next }
         { at++
           if (skipping) while (at <= lines && actual[at] != $0) at++
           skipping = 0
           if (at > lines || actual[at] != $0) { print "line not printed: " $0; failed = 1; exit }
         }
         END { if (!failed && !skipping && at < lines) { print "also printed: " actual[at + 1]; failed = 1 }
               exit failed }' <(mask "$3" <"$1") <(mask "$3" <"$2")
}

# The process that examples capture.
start_sample()
{
    mkfifo "$WORK/input"
    exec 7<>"$WORK/input"
    "$BUILD/samples/leaky" --seconds 300 >"$WORK/sample.log" <&7 7<&- &
    sample=$!
    TAP_STARTED+=("$sample")
    wait_until 30 grep -q '}' "$WORK/sample.log" || bail "the sample does not start"
}

# run_example DOCUMENT N: in $folder.
run_example()
{
    local document=$1 example=$WORK/$name/$2 command expected how=all status difference
    command=$(cat "$example.command")
    expected=$(cat "$example.status")
    if [[ $command == *4242* ]]; then
        how=words
        command=${command//--pid 4242/--pid $sample}
    fi
    (cd "$folder" && eval "$command") >"$example.actual" 2>"$example.errors" </dev/null
    status=$?
    [ -s "$example.actual" ] || cp "$example.errors" "$example.actual"
    local title
    title="$document: $(head -n 1 "$example.command")"
    if grep -q "not permitted" "$example.errors"; then
        skip "$title" "tracing is not permitted here"
    elif grep -q "this build cannot go through every schedule" "$example.errors"; then
        skip "$title" "a build with a sanitizer cannot go through every schedule"
    elif [ "$status" -ne "$expected" ]; then
        not_ok "$title" "status $status, expected $expected" "$(cat "$example.errors")"
    elif [ -s "$example.expected" ] &&
        ! difference=$(matches "$example.actual" "$example.expected" "$how"); then
        not_ok "$title" "$difference" "it prints:" "$(cat "$example.actual")"
        if grep -qx '\.\.\.' "$example.expected"; then
            note "this example is for a person to change"
        else
            cp "$example.actual" "$example.update"
        fi
    else
        ok "$title"
    fi
}

# update DOCUMENT: replaces the outputs that differ.
update()
{
    awk -v folder="$WORK/$name" '
        /^```/ { inside = ($0 == "```console"); skipping = 0; begun = 0 }
        inside && begun && line_before ~ /\\$/ { print; line_before = $0; if (!/\\$/) insert(); next }
        inside && /^\$ / { skipping = 0; begun = 0 }
        !skipping { print }
        inside && /^\$ rudo-snap / { begun = 1; line_before = $0; if (!/\\$/) insert() }
        function insert(   line, file) {
            begun = 0
            file = folder "/" ++number ".update"
            while ((getline line < file) > 0) { print line; skipping = 1 }
        }' "$1" >"$WORK/updated" && cat "$WORK/updated" >"$1"
}

start_sample
for document in "${documents[@]}"; do
    name=${document//\//_}
    new_folder "$name"
    examples_of "$document" "$WORK/$name"
    count=$(find "$WORK/$name" -maxdepth 1 -name '*.command' | wc -l)
    if [ "$document" = "$manual" ]; then
        "$helpers/write_shop_heap" "$folder/grown.zst" grown
        "$helpers/write_shop_heap" "$folder/shop.zst.made" || bail "cannot write the sample"
        "$helpers/make_core_files" example "$folder/core.4242" || bail "cannot write a core"
    fi
    case $document in
    README.md | "$manual") check "$document has examples" test "$count" -ge 3 ;;
    esac
    for number in $(seq "$count"); do
        # The man page captures shop.zst first, and then looks at another heap of that name.
        [ "$document" != "$manual" ] || case $(cat "$WORK/$name/$number.command") in
        *capture*) rm -f "$folder/shop.zst" ;;
        *) cp "$folder/shop.zst.made" "$folder/shop.zst" ;;
        esac
        run_example "$document" "$number"
    done
    [ "$is_update" = no ] || [ "$document" = "$manual" ] || update "$document"
done
# What a reader is told in the first screen, and how long the page may become.
check "README.md opens with make demo and make check" \
    sh -c "head -40 README.md | grep -q 'make demo' && head -40 README.md | grep -q 'make check'"
# shellcheck disable=SC2016  # backquotes of Markdown
lines=$(grep -vc '^- `.*/`: ' README.md)
check "README.md has at most 150 lines beside the rooms ($lines)" test "$lines" -le 150
done_testing
