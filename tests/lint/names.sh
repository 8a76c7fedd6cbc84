#!/bin/bash
# File names, notes, leftovers, and things that belong to one machine only.
. "$(dirname "$0")/../support/lint.sh"

files=$(source_files)
text_files=$(printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 grep -lI '' --)

# Rust fixes some of its names; the header that two builds of the marker differ in has one.
none "names of source files are unique in the whole tree" \
    "$(printf '%s\n' "$files" | grep -E '\.(c|h|sh|mk|py|rs)$' | grep -vE '/((main|lib|mod|build)\.rs|shared_memory\.h)$' |
        sed 's|.*/||' | sort | uniq -d)"
none "there is no util folder or file" \
    "$(printf '%s\n' "$files" | grep -v '^tests/' | grep -iE '(^|/)(utils?|helpers?|misc|common)(/|\.[ch]$)')"
none "no file is larger than 1 MiB" \
    "$(printf '%s\n' "$files" | while IFS= read -r file; do
        [ "$(stat -c %s "$file")" -le 1048576 ] || echo "$file"
    done)"

# Split, so that this file does not find itself.
leftover='\b(TO''DO|FIX''ME|X''XX|HA''CK)\b'
none "nothing is left to do" "$(printf '%s\n' "$text_files" | grep_in_files "$leftover")"

# Notes that comments and documents cite exist.
missing_notes()
{
    local note
    printf '%s\n' "$text_files" | tr '\n' '\0' |
        xargs -0 -r grep -ohE '[Ss]ee Note \[[^]]+\]' -- | sed 's/^.*\[/[/' | sort -u |
        while IFS= read -r note; do
            printf '%s\n' "$text_files" | tr '\n' '\0' | xargs -0 grep -hF "Note $note" -- |
                grep -qE '^ *(//|#|--) *Note \[' || echo "Note $note"
        done
}
none "every note that is cited exists" "$(missing_notes)"

elsewhere='(^|[^a-zA-Z0-9_./-])/(wo''rk|fa''rm|ro''ot|ho''me/[a-z]+)/'
none "no paths of one machine" "$(printf '%s\n' "$text_files" | grep_in_files "$elsewhere")"
none "no e-mail addresses" \
    "$(printf '%s\n' "$text_files" | grep_in_files '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z.]*[a-z]{2,}')"

none "text files end with a newline and have no blanks at line ends" \
    "$(printf '%s\n' "$text_files" | grep -E '\.(c|h|sh|mk|md|py|rs|1)$|^Makefile$' | while IFS= read -r file; do
        [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
        grep -HnE '[[:blank:]]+$' "$file"
    done)"
done_testing
