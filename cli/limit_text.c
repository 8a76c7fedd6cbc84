// Limits as words: see cli/limit_text.h.

#include "cli/limit_text.h"

#include <stdio.h>
#include <string.h>

bool limit_text_parse_allowed(const OptionTexts *texts, DoubtKinds *out, Error *error)
{
    *out = 0;
    for (uint32_t i = 0; i < texts->count; i++)
        if (!doubt_kinds_add(out, texts->values[i], error))
            return false;
    return true;
}

static char *format_figure(LimitFigure figure, char text[NUMBER_CHARS], uint64_t amount)
{
    return figure == FIGURE_BYTES ? format_bytes(text, amount) : format_count(text, amount);
}

// "+1,204", "-1.2 MiB", "+2.3 %"
static char *write_growth(const HeapLimit *limit, const LimitFinding *finding,
                          char text[LIMIT_TEXT_CHARS])
{
    uint64_t before = finding->before, after = finding->measured;
    uint64_t growth = after > before ? after - before : before - after;
    const char *sign = after > before ? "+" : after < before ? "-" : "";
    char number[NUMBER_CHARS], other[NUMBER_CHARS];

    if (limit->unit == LIMIT_PERCENT && before == 0 && after > 0)
        (void)snprintf(text, LIMIT_TEXT_CHARS, "from 0 to %s",
                       format_figure(finding->figure, other, after));
    else if (limit->unit == LIMIT_PERCENT)
        (void)snprintf(text, LIMIT_TEXT_CHARS, "%s%s", sign,
                       before == 0 ? "0 %" : format_share(number, growth, before));
    else
        (void)snprintf(text, LIMIT_TEXT_CHARS, "%s%s", sign,
                       format_figure(finding->figure, number, growth));
    return text;
}

char *limit_text_measured(const HeapLimit *limit, const LimitFinding *finding,
                          char text[LIMIT_TEXT_CHARS])
{
    char number[NUMBER_CHARS];
    const char *word = number;

    if (limit->measure == LIMIT_GROWTH)
        return write_growth(limit, finding, text);
    if (limit->measure == LIMIT_COMPLETE)
        word = finding->is_exceeded ? "no" : "yes";
    else if (limit->measure == LIMIT_NO_PATH)
        word = finding->is_exceeded ? "there is one" : "none";
    else if (limit->unit == LIMIT_PERCENT)
        word = finding->base == 0 ? "0 %" : format_share(number, finding->measured, finding->base);
    else
        (void)format_figure(finding->figure, number, finding->measured);
    (void)snprintf(text, LIMIT_TEXT_CHARS, "%s", word);
    return text;
}

char *limit_text_excess(const HeapLimit *limit, const LimitFinding *finding,
                        char text[LIMIT_TEXT_CHARS])
{
    bool is_size = finding->figure == FIGURE_BYTES, is_growth = limit->measure == LIMIT_GROWTH;
    char excess[NUMBER_CHARS], measured[NUMBER_CHARS], whole[NUMBER_CHARS];
    const char *how = finding->is_too_little ? (is_size ? "too little" : "too few")
                                             : (is_size ? "too much" : "too many");
    size_t used;

    text[0] = '\0';
    if (!finding->is_exceeded || finding->excess == 0 || finding->figure == FIGURE_NONE ||
        finding->figure == FIGURE_PATHS)
        return text;
    used = (size_t)snprintf(text, LIMIT_TEXT_CHARS, "%s%s %s",
                            format_figure(finding->figure, excess, finding->excess),
                            finding->figure == FIGURE_SLOTS ? " slots" : "", how);
    if (is_growth || limit->unit == LIMIT_PERCENT)
        (void)snprintf(
            text + used, LIMIT_TEXT_CHARS - used, " (%s %s %s)",
            format_figure(finding->figure, measured,
                          is_growth ? finding->before : finding->measured),
            is_growth ? "->" : "of",
            format_figure(finding->figure, whole, is_growth ? finding->measured : finding->base));
    return text;
}

void limit_text_print_verdict(const char *word, bool is_exceeded)
{
    style_begin(stdout, is_exceeded ? STYLE_ERROR : STYLE_STRONG);
    printf("%-8s", word);
    style_end(stdout);
    printf("  ");
}

void limit_text_print_doubts(const HeapDoubts *doubts, bool only_exceeded)
{
    for (uint32_t i = 0; i < doubts->count; i++) {
        const HeapDoubt *doubt = &doubts->doubts[i];

        if (only_exceeded && doubt->is_allowed)
            continue;
        limit_text_print_verdict(doubt->is_allowed ? "allowed" : "UNKNOWN", !doubt->is_allowed);
        print_prose_at(stdout, 10, 10, "%s: %s%s%s",
                       doubt->is_allowed ? "not sure" : "not measured", doubt->text,
                       doubt->is_allowed ? "" : "; if that is meant: --allow ",
                       doubt->is_allowed ? "" : doubt_kind_name(doubt->kind));
    }
}

JUnitCase limit_text_doubt_case(const HeapDoubt *doubt)
{
    static const char *const names[DOUBT_KIND_COUNT] = {
        [DOUBT_INCOMPLETE] = "the heap is complete",
        [DOUBT_OVERLOOKED] = "no reference is overlooked",
        [DOUBT_NAMES] = "types have names",
        [DOUBT_SIZES] = "sizes of malloc'd blocks are recorded",
        [DOUBT_FOREIGN_MODE] = "malloc'd memory is treated alike",
        [DOUBT_RULE] = "heaps are marked by one rule",
        [DOUBT_LAYOUT] = "heaps have one layout",
        [DOUBT_PROGRAM] = "heaps are of one program",
        [DOUBT_SAME_FILE] = "heaps are two snapshots",
    };

    return (JUnitCase){.name = names[doubt->kind],
                       .outcome = doubt->is_allowed ? JUNIT_PASSED : JUNIT_FAILURE,
                       .type = "not measured",
                       .message = doubt->text};
}
