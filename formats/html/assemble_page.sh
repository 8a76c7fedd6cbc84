#!/bin/bash
# Puts the page of a report together: everything before its JSON block, and everything behind it.
#
#   D3_HIERARCHY=FILE D3_LICENCE=FILE formats/html/assemble_page.sh FOLDER PAGE.html PAGE.css SCRIPT.js...
#
# writes FOLDER/head.html and FOLDER/tail.html. PAGE.html has lines that stand for files: @STYLE@,
# @LICENCE@, @DATA@ and @SCRIPT@. The page's policy names the one style and the one script by their
# hashes, so a browser runs nothing else.
set -eu

folder=$1
page=$2
style=$3
shift 3

{
    cat "$D3_HIERARCHY"
    echo
    echo '"use strict";'
    cat "$@"
} >"$folder/script.js"
cp "$style" "$folder/style.css"
sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' "$D3_LICENCE" >"$folder/licence.txt"

# Either would end the element that it is in.
if grep -qiE '</script|<!--' "$folder/script.js" || grep -qi '</style' "$folder/style.css"; then
    echo "assemble_page: a script or a style holds markup" >&2
    exit 1
fi

# sha256-... as a policy has it, of a file as it stands between its tags.
hash_of()
{
    printf 'sha256-'
    # shellcheck disable=SC2059  # the digits are the format
    printf "$(sha256sum <"$1" | cut -c1-64 | sed 's/../\\x&/g')" | base64
}
style_hash=$(hash_of "$folder/style.css")
script_hash=$(hash_of "$folder/script.js")

# Copies the template with its files; @DATA@ ends one half.
half=$folder/head.html.new
: >"$half"
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    @STYLE@)
        {
            printf '<style>'
            cat "$folder/style.css"
            printf '</style>\n'
        } >>"$half"
        ;;
    @LICENCE@) cat "$folder/licence.txt" >>"$half" ;;
    @DATA@)
        printf '<script type="application/json" id="data">' >>"$half"
        mv "$half" "$folder/head.html"
        half=$folder/tail.html.new
        printf '</script>\n' >"$half"
        ;;
    @SCRIPT@)
        {
            printf '<script>'
            cat "$folder/script.js"
            printf '</script>\n'
        } >>"$half"
        ;;
    *)
        line=${line//@STYLE_HASH@/$style_hash}
        printf '%s\n' "${line//@SCRIPT_HASH@/$script_hash}" >>"$half"
        ;;
    esac
done <"$page"
mv "$half" "$folder/tail.html"
