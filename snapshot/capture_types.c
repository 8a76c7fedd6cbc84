// Counting objects, and giving their type words names while the executable is at hand.
//
// A type word is the address of a function (rudo-gc: the trace function of the type). It is
// stored as module + offset, and with every symbol that the module's file has at that address:
// compilers merge identical functions, so there may be several, and they are a set.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture_analysis_internal.h"
#include "snapshot/rust_symbol.h"

// Merged functions have tens of names; a file could list millions at one address.
#define MAX_SYMBOLS 256u

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

// Counts the live objects of one page and collects the type words of all allocated ones.
static bool look_at_page(const HeapLayout *layout, const uint8_t *page, const PageHeader *header,
                         WordSet *types, uint64_t *object_count, Error *error)
{
    bool has_header = heap_layout_has_object_header(layout, header->block_size);
    uint64_t previous = 0; // objects of one page are often of one type

    for (uint32_t slot = 0; slot < header->slot_count; slot++) {
        const uint8_t *object = page + header->header_size + (size_t)slot * header->block_size;
        uint64_t type_word;
        if (slot % 64 == 0 &&
            heap_layout_bitmap_word(page, layout->allocated_bitmap, slot / 64) == 0) {
            slot += 63;
            continue;
        }
        if ((heap_layout_bitmap_word(page, layout->allocated_bitmap, slot / 64) >> slot % 64 & 1) ==
            0)
            continue;
        // DEAD objects have a type, too, which reports count them under.
        if (!has_header || (heap_layout_read(object, layout->weak_count) & layout->dead_bit) == 0)
            (*object_count)++;
        type_word = has_header ? heap_layout_read(object, layout->type_word) : 0;
        if (type_word != previous && !word_set_add(types, type_word, error))
            return false;
        previous = type_word;
    }
    return true;
}

static bool look_at_pages(const CaptureAnalysis *analysis, WordSet *types, uint64_t *object_count,
                          Error *error)
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
            if (!look_at_page(layout, page, &header, types, object_count, error))
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

static bool make_types(CaptureAnalysis *analysis, const WordSet *words, Error *error)
{
    SnapshotDetails *details = analysis->details;

    details->types = calloc(words->count + 1, sizeof *details->types);
    if (details->types == NULL)
        return error_set_memory(error, words->count * sizeof *details->types, "types");
    for (uint64_t i = 0; i < words->capacity; i++) {
        uint32_t module = find_module(analysis, words->words[i]);
        if (words->words[i] == 0)
            continue;
        details->types[details->type_count++] = (SnapshotType){
            .type_word = words->words[i],
            .module = module,
            .module_offset =
                module == UINT32_MAX ? 0 : words->words[i] - details->modules[module].base,
        };
    }
    if (details->type_count > 0)
        qsort(details->types, details->type_count, sizeof *details->types, compare_types);
    return true;
}

// ---- symbols ----

typedef struct SymbolSearch {
    SnapshotDetails *details;
    uint32_t first_type; // of this module; types of one module are neighbours
    uint32_t end_type;
    Error *error;
} SymbolSearch;

static bool add_symbol(SnapshotType *type, const char *symbol, Error *error)
{
    char **symbols;

    if (type->symbol_count == MAX_SYMBOLS)
        return true;
    symbols = realloc(type->symbols, (type->symbol_count + 1) * sizeof *symbols);
    if (symbols == NULL)
        return error_set_memory(error, (type->symbol_count + 1) * sizeof *symbols, "symbols");
    type->symbols = symbols;
    symbols[type->symbol_count] = rust_symbol_demangle(symbol);
    if (symbols[type->symbol_count] == NULL)
        return error_set_memory(error, strlen(symbol) + 1, "a symbol");
    type->symbol_count++;
    return true;
}

static bool visit_symbol(void *context, uint64_t address, const char *name)
{
    SymbolSearch *search = context;
    uint32_t low = search->first_type, high = search->end_type;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (search->details->types[middle].module_offset < address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == search->end_type || search->details->types[low].module_offset != address)
        return true;
    return add_symbol(&search->details->types[low], name, search->error);
}

static int compare_strings(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort_symbols(SnapshotType *type)
{
    uint32_t kept = 0;

    if (type->symbol_count == 0)
        return;
    qsort(type->symbols, type->symbol_count, sizeof *type->symbols, compare_strings);
    for (uint32_t i = 0; i < type->symbol_count; i++) {
        if (kept > 0 && strcmp(type->symbols[kept - 1], type->symbols[i]) == 0)
            free(type->symbols[i]);
        else
            type->symbols[kept++] = type->symbols[i];
    }
    type->symbol_count = kept;
}

static bool find_symbols(CaptureAnalysis *analysis, Error *error)
{
    SnapshotDetails *details = analysis->details;
    SymbolSearch search = {.details = details, .error = error};

    while (search.first_type < details->type_count) {
        uint32_t module = details->types[search.first_type].module;
        ElfFile *file;
        bool ok = true;
        search.end_type = search.first_type + 1;
        while (search.end_type < details->type_count &&
               details->types[search.end_type].module == module)
            search.end_type++;
        file = module == UINT32_MAX ? NULL : capture_open_module(analysis, module);
        if (file != NULL)
            ok = elf_file_visit_symbols(file, visit_symbol, &search);
        elf_file_free(file);
        if (!ok)
            return false;
        for (uint32_t i = search.first_type; i < search.end_type; i++)
            sort_symbols(&details->types[i]);
        search.first_type = search.end_type;
    }
    return true;
}

bool capture_find_types(CaptureAnalysis *analysis, CaptureSummary *summary, Error *error)
{
    WordSet types = {0};
    bool ok = look_at_pages(analysis, &types, &summary->object_count, error) &&
              make_types(analysis, &types, error) && find_symbols(analysis, error);

    free(types.words);
    return ok;
}
