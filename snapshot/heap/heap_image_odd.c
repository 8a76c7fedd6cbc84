// Odd classes: the size classes of pages without a tag (OddClass). Markers find the slot of a
// reference into such a page by a multiplication, and need no record of the page. Pages outside of
// a direct window have no tags either, but are not found by their granules: they are not odd, and
// do not make markers look for odd pages.

#include <stdlib.h>

#include "base/hash_index.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"

typedef struct OddSearch {
    OddClass *classes;
    uint32_t count;
    HashIndex index;
} OddSearch;

static uint64_t key_of(uint32_t block_size, uint32_t first_slot)
{
    return (uint64_t)block_size << 32 | first_slot;
}

static uint64_t hash_of_class(const HashIndex *index, const void *items, uint32_t position)
{
    const OddClass *class = (const OddClass *)items + position;

    return hash_index_hash(index, key_of(class->block_size, class->first_slot), 0);
}

static bool is_class(const void *items, uint32_t position, const void *key)
{
    const OddClass *class = (const OddClass *)items + position;

    return key_of(class->block_size, class->first_slot) == *(const uint64_t *)key;
}

static bool is_odd(const HeapImage *image, uint32_t page)
{
    const HeapPage *record = &image->pages[page];

    return (!image->is_direct || (page >= image->window_low && page < image->window_high)) &&
           record->first_word >= image->tag_count && !heap_image_is_large(image, page) &&
           record->block_size <= TAGGED_BLOCK_SIZE_MAX && record->block_size % 8 == 0 &&
           record->header_size % 8 == 0;
}

// The number of the page's class, plus 1; 0 when there are too many.
static uint8_t number_of(OddSearch *search, const HeapImage *image, uint32_t page)
{
    const HeapPage *record = &image->pages[page];
    uint64_t key = key_of(record->block_size, record->header_size);
    uint32_t *slot = hash_index_find(&search->index, search->classes,
                                     hash_index_hash(&search->index, key, 0), is_class, &key);
    uint32_t payload = heap_image_payload_offset(image, record->block_size);
    uint32_t units = record->block_size / 8;

    if (*slot == 0) {
        if (search->count == ODD_CLASSES_MAX)
            return 0;
        search->classes[search->count] = (OddClass){
            .reciprocal = ((UINT64_C(1) << 32) + units - 1) / units,
            .block_size = record->block_size,
            .first_slot = record->header_size,
            .slot_count = record->slot_count,
            .payload_offset = (uint16_t)payload,
            .payload_words = (uint16_t)((record->block_size - payload) / 8),
        };
        *slot = ++search->count;
    }
    return (uint8_t)*slot;
}

static bool find_all(OddSearch *search, HeapImage *image, Error *error)
{
    uint8_t *numbers = NULL;

    for (uint32_t page = 0; page < image->page_count; page++) {
        if (!is_odd(image, page))
            continue;
        if (numbers == NULL) {
            image->odd_pages = numbers = calloc((size_t)image->page_count + 1, sizeof *numbers);
            image->odd_classes = search->classes = calloc(ODD_CLASSES_MAX, sizeof *search->classes);
            if (numbers == NULL || search->classes == NULL)
                return error_set_memory(error, image->page_count, "the classes of pages");
            if (!hash_index_reserve(&search->index, search->classes, ODD_CLASSES_MAX, hash_of_class,
                                    "the classes of pages", error))
                return false;
        }
        numbers[page] = number_of(search, image, page);
    }
    image->odd_class_count = search->count;
    return true;
}

bool heap_image_find_odd_classes(HeapImage *image, Error *error)
{
    OddSearch search = {.count = 0};
    bool ok = find_all(&search, image, error);

    hash_index_release(&search.index);
    return ok;
}
