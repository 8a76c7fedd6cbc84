#!/bin/bash
# The glossary: `rudo-snap help glossary` and docs/glossary.md say the same; a single term is explained,
# too.
#
#   tests/cli/glossary.sh            compare
#   tests/cli/glossary.sh --update   write docs/glossary.md
. "$(dirname "$0")/../support/tap.sh"

# "term: definition", one a line.
of_help()
{
    awk '/^[^ ]/ { if (text != "") print text; text = $0 ":"; next }
         { sub(/^ +/, ""); text = text " " $0 }
         END { print text }'
}
of_document()
{
    awk '/^- / { if (text != "") print text; text = substr($0, 3); next }
         text != "" && /^  / { sub(/^ +/, ""); text = text " " $0 }
         END { print text }' docs/glossary.md | tr -d '*'
}

"$RUDO_SNAP" help glossary >"$WORK/glossary"
of_help <"$WORK/glossary" >"$WORK/terms"
if [ "${1:-}" = --update ]; then
    sed '/^- /,$d' docs/glossary.md >"$WORK/document"
    sed 's/^\([^:]*\): /**\1**: /' "$WORK/terms" | fold -s -w 96 |
        sed 's/ *$//; s/^\*\*/- &/; /^- /!s/^/  /' >>"$WORK/document"
    cp "$WORK/document" docs/glossary.md
fi
check "there are terms" test "$(wc -l <"$WORK/terms")" -ge 20
check "docs/glossary.md says the same" diff "$WORK/terms" <(of_document)
check "terms are in order" sort -f -c <(cut -d: -f1 "$WORK/terms")
is "no line is too long" "$(awk 'length > 80' "$WORK/glossary")" ""
run "$RUDO_SNAP" help Zombie
check_exit "a term is explained, in letters of any case" 0
is "with its definition" "$(of_help <"$WORK/stdout")" "$(grep '^zombie: ' "$WORK/terms")"
run "$RUDO_SNAP" help zombies
check_exit "an unknown term is wrong usage" 2

# Reports use these words without further explanation.
for term in zombie 'foreign block' 'invalid reference' suspect 'retained size' dominator digest \
    'owner thread' generation 'size class' 'large object' 'conservative root' 'interior pointer' golden \
    schedule fingerprint DEAD object; do
    check "it has '$term'" grep -q "^$term: " "$WORK/terms"
done
done_testing
