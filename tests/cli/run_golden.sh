#!/bin/bash
# Golden tests of the command line: each tests/cli/golden/NAME.sh is run in an empty folder that
# holds the sample snapshots shop.zst, fallback.zst, partial.zst, grown.zst, later.zst and typed.zst, with
# rudo-snap and the helper edit_golden in the PATH.
# Its output is compared with
#
#   NAME.stdout.exact   byte for byte; no file: nothing
#   NAME.stderr.glob    line by line, each line a shell pattern; no file: nothing
#   NAME.exit           the exit status; no file: 0
#
#   tests/cli/run_golden.sh            compare
#   tests/cli/run_golden.sh --update   rewrite what differs; patterns that match are kept
. "$(dirname "$0")/../support/tap.sh"
export LC_ALL=C.UTF-8 # trees

update=no
[ "${1:-}" = --update ] && update=yes
golden=$ROOT/tests/cli/golden
write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
[ -x "$write_shop_heap" ] || bail "there is no $write_shop_heap: run \`make tests\`"

mkdir "$WORK/bin" "$WORK/samples"
ln -s "$RUDO_SNAP" "$WORK/bin/rudo-snap"
ln -s "$BUILD/tests/cli/helpers/edit_golden" "$WORK/bin/edit_golden"
if ! "$write_shop_heap" "$WORK/samples/shop.zst" ||
    ! "$write_shop_heap" "$WORK/samples/fallback.zst" roots ||
    ! "$write_shop_heap" "$WORK/samples/partial.zst" missing ||
    ! "$write_shop_heap" "$WORK/samples/grown.zst" grown ||
    ! "$write_shop_heap" "$WORK/samples/later.zst" later ||
    ! "$write_shop_heap" "$WORK/samples/typed.zst" typed; then
    bail "cannot write the samples"
fi

# matches_globs TEXT_FILE GLOB_FILE: as many lines, and each matches its pattern.
matches_globs()
{
    local text pattern status=0
    exec 5<"$1" 6<"$2"
    while :; do
        IFS= read -r text <&5 || { IFS= read -r pattern <&6 && status=1; break; }
        IFS= read -r pattern <&6 || { status=1; break; }
        # shellcheck disable=SC2053  # a pattern on purpose
        [[ $text == $pattern ]] || { status=1; break; }
    done
    exec 5<&- 6<&-
    return $status
}

# with_patterns TEXT_FILE GLOB_FILE: the text, but patterns for lines that an old pattern matches.
with_patterns()
{
    local text pattern old=()
    mapfile -t old < <(grep -F '*' "$2")
    while IFS= read -r text; do
        for pattern in "${old[@]}"; do
            # shellcheck disable=SC2053  # a pattern on purpose
            [[ $text == $pattern ]] && text=$pattern && break
        done
        printf '%s\n' "$text"
    done <"$1"
}

# settle FILE ACTUAL: makes FILE hold ACTUAL, or removes it when that is empty.
settle()
{
    if [ -s "$2" ]; then cp "$2" "$1"; else rm -f "$1"; fi
}

for script in "$golden"/*.sh; do
    name=$(basename "$script" .sh)
    base=$golden/$name
    rm -rf "$WORK/case"
    cp -r "$WORK/samples" "$WORK/case"
    (cd "$WORK/case" && PATH=$WORK/bin:$PATH exec bash -u "$script") \
        >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
    status=$?
    expected_status=0
    [ ! -e "$base.exit" ] || read -r expected_status <"$base.exit"
    for file in stdout.exact stderr.glob; do
        : >"$WORK/$file"
        [ ! -e "$base.$file" ] || cp "$base.$file" "$WORK/$file"
    done

    if [ $update = yes ]; then
        settle "$base.stdout.exact" "$WORK/stdout"
        with_patterns "$WORK/stderr" "$WORK/stderr.glob" >"$WORK/stderr.new"
        settle "$base.stderr.glob" "$WORK/stderr.new"
        if [ "$status" -eq 0 ]; then rm -f "$base.exit"; else echo "$status" >"$base.exit"; fi
        ok "$name"
    elif [ "$status" -ne "$expected_status" ]; then
        not_ok "$name" "status $status, expected $expected_status" "$(cat "$WORK/stderr")"
    elif ! cmp -s "$WORK/stdout" "$WORK/stdout.exact"; then
        not_ok "$name" "$(diff -u --label "expected stdout" --label stdout \
            "$WORK/stdout.exact" "$WORK/stdout")"
    elif ! matches_globs "$WORK/stderr" "$WORK/stderr.glob"; then
        not_ok "$name" "$(diff -u --label "expected stderr" --label stderr \
            "$WORK/stderr.glob" "$WORK/stderr")"
    else
        ok "$name"
    fi
done
done_testing
