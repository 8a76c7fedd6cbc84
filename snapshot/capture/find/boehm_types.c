// The types of the objects of a Boehm heap, by what each program leaves in them:
//
//   GC_DEBUG   where the object was allocated, as "file:line", and the bytes that were asked for
//   Guile      the tag in the first word, the name of a record's type
//   Nix        the tag of a value, and what values refer to
//   Crystal    the number in the first four bytes, by the program's table of types, or the code
//   that
//              allocates (debug builds)
//   others     the kind of object and its size
//
// Types get numbers in the order of their names, so that equal heaps have equal numbers.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash_index.h"
#include "snapshot/capture/boehm/boehm_words.h"
#include "snapshot/capture/boehm/guile_types.h"
#include "snapshot/capture/boehm/nix_types.h"
#include "snapshot/capture/find/crystal_objects.h"
#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/capture/names/module_texts.h"

// GC_DEBUG: file, line, bytes, and this XOR the object's own address, by which it is known. Back
// pointers or a call stack may come before. Source: dbg_mlc.h, START_FLAG.
#define DEBUG_MARK UINT64_C(0xFEDCEDCBFEDCEDCB)
#define DEBUG_WORDS 4u
#define MOST_WORDS_BEFORE 10u
#define MOST_LINE UINT64_C(10000000)
#define RECORD UINT32_MAX

// What a type is known by: a text (Guile), a text in a mapped file (an allocation site's file, the
// name of a record), or a kind and a size.
typedef struct BoehmType {
    uint64_t file;  // address of the text; 0: none
    uint32_t line;  // RECORD: the text is the name of a record
    uint32_t bytes; // of the class; of types by kind
    uint8_t kind;
    char *name; // owned; of a site NULL until all are there
    uint32_t number;
} BoehmType;

typedef struct TypeSearch {
    HeapSearch *search;
    MemoryReader reader;
    bool is_guile;
    NixTypes *nix; // owned; NULL: no values of Nix
    CrystalObjects crystal;
    BoehmType *types;
    uint32_t count;
    uint64_t capacity;
    HashIndex index;
    uint64_t run_capacity;
} TypeSearch;

// ---- distinct types ----

static uint64_t hash_of(const HashIndex *index, const BoehmType *type)
{
    uint64_t text = 0;

    for (const char *at = type->file == 0 ? type->name : NULL; at != NULL && *at != '\0'; at++)
        text = text * 31 + (uint8_t)*at;
    return hash_index_hash(index, hash_index_hash(index, type->file, type->line),
                           text ^ (uint64_t)type->bytes << 8 ^ type->kind);
}

static uint64_t hash_at(const HashIndex *index, const void *types, uint32_t position)
{
    return hash_of(index, (const BoehmType *)types + position);
}

static bool is_type(const void *types, uint32_t position, const void *key)
{
    const BoehmType *type = (const BoehmType *)types + position, *wanted = key;

    if (type->file != wanted->file || type->line != wanted->line || type->kind != wanted->kind ||
        type->bytes != wanted->bytes)
        return false;
    return type->file != 0 || type->name == wanted->name ||
           (type->name != NULL && wanted->name != NULL && strcmp(type->name, wanted->name) == 0);
}

// The index of the type, whose name is copied. UINT32_MAX: memory is short.
static uint32_t find_type(TypeSearch *types, const BoehmType *wanted, Error *error)
{
    uint32_t *slot;

    if (!array_reserve(&types->types, &types->capacity, types->count + UINT64_C(1),
                       sizeof *types->types, "types", error) ||
        !hash_index_reserve(&types->index, types->types, types->count + UINT64_C(1), hash_at,
                            "types", error))
        return UINT32_MAX;
    slot = hash_index_find(&types->index, types->types, hash_of(&types->index, wanted), is_type,
                           wanted);
    if (*slot == 0) {
        BoehmType *added = &types->types[types->count];

        *added = *wanted;
        if (wanted->name != NULL && (added->name = strdup(wanted->name)) == NULL) {
            (void)error_set_memory(error, strlen(wanted->name), "the name of a type");
            return UINT32_MAX;
        }
        *slot = ++types->count;
    }
    return *slot - 1;
}

// ---- one object ----

// The header of an object that was allocated with GC_DEBUG; 0: it has none. *requested: bytes.
static uint64_t debug_header(TypeSearch *types, const BoehmBlock *block, uint64_t address,
                             uint64_t *requested)
{
    for (uint64_t before = 0; before <= MOST_WORDS_BEFORE; before++) {
        uint64_t header = address + 8 * before, bytes = 8 * (before + DEBUG_WORDS);

        if (bytes + 8 > block->bytes)
            return 0;
        if (memory_word(&types->reader, header + 24) == (DEBUG_MARK ^ (header + 32))) {
            *requested = memory_word(&types->reader, header + 16);
            return *requested <= block->bytes - bytes ? header : 0;
        }
    }
    return 0;
}

static uint32_t type_of(TypeSearch *types, const BoehmBlock *block, uint32_t number,
                        uint32_t *requested, Error *error)
{
    uint64_t address = block->address + number * block->bytes;
    BoehmType wanted = {.bytes = block->is_large ? 0 : (uint32_t)block->bytes, .kind = block->kind};
    GuileType guile = {.name = NULL};
    uint64_t bytes = 0, header = debug_header(types, block, address, &bytes);

    *requested = 0;
    if (header != 0) {
        uint64_t line = memory_word(&types->reader, header + 8);

        wanted = (BoehmType){.file = memory_word(&types->reader, header),
                             .line = line < MOST_LINE ? (uint32_t)line : 0};
        *requested = bytes < UINT32_MAX ? (uint32_t)bytes : 0;
        if (wanted.file != 0)
            return find_type(types, &wanted, error);
    }
    if (types->is_guile)
        guile_type_find(types->search->boehm, &types->reader, block, address, &guile);
    else if (types->nix != NULL)
        guile.name = nix_type_name(types->nix, block->first_slot + number);
    else if (types->crystal.types.count > 0)
        guile.name =
            crystal_object_name(&types->crystal, block, memory_word(&types->reader, address));
    if (guile.record_name != 0)
        wanted = (BoehmType){.file = guile.record_name, .line = RECORD};
    else if (guile.name != NULL)
        wanted = (BoehmType){.name = (char *)(uintptr_t)guile.name};
    return find_type(types, &wanted, error);
}

// Adds the slot to the last run, or begins a new one.
static bool add_slot(TypeSearch *types, uint32_t page, uint32_t slot, uint32_t type,
                     uint32_t requested, Error *error)
{
    SnapshotDetails *details = types->search->details;
    SnapshotObjectType *last = details->object_type_count > 0
                                   ? &details->object_types[details->object_type_count - 1]
                                   : NULL;

    // Free slots in between take the type along; they have no objects.
    if (last != NULL && last->page == page && last->type == type && last->requested == requested) {
        last->count = (uint16_t)(slot + 1 - last->slot);
        return true;
    }
    if (details->object_type_count == UINT32_MAX - 1)
        return error_set(error, ERROR_UNSUPPORTED, "the heap has too many objects to name");
    if (!array_reserve(&details->object_types, &types->run_capacity,
                       details->object_type_count + UINT64_C(1), sizeof *details->object_types,
                       "the types of objects", error))
        return false;
    details->object_types[details->object_type_count++] = (SnapshotObjectType){
        .page = page, .slot = (uint16_t)slot, .count = 1, .type = type, .requested = requested};
    return true;
}

static bool visit_objects(TypeSearch *types, Error *error)
{
    const BoehmHeap *heap = types->search->boehm;
    uint32_t page = 0;

    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        if (block->is_free)
            continue;
        for (uint32_t slot = 0; slot < block->slot_count; slot++) {
            uint8_t state = heap->slots[block->first_slot + slot];
            uint32_t type, requested;

            if (state != BOEHM_ALLOCATED && state != BOEHM_DEAD)
                continue;
            type = type_of(types, block, slot, &requested, error);
            if (type == UINT32_MAX || !add_slot(types, page, slot, type, requested, error))
                return false;
        }
        page++;
        if (page % 4096 == 0 && !cancel_check(&types->search->options.cancel, error))
            return false;
    }
    return true;
}

// ---- names ----

static const char *kind_name(const BoehmHeap *heap, uint8_t kind, char text[32])
{
    static const char *const names[] = {"pointer-free", "normal", "uncollectable"};

    if (kind < sizeof names / sizeof names[0])
        return names[kind];
    if (heap->kinds[kind].descriptor == 0 && !heap->kinds[kind].adds_size)
        return "uncollectable pointer-free";
    (void)snprintf(text, 32, "kind %u", kind);
    return text;
}

static bool name_by_kind(const BoehmHeap *heap, BoehmType *type, Error *error)
{
    char text[32];
    const char *kind = kind_name(heap, type->kind, text);

    if ((type->bytes == 0
             ? asprintf(&type->name, "%s, large", kind)
             : asprintf(&type->name, "%s, %" PRIu32 " bytes", kind, type->bytes)) < 0) {
        type->name = NULL;
        return error_set_memory(error, 64, "the name of a type");
    }
    return true;
}

static int compare_addresses(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

// text: NULL: it cannot be read.
static bool name_by_text(BoehmType *type, const char *text, Error *error)
{
    int length;

    if (type->line == RECORD)
        length = asprintf(&type->name, "%s%s", text == NULL ? "struct" : "record ",
                          text == NULL ? "" : text);
    else if (text == NULL)
        length =
            asprintf(&type->name, "allocated at 0x%" PRIx64 ":%" PRIu32, type->file, type->line);
    else
        length = asprintf(&type->name, "%s:%" PRIu32, text, type->line);
    if (length >= 0)
        return true;
    type->name = NULL;
    return error_set_memory(error, 64, "the name of a type");
}

// Names the types that are known by a text, which lies in data that is not written to.
static bool name_texts(TypeSearch *types, Error *error)
{
    const HeapSearch *search = types->search;
    uint64_t *files = malloc(((size_t)types->count + 1) * sizeof *files);
    char **texts = NULL;
    uint32_t count = 0, distinct = 0;
    bool ok = files != NULL || error_set_memory(error, types->count * sizeof *files, "types");

    for (uint32_t i = 0; ok && i < types->count; i++)
        if (types->types[i].file != 0)
            files[count++] = types->types[i].file;
    if (ok && count > 0)
        qsort(files, count, sizeof *files, compare_addresses);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || files[i] != files[distinct - 1])
            files[distinct++] = files[i];
    ok = ok &&
         module_texts_read(search->copy, files, distinct, &search->options.cancel, &texts, error);
    for (uint32_t i = 0; ok && i < types->count; i++) {
        BoehmType *type = &types->types[i];
        const char *file = NULL;

        if (type->file == 0)
            continue;
        for (uint32_t low = 0, high = distinct; low < high;) {
            uint32_t middle = low + (high - low) / 2;

            if (files[middle] == type->file)
                file = texts[middle];
            if (files[middle] < type->file)
                low = middle + 1;
            else
                high = middle;
        }
        ok = name_by_text(type, file, error);
    }
    module_texts_free(texts, distinct);
    free(files);
    return ok;
}

static int compare_types(const void *left, const void *right)
{
    const BoehmType *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

// Adds the type, whose name the details take over.
static bool add_type(SnapshotDetails *details, BoehmType *from, Error *error)
{
    SnapshotType *type = &details->types[details->type_count];

    *type = (SnapshotType){.type_word = details->type_count + UINT64_C(1), .module = NO_INDEX};
    type->symbols = calloc(1, sizeof *type->symbols);
    if (type->symbols == NULL)
        return error_set_memory(error, sizeof *type->symbols, "types");
    details->type_count++;
    type->symbols[type->symbol_count++] = from->name;
    from->name = NULL;
    return true;
}

// Numbers the types in the order of their names, and adds them to the details; equal names are one.
static bool add_types(TypeSearch *types, Error *error)
{
    SnapshotDetails *details = types->search->details;
    BoehmType **order = malloc(((size_t)types->count + 1) * sizeof *order);
    bool ok = true;

    details->types = calloc((size_t)types->count + 1, sizeof *details->types);
    if (order == NULL || details->types == NULL) {
        free(order);
        return error_set_memory(error, types->count * sizeof *details->types, "types");
    }
    for (uint32_t i = 0; i < types->count; i++)
        order[i] = &types->types[i];
    qsort(order, types->count, sizeof *order, compare_types);
    for (uint32_t i = 0; ok && i < types->count; i++) {
        SnapshotType *last =
            details->type_count > 0 ? &details->types[details->type_count - 1] : NULL;

        if (last == NULL || strcmp(order[i]->name, last->symbols[0]) != 0)
            ok = add_type(details, order[i], error);
        order[i]->number = details->type_count - 1;
    }
    for (uint32_t i = 0; ok && i < details->object_type_count; i++)
        details->object_types[i].type = types->types[details->object_types[i].type].number;
    free(order);
    return ok;
}

static bool find_crystal(TypeSearch *types, uint32_t executable, Error *error)
{
    HeapSearch *search = types->search;
    CrystalTypes found;
    bool ok = crystal_types_find(search->copy, &search->modules[executable],
                                 &search->options.cancel, &found, error) &&
              crystal_objects_learn(search->boehm, &types->reader, &found, &types->crystal, error);

    crystal_types_release(&found);
    return ok;
}

bool heap_search_find_boehm_types(HeapSearch *search, Error *error)
{
    TypeSearch types = {.search = search, .reader = memory_reader(search->copy)};
    uint32_t executable = NO_INDEX;
    bool ok = true, is_nix = false;

    for (uint32_t i = 0; i < search->details->module_count; i++) {
        types.is_guile = types.is_guile || guile_is_module(search->details->modules[i].name);
        is_nix = is_nix || nix_is_module(search->details->modules[i].name);
        if (strcmp(search->details->modules[i].name, search->copy->executable) == 0)
            executable = i;
    }
    if (is_nix)
        ok = nix_types_new(search->boehm, &types.reader, &types.nix, error);
    if (ok && !types.is_guile && !is_nix && executable != NO_INDEX)
        ok = find_crystal(&types, executable, error);
    ok = ok && visit_objects(&types, error) && name_texts(&types, error);
    for (uint32_t i = 0; ok && i < types.count; i++)
        if (types.types[i].name == NULL)
            ok = name_by_kind(search->boehm, &types.types[i], error);
    ok = ok && add_types(&types, error);
    for (uint32_t i = 0; i < types.count; i++)
        free(types.types[i].name);
    free(types.types);
    nix_types_free(types.nix);
    crystal_objects_release(&types.crystal);
    hash_index_release(&types.index);
    return ok;
}
