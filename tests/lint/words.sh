#!/bin/bash
# Plain words, in comments, strings, help and prose (CONTRIBUTING.md, "Words"): a check for each room
# shows its lines that break a rule which grep can see. "There is no X" is plain, and so is a question.
. "$(dirname "$0")/../support/lint.sh"


# Lines that quote the rules or other people's text: a file, and a part of the line.
EXCEPTIONS='
CONTRIBUTING.md 1. Name the thing; no sentence begins with
CONTRIBUTING.md 2. "not a", never
CONTRIBUTING.md 3. Name the kernel, the caller or the user, not
CONTRIBUTING.md 4. "N", never
'

# Split, so that this file does not find itself.
persons='\b(no''body|some''body|who''ever|any''body|every''body)\b'
number='\bso ''many\b'
denial='(?<![Tt]here )\b(is|are|was|were) ''no\b(?! longer\b)'
# A sentence begins a line, a comment, a string or an item, or follows another sentence.
beginning='(^\W*|[.!] +|")[Ww]hat ''(is|are|was|were)\b[^?]*$'

# Text that was written here, but for the licence, recorded data, patches, and what programs print.
written_files()
{
    source_files | grep -E '\.(c|h|cpp|py|rs|sh|bash|mk|md|1|3|in|yml|json)$|(^|/)Makefile$' |
        grep -vE '^tests/fuzz/corpus/|^samples/heaps/golden/'
}

# "file:line:text" for each line that breaks a rule.
odd_lines()
{
    {
        tr '\n' '\0' <<<"$files" | xargs -0 -r grep -HnIiE -e "$persons|$number" --
        tr '\n' '\0' <<<"$files" | xargs -0 -r grep -HnIP -e "$denial|$beginning" --
    } | sort -t: -k1,1 -k2,2n -u
}

is_exception()
{
    local file text
    while read -r file text; do
        [ -n "$file" ] && [[ $1 == "$file":*"$text"* ]] && return
    done <<<"$EXCEPTIONS"
    return 1
}

files=$(written_files)
found=$(odd_lines | while IFS= read -r line; do is_exception "$line" || printf '%s\n' "$line"; done)
while IFS= read -r room; do
    if [ "$room" = . ]; then
        none "plain words at the top of the tree" "$(grep -E '^[^/:]+:' <<<"$found")"
    else
        none "plain words in $room" "$(grep -E "^$room/[^/:]+:" <<<"$found")"
    fi
done < <(sed -E '/\//!s|.*|./|; s|/[^/]*$||' <<<"$files" | sort -u)
done_testing
