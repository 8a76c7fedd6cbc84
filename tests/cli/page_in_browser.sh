#!/bin/bash
# timeout: 600
# Pages of reports in a real browser: figures, zoom, search, keys, both themes, 400 px, and no error.
# Each night, and only where a Chromium is installed: `apt-get install chromium`, or CHROMIUM=PROGRAM.
#
#   PAGE_SCREENSHOTS=FOLDER tests/cli/page_in_browser.sh    keeps pictures to look at
. "$(dirname "$0")/../support/tap.sh"

python=/usr/bin/python3
[ -x "$python" ] || skip_all "there is no python3"
"$python" -c 'import sys; sys.path.insert(0, "tests/browser"); import browser; sys.exit(not browser.find_program())' ||
    skip_all "there is no Chromium"
helpers=$BUILD/tests/cli/helpers
heaps=$ROOT/samples/heaps
unset LC_ALL # the browser's own

# look NAME HEAP...: opens the page of a report and uses it.
look()
{
    local name=$1
    shift
    "$RUDO_SNAP" report -q -f --html "$WORK/$name.html" --json "$WORK/$name.json" "$@" || bail "no page of $name"
    # shellcheck disable=SC2086  # a folder, or nothing
    timeout 120 "$python" tests/browser/check_page.py "$name" "$WORK/$name.html" "$WORK/$name.json" \
        ${PAGE_SCREENSHOTS:-} >"$WORK/$name.tap" 2>&1
    while IFS= read -r line; do
        case $line in
        "ok "* | "not ok "*) check "$name: ${line#* - }" [ "${line%% *}" = ok ] ;;
        "1.."*) ;;
        *) echo "# $line" ;;
        esac
    done <"$WORK/$name.tap"
    check "$name: all was looked at" grep -q '^1\.\.' "$WORK/$name.tap"
}

look service "$heaps/service.zst"
look leaky "$heaps/leaky.zst"
look grown "$heaps/growing-1.zst" "$heaps/growing-2.zst"
head -c 60000 "$heaps/service.zst" >"$WORK/torn.zst"
"$RUDO_SNAP" verify --salvage "$WORK/torn.zst" -o "$WORK/saved.zst" >/dev/null 2>&1
look salvaged "$WORK/saved.zst"
"$helpers/make_hostile" markup 40 "$WORK/markup.zst"
look markup "$WORK/markup.zst"
"$helpers/make_hostile" list 100000 "$WORK/list.zst"
look list "$WORK/list.zst"
"$helpers/make_snapshots" random 1 3000 "$WORK/random.zst"
look random "$WORK/random.zst"
# One that was just captured has an account of its memory.
mkfifo "$WORK/input"
exec 7<>"$WORK/input" # it ends with its input
"$BUILD/samples/leaky" --seconds 300 >"$WORK/sample.log" <&7 7<&- &
STARTED=$!
TAP_STARTED+=("$STARTED")
if wait_until 30 grep -q '}' "$WORK/sample.log" && "$RUDO_SNAP" capture --pid "$STARTED" -q -o "$WORK/captured.zst"; then
    look captured "$WORK/captured.zst"
else
    skip "captured: a page" "leaky cannot be captured here"
fi
done_testing
