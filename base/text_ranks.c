// TextRanks: see base/text_ranks.h.
//
// Each distinct pointer takes part in the sorting once, so the bytes that are compared are those of
// the texts times the logarithm of their number.

#include "base/text_ranks.h"

#include <stdlib.h>
#include <string.h>

typedef struct RankedText {
    const char *text;
    uint64_t index;
} RankedText;

static int compare_pointers(const void *left, const void *right)
{
    const RankedText *a = left, *b = right;
    uintptr_t one = (uintptr_t)a->text, other = (uintptr_t)b->text;

    return (one > other) - (one < other);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp((*(const RankedText *const *)left)->text,
                  (*(const RankedText *const *)right)->text);
}

bool text_ranks_make(const char *const *texts, uint64_t count, uint32_t *ranks, Error *error)
{
    RankedText *all = malloc((count + 1) * sizeof *all);
    // The first of each pointer.
    const RankedText **distinct = malloc((count + 1) * sizeof *distinct);
    uint64_t distinct_count = 0;
    uint32_t rank = 0;

    if (all == NULL || distinct == NULL) {
        free(all);
        free(distinct);
        return error_set_memory(error, count * sizeof *all, "texts");
    }
    for (uint64_t i = 0; i < count; i++)
        all[i] = (RankedText){texts[i] != NULL ? texts[i] : "", i};
    qsort(all, count, sizeof *all, compare_pointers);
    for (uint64_t i = 0; i < count; i++)
        if (i == 0 || all[i - 1].text != all[i].text)
            distinct[distinct_count++] = &all[i];
    qsort(distinct, distinct_count, sizeof(const RankedText *), compare_texts);
    for (uint64_t i = 0; i < distinct_count; i++) {
        const RankedText *text = distinct[i], *end = all + count;

        rank += i > 0 && strcmp(distinct[i - 1]->text, text->text) != 0;
        for (const RankedText *same = text; same < end && same->text == text->text; same++)
            ranks[same->index] = rank;
    }
    free(all);
    free(distinct);
    return true;
}
