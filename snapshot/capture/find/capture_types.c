// Counting objects, and collecting the functions that their headers point to.
//
// A type word is the address of a function (rudo-gc: the trace function of the type); beside it
// stands the drop function. Both are stored as module + offset. capture_symbols gives them names.

#include <stdlib.h>

#include "snapshot/capture/find/capture_search.h"

// ---- distinct type words ----

// A set of words by open addressing; 0 marks an empty place, and is no type word.
typedef struct WordSet {
    uint64_t *words;   // owned
    uint64_t capacity; // a power of two
    uint64_t count;
} WordSet;

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

// What object headers point to.
typedef struct HeaderWords {
    WordSet types;
    WordSet drops;
} HeaderWords;

static bool add_header_words(HeaderWords *words, const HeapLayout *layout, const uint8_t *object,
                             uint64_t previous[2], Error *error)
{
    uint64_t type_word = heap_layout_read(object, layout->type_word);
    uint64_t drop = heap_layout_read(object, layout->drop_function);

    // Objects of one page are often of one type.
    if (type_word != previous[0] && !word_set_add(&words->types, type_word, error))
        return false;
    if (drop != previous[1] && !word_set_add(&words->drops, drop, error))
        return false;
    previous[0] = type_word;
    previous[1] = drop;
    return true;
}

// Counts the live objects of one page and collects the functions of all allocated ones.
static bool look_at_page(const HeapLayout *layout, const uint8_t *page, const PageHeader *header,
                         HeaderWords *words, uint64_t *object_count, Error *error)
{
    bool has_header = heap_layout_has_object_header(layout, header->block_size);
    uint64_t previous[2] = {0, 0};
    uint64_t count = 0;

    for (uint32_t first = 0; first < header->slot_count; first += 64) {
        uint64_t slots = heap_layout_bitmap_word(page, layout->allocated_bitmap, first / 64) &
                         heap_layout_slot_bits(header->slot_count, first);
        if (!has_header) {
            count += (uint64_t)__builtin_popcountll(slots);
            continue;
        }
        for (; slots != 0; slots &= slots - 1) {
            uint32_t slot = first + (uint32_t)__builtin_ctzll(slots);
            const uint8_t *object = page + header->header_size + (size_t)slot * header->block_size;
            // DEAD objects have a type, too, which reports count them under.
            count += (heap_layout_read(object, layout->weak_count) & layout->dead_bit) == 0;
            if (!add_header_words(words, layout, object, previous, error))
                return false;
        }
    }
    *object_count += count;
    return true;
}

// Asks for what look_at_page() reads first of the pages behind `page`.
static void fetch_ahead(const HeapLayout *layout, const uint8_t *page, uint64_t page_count)
{
    const uint64_t ahead = 2;

    page_header_fetch_ahead(layout, page, page_count);
    if (page_count <= ahead)
        return;
    page += ahead * layout->page_size;
    __builtin_prefetch(page + layout->allocated_bitmap);
    for (uint32_t at = layout->page_header_bytes; at < layout->page_size; at += 64)
        __builtin_prefetch(page + at);
}

static bool look_at_pages(const CaptureAnalysis *analysis, HeaderWords *words,
                          uint64_t *object_count, Error *error)
{
    const HeapLayout *layout = &analysis->layout;

    for (uint64_t r = 0; r < analysis->run_count; r++) {
        const SnapshotPages *run = &analysis->runs[r];
        for (uint64_t p = 0; p < run->page_count;) {
            const uint8_t *page = run->bytes + p * layout->page_size;
            PageHeader header;
            if (page_header_read(layout, page, (run->page_count - p) * layout->page_size,
                                 &header) != PAGE_HEADER_VALID)
                return error_set(error, ERROR_CORRUPT, "a page changed while it was looked at");
            fetch_ahead(layout, page, run->page_count - p);
            if (!look_at_page(layout, page, &header, words, object_count, error))
                return false;
            p += header.page_count;
        }
    }
    return true;
}

// ---- types ----

static int compare_types(const void *left, const void *right)
{
    const SnapshotType *a = left, *b = right;

    return a->type_word < b->type_word ? -1 : a->type_word > b->type_word;
}

static uint32_t find_module(const CaptureAnalysis *analysis, uint64_t address)
{
    uint32_t mapping = process_copy_mapping_index(analysis->copy, address);
    uint32_t low = 0, high = analysis->details->module_count;

    if (mapping == NO_INDEX || !mapping_is_file(&analysis->copy->mappings[mapping]))
        return UINT32_MAX;
    // Modules ascend like their mappings, and do not overlap but for anonymous memory.
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (analysis->modules[middle].first_mapping <= mapping)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && mapping <= analysis->modules[low - 1].last_mapping ? low - 1 : UINT32_MAX;
}

static bool make_types(const CaptureAnalysis *analysis, const WordSet *words, SnapshotType **types,
                       uint32_t *count, Error *error)
{
    *types = calloc(words->count + 1, sizeof **types);
    if (*types == NULL)
        return error_set_memory(error, words->count * sizeof **types, "types");
    for (uint64_t i = 0; i < words->capacity; i++) {
        uint32_t module = find_module(analysis, words->words[i]);
        if (words->words[i] == 0)
            continue;
        (*types)[(*count)++] = (SnapshotType){
            .type_word = words->words[i],
            .module = module,
            .module_offset = module == UINT32_MAX
                                 ? 0
                                 : words->words[i] - analysis->details->modules[module].base,
        };
    }
    if (*count > 0)
        qsort(*types, *count, sizeof **types, compare_types);
    return true;
}

bool capture_find_types(CaptureAnalysis *analysis, CaptureSummary *summary, Error *error)
{
    SnapshotDetails *details = analysis->details;
    HeaderWords words = {0};
    bool ok = look_at_pages(analysis, &words, &summary->object_count, error) &&
              make_types(analysis, &words.types, &details->types, &details->type_count, error) &&
              make_types(analysis, &words.drops, &details->drops, &details->drop_count, error);

    free(words.types.words);
    free(words.drops.words);
    return ok;
}
