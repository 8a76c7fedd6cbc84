#!/bin/bash
# The picture in README.md shows what the program prints today.
. "$(dirname "$0")/../support/tap.sh"

python=/usr/bin/python3
[ -x "$python" ] || skip_all "there is no $python"
for picture in first second; do
    check "docs/make_picture.py draws" "$python" docs/make_picture.py "$RUDO_SNAP" "$WORK/$picture.svg"
done
check "the same run gives the same picture" cmp "$WORK/first.svg" "$WORK/second.svg"
check "docs/report.svg is up to date; docs/make_picture.py draws it again" cmp "$WORK/first.svg" docs/report.svg
check "it is XML" "$python" -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' docs/report.svg
check "README.md shows it" grep -q '(docs/report.svg)' README.md
done_testing
