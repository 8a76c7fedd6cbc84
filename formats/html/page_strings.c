// The strings of a page: see formats/html/page_parts_internal.h.

#include "formats/html/page_parts_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void page_strings_release(PageStrings *strings)
{
    for (uint32_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    hash_index_release(&strings->index);
    *strings = (PageStrings){.count = 0};
}

static uint64_t hash_at(const HashIndex *index, const void *items, uint32_t position)
{
    const char *text = ((char *const *)items)[position];

    return hash_index_text(index, text, strlen(text));
}

static bool is_text_at(const void *items, uint32_t position, const void *key)
{
    return strcmp(((char *const *)items)[position], key) == 0;
}

bool page_strings_add(PageStrings *strings, const char *text, uint32_t *number, Error *error)
{
    uint64_t wanted = strings->count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&strings->items, &strings->capacity, wanted, sizeof *strings->items,
                       "strings", error) ||
        !hash_index_reserve(&strings->index, strings->items, wanted, hash_at, "strings", error))
        return false;
    slot = hash_index_find(&strings->index, strings->items,
                           hash_index_text(&strings->index, text, strlen(text)), is_text_at, text);
    if (*slot == 0) {
        strings->items[strings->count] = strdup(text);
        if (strings->items[strings->count] == NULL)
            return error_set_memory(error, strlen(text), "a string");
        *slot = ++strings->count;
    }
    *number = *slot - 1;
    return true;
}

bool page_strings_add_label(PageStrings *strings, const char *text, uint32_t *number, Error *error)
{
    uint32_t before = strings->count;
    size_t length = strlen(text);

    *number = NO_INDEX;
    if (strings->label_bytes > PAGE_LABEL_BYTES) {
        strings->labels_left_out++;
        return true;
    }
    if (!page_strings_add(strings, text, number, error))
        return false;
    // Hidden characters of three bytes take six in JSON.
    if (strings->count > before)
        strings->label_bytes += 2 * (length < PAGE_STRING_BYTES ? length : PAGE_STRING_BYTES);
    return true;
}
