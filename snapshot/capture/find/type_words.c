// Type words: the functions that object headers point to, which tell the objects' types.
//
// A type word is the address of a function (rudo-gc: the trace function of the type); the drop
// function stands beside it. Both are stored as module + offset. Their names come later (names/).

#include <stdlib.h>

#include "base/search.h"
#include "snapshot/capture/find/heap_search_internal.h"

// ---- distinct type words ----

static uint64_t hash_word(uint64_t word)
{
    word *= UINT64_C(0x9e3779b97f4a7c15);
    return word ^ word >> 32;
}

static bool word_set_grow(WordSet *set, Error *error)
{
    uint64_t capacity = set->capacity == 0 ? 256 : 2 * set->capacity;
    uint64_t *words = calloc(capacity, sizeof *words);

    if (words == NULL)
        return error_set_memory(error, capacity * sizeof *words, "type words");
    for (uint64_t i = 0; i < set->capacity; i++) {
        uint64_t place = hash_word(set->words[i]);
        if (set->words[i] == 0)
            continue;
        while (words[place & (capacity - 1)] != 0)
            place++;
        words[place & (capacity - 1)] = set->words[i];
    }
    free(set->words);
    set->words = words;
    set->capacity = capacity;
    return true;
}

static bool word_set_add(WordSet *set, uint64_t word, Error *error)
{
    if (word == 0)
        return true;
    if (2 * set->count >= set->capacity && !word_set_grow(set, error))
        return false;
    for (uint64_t place = hash_word(word);; place++) {
        uint64_t *entry = &set->words[place & (set->capacity - 1)];
        if (*entry == word)
            return true;
        if (*entry == 0) {
            *entry = word;
            set->count++;
            return true;
        }
    }
}

bool heap_search_add_type_words(HeapSearch *search, const PageRecord *record, const uint8_t *page,
                                Error *error)
{
    const HeapLayout *layout = &search->layout;
    const PageBits *bits = page_record_bits(&search->records, record);
    uint64_t previous_type = 0, previous_drop = 0;

    if (!heap_layout_has_object_header(layout, record->block_size))
        return true;
    for (uint32_t first = 0; first < record->slot_count; first += 64, bits++)
        for (uint64_t slots = bits->allocated; slots != 0; slots &= slots - 1) {
            uint32_t slot = first + (uint32_t)__builtin_ctzll(slots);
            const uint8_t *object = page + record->header_size + (size_t)slot * record->block_size;
            uint64_t type_word = heap_layout_read(object, layout->type_word);
            uint64_t drop = heap_layout_read(object, layout->drop_function);

            // Objects of one page are often of one type.
            if ((type_word != previous_type &&
                 !word_set_add(&search->type_words, type_word, error)) ||
                (drop != previous_drop && !word_set_add(&search->drop_words, drop, error)))
                return false;
            previous_type = type_word;
            previous_drop = drop;
        }
    return true;
}

// ---- types ----

static int compare_types(const void *left, const void *right)
{
    const SnapshotType *a = left, *b = right;

    return a->type_word < b->type_word ? -1 : a->type_word > b->type_word;
}

static uint32_t find_module(const HeapSearch *search, uint64_t address)
{
    uint32_t mapping = process_copy_mapping_index(search->copy, address);
    uint64_t next;

    if (mapping == NO_INDEX || !mapping_is_file(&search->copy->mappings[mapping]))
        return UINT32_MAX;
    // Modules ascend like their mappings, and do not overlap but for anonymous memory.
    next = search_above(search->modules, search->details->module_count, first_mapping, mapping);
    return next > 0 && mapping <= search->modules[next - 1].last_mapping ? (uint32_t)(next - 1)
                                                                         : UINT32_MAX;
}

static bool make_types(const HeapSearch *search, const WordSet *words, SnapshotType **types,
                       uint32_t *count, Error *error)
{
    *types = calloc(words->count + 1, sizeof **types);
    if (*types == NULL)
        return error_set_memory(error, words->count * sizeof **types, "types");
    for (uint64_t i = 0; i < words->capacity; i++) {
        uint32_t module = find_module(search, words->words[i]);
        if (words->words[i] == 0)
            continue;
        (*types)[(*count)++] = (SnapshotType){
            .type_word = words->words[i],
            .module = module,
            .module_offset =
                module == UINT32_MAX ? 0 : words->words[i] - search->details->modules[module].base,
        };
    }
    if (*count > 0)
        qsort(*types, *count, sizeof **types, compare_types);
    return true;
}

bool heap_search_find_types(HeapSearch *search, Error *error)
{
    SnapshotDetails *details = search->details;

    return make_types(search, &search->type_words, &details->types, &details->type_count, error) &&
           make_types(search, &search->drop_words, &details->drops, &details->drop_count, error);
}
