// TypeTable: see analysis/names/type_table.h.

#include "analysis/names/type_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/type_name.h"
#include "analysis/names/type_sizes.h"
#include "base/array.h"
#include "base/text_ranks.h"

// ---- keys ----

TypeKey type_key_of(const HeapImage *image, uint32_t page, uint32_t slot)
{
    uint32_t block_size = image->pages[page].block_size;
    const uint8_t *object;

    if (!heap_layout_has_page_headers(&image->layout)) {
        uint64_t type = heap_image_type_word(image, page, slot);

        return type == 0 ? (TypeKey){0}
                         : (TypeKey){.trace = type,
                                     .block_size = block_size,
                                     .is_dead = !heap_image_is_live(image, page, slot)};
    }
    if (!heap_layout_has_object_header(&image->layout, block_size))
        return (TypeKey){0};
    object = heap_image_object_bytes(image, page, slot);
    return (TypeKey){
        .trace = heap_layout_read(object, image->layout.type_word),
        .drop = heap_layout_read(object, image->layout.drop_function),
        .block_size = block_size,
        .is_dead =
            (heap_layout_read(object, image->layout.weak_count) & image->layout.dead_bit) != 0,
    };
}

static uint64_t hash_at(const HashIndex *index, const void *keys, uint32_t position)
{
    const TypeKey *key = (const TypeKey *)keys + position;

    return hash_index_hash(index, hash_index_hash(index, key->trace, key->drop),
                           (uint64_t)key->block_size << 1 | key->is_dead);
}

static bool is_key_at(const void *keys, uint32_t position, const void *key)
{
    return type_key_is_same((const TypeKey *)keys + position, key);
}

uint32_t type_table_find_key(const TypeTable *table, const TypeKey *key)
{
    uint32_t entry = table->key_count == 0
                         ? 0
                         : *hash_index_find(&table->key_index, table->keys,
                                            hash_at(&table->key_index, key, 0), is_key_at, key);

    return entry == 0 ? NO_INDEX : entry - 1;
}

uint32_t type_table_add(TypeTable *table, const TypeKey *key, Error *error)
{
    uint64_t wanted = table->key_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&table->keys, &table->key_capacity, wanted, sizeof *key, "types", error) ||
        !hash_index_reserve(&table->key_index, table->keys, wanted, hash_at, "types", error))
        return NO_INDEX;
    slot = hash_index_find(&table->key_index, table->keys, hash_at(&table->key_index, key, 0),
                           is_key_at, key);
    if (*slot == 0) {
        table->keys[table->key_count] = *key;
        *slot = ++table->key_count;
    }
    return *slot - 1;
}

// ---- the order of types ----

// A key with the snapshot's data about it.
typedef struct KnownKey {
    uint32_t key; // index
    HeapTypeKind kind;
    const TypeKey *words;
    const SnapshotType *trace; // or NULL
    const SnapshotType *drop;  // or NULL
    uint32_t trace_module;     // the rank of its name; NO_INDEX: not known
    uint32_t drop_module;
    const char *name; // or NULL; borrowed, equal ones are one
    uint32_t name_rank;
    // The size, where types of the pair differ by size; else 0. See Note [Sizes of types].
    uint32_t type_size;
} KnownKey;

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

// Functions are in an order that is the same in every run of a program: by module name and offset;
// then those without a known module, by address.
static int compare_functions(uint32_t a_module, const SnapshotType *a, uint64_t a_address,
                             uint32_t b_module, const SnapshotType *b, uint64_t b_address)
{
    if (a_module != b_module)
        return a_module < b_module ? -1 : 1;
    if (a_module != NO_INDEX && a->module_offset != b->module_offset)
        return a->module_offset < b->module_offset ? -1 : 1;
    return compare_numbers(a_address, b_address);
}

static int compare_keys(const void *left, const void *right)
{
    const KnownKey *a = left, *b = right;
    int order;

    if ((a->kind == HEAP_TYPE_HEADERLESS) != (b->kind == HEAP_TYPE_HEADERLESS))
        return a->kind == HEAP_TYPE_HEADERLESS ? 1 : -1;
    order = compare_functions(a->trace_module, a->trace, a->words->trace, b->trace_module, b->trace,
                              b->words->trace);
    if (order == 0)
        order = compare_functions(a->drop_module, a->drop, a->words->drop, b->drop_module, b->drop,
                                  b->words->drop);
    if (order == 0)
        order = compare_numbers(a->words->block_size, b->words->block_size);
    return order != 0 ? order : (int)a->words->is_dead - (int)b->words->is_dead;
}

// ---- making types ----

// The functions of an object without a type do nothing. A compiler may merge them with those of
// types that need no tracing: then they mean "no type" for DEAD objects only.
static HeapTypeKind kind_of(NameSets *sets, const KnownKey *key)
{
    unsigned no_op = 1u << SYMBOL_NO_OP, trace = name_sets_meanings(sets, key->trace);

    if (trace == no_op ||
        (key->words->is_dead && ((trace | name_sets_meanings(sets, key->drop)) & no_op) != 0))
        return HEAP_TYPE_NONE;
    return HEAP_TYPE_OBJECTS;
}

static uint32_t module_rank(const SnapshotDetails *details, const uint32_t *ranks,
                            const SnapshotType *function)
{
    return type_module_name(details, function) == NULL ? NO_INDEX : ranks[function->module];
}

// The ranks of the names of modules. The caller frees them. NULL: memory is short.
static uint32_t *rank_modules(const SnapshotDetails *details, Error *error)
{
    size_t count = (size_t)details->module_count + 1;
    const char **names = calloc(count, sizeof *names);
    uint32_t *ranks = malloc(count * sizeof *ranks);
    bool ok = (names != NULL && ranks != NULL) ||
              error_set_memory(error, count * sizeof *names, "modules");

    for (uint32_t i = 0; ok && i < details->module_count; i++)
        names[i] = details->modules[i].name;
    ok = ok && text_ranks_make(names, details->module_count, ranks, error);
    free(names);
    if (ok)
        return ranks;
    free(ranks);
    return NULL;
}

static bool know_keys(TypeTable *table, const SnapshotDetails *details, KnownKey *known,
                      Error *error)
{
    uint32_t *modules = rank_modules(details, error);

    if (modules == NULL)
        return false;
    for (uint32_t i = 0; i < table->key_count; i++) {
        const TypeKey *words = &table->keys[i];
        KnownKey *key = &known[i];

        *key = (KnownKey){.key = i,
                          .kind = HEAP_TYPE_HEADERLESS,
                          .words = words,
                          .trace_module = NO_INDEX,
                          .drop_module = NO_INDEX};
        if (words->block_size == 0)
            continue;
        key->trace = snapshot_details_find_type(details, words->trace);
        key->drop = snapshot_details_find_drop(details, words->drop);
        key->trace_module = module_rank(details, modules, key->trace);
        key->drop_module = module_rank(details, modules, key->drop);
        key->kind = kind_of(table->sets, key);
    }
    free(modules);
    return name_sets_are_complete(table->sets, error);
}

// Note [Sizes of types]
//
// A Rust type has one size, so objects of different sizes whose functions belong to several types
// are of different types. Where there are more sizes than types, that cannot be: in other languages
// objects of one type may have any size, and a type for each would hide it. So sizes separate types
// only where there are no more sizes than names. The number of names in an open set is not known;
// up to 16 sizes are taken for types, more are not. Where debug information gives the sizes of all
// types of the set, a size that only one of them has names it (type_sizes.h).
#define MAX_SIZES_OF_OPEN_SET 16u

// The keys known[begin..end), which are in order, have the same two functions.
static bool name_pair(NameSets *sets, KnownKey *known, uint32_t begin, uint32_t end,
                      const TypeSizes *by_size, Error *error)
{
    uint32_t sizes = 0, last_size = 0, names;
    bool is_separated_by_size;
    const char *sized;
    NameSet set;

    for (uint32_t i = begin; i < end; i++)
        if (known[i].kind == HEAP_TYPE_OBJECTS && known[i].words->block_size != last_size) {
            last_size = known[i].words->block_size;
            sizes++;
        }
    if (sizes == 0)
        return true;
    if (!name_sets_find(sets, known[begin].trace, known[begin].drop, &set, error))
        return false;
    names = set.count;
    is_separated_by_size =
        names > 1 && sizes <= (names == TYPE_NAMES_OPEN ? MAX_SIZES_OF_OPEN_SET : names);
    for (uint32_t i = begin; i < end; i++) {
        if (known[i].kind != HEAP_TYPE_OBJECTS)
            continue;
        known[i].name = set.text;
        known[i].type_size = is_separated_by_size ? known[i].words->block_size : 0;
        sized = names > 1 && names != TYPE_NAMES_OPEN
                    ? type_sizes_name(by_size, known[i].words->trace, known[i].words->drop,
                                      known[i].words->block_size, names)
                    : NULL;
        if (sized != NULL) {
            known[i].name = name_sets_keep(sets, sized, error);
            if (known[i].name == NULL)
                return false;
            known[i].type_size = known[i].words->block_size;
        }
    }
    return true;
}

static bool is_same_pair(const KnownKey *a, const KnownKey *b)
{
    return (a->words->block_size == 0) == (b->words->block_size == 0) &&
           a->words->trace == b->words->trace && a->words->drop == b->words->drop;
}

static bool name_pairs(NameSets *sets, KnownKey *known, uint32_t count,
                       const SnapshotDetails *details, Error *error)
{
    TypeSizes *by_size = NULL;
    bool ok = type_sizes_new(details, &by_size, error);

    for (uint32_t begin = 0, end; ok && begin < count; begin = end) {
        for (end = begin + 1; end < count && is_same_pair(&known[begin], &known[end]);)
            end++;
        ok = name_pair(sets, known, begin, end, by_size, error);
    }
    type_sizes_free(by_size);
    return ok;
}

// True for two keys of the same type. A compiler makes the functions of a type once for each part
// of a program that it compiles, so functions at different places are of one type if all their
// symbols give the same name.
static bool is_same_type(NameSets *sets, const KnownKey *a, const KnownKey *b)
{
    unsigned certain = 1u << SYMBOL_TYPE | 1u << SYMBOL_NO_OP, type = 1u << SYMBOL_TYPE;
    unsigned trace;

    if (a->kind != b->kind)
        return false;
    if (a->kind != HEAP_TYPE_OBJECTS)
        return true;
    if (a->type_size != b->type_size)
        return false;
    if (is_same_pair(a, b))
        return true;
    trace = name_sets_meanings(sets, a->trace) & name_sets_meanings(sets, b->trace);
    return (trace & type) != 0 &&
           ((name_sets_meanings(sets, a->trace) | name_sets_meanings(sets, b->trace)) & ~certain) ==
               0 &&
           a->name != NULL && a->name == b->name;
}

static int compare_names(const void *left, const void *right)
{
    const KnownKey *a = *(const KnownKey *const *)left, *b = *(const KnownKey *const *)right;
    int order = a->kind != b->kind ? (a->kind < b->kind ? -1 : 1)
                                   : compare_numbers(a->name_rank, b->name_rank);

    if (order == 0 && a->kind == HEAP_TYPE_OBJECTS)
        order = compare_numbers(a->type_size, b->type_size);
    // The first of equals is the one that is shown first.
    return order != 0 ? order : compare_numbers((uintptr_t)a, (uintptr_t)b);
}

static bool rank_names(KnownKey *known, uint32_t count, Error *error)
{
    const char **names = calloc((size_t)count + 1, sizeof *names);
    uint32_t *ranks = malloc(((size_t)count + 1) * sizeof *ranks);
    bool ok = (names != NULL && ranks != NULL) ||
              error_set_memory(error, count * sizeof *names, "names of types");

    for (uint32_t i = 0; ok && i < count; i++)
        names[i] = known[i].name;
    ok = ok && text_ranks_make(names, count, ranks, error);
    for (uint32_t i = 0; ok && i < count; i++)
        known[i].name_rank = ranks[i];
    free(names);
    free(ranks);
    return ok;
}

// For each of the keys in `known`, which are in order: the first one that is of the same type.
static bool find_equals(NameSets *sets, KnownKey *known, uint32_t count, uint32_t *first_of,
                        Error *error)
{
    const KnownKey **by_name;

    if (!rank_names(known, count, error))
        return false;
    by_name = calloc((size_t)count + 1, sizeof *by_name);
    if (by_name == NULL)
        return error_set_memory(error, count * sizeof *by_name, "types");
    for (uint32_t i = 0; i < count; i++)
        by_name[i] = &known[i];
    qsort(by_name, count, sizeof *by_name, compare_names);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)(by_name[i] - known);

        first_of[index] = i > 0 && is_same_type(sets, by_name[i - 1], by_name[i])
                              ? first_of[by_name[i - 1] - known]
                              : index;
    }
    free(by_name);
    return true;
}

static char *unnamed_label(const SnapshotDetails *details, const KnownKey *key, uint32_t number)
{
    const char *module = type_module_name(details, key->trace);
    char *label;
    int length;

    if (module != NULL)
        length = asprintf(&label, "type #%" PRIu32 " (trace %.*s+0x%" PRIx64 ")", number,
                          TYPE_MODULE_BYTES, module, key->trace->module_offset);
    else
        length =
            asprintf(&label, "type #%" PRIu32 " (trace 0x%" PRIx64 ")", number, key->words->trace);
    return length < 0 ? NULL : label;
}

const char *type_label_without_number(const char *label)
{
    const char *trace = strncmp(label, "type #", 6) == 0 ? strstr(label, "(trace ") : NULL;

    return trace != NULL ? trace : label;
}

static bool add_type(TypeTable *table, const SnapshotDetails *details, const KnownKey *key,
                     Error *error)
{
    HeapType *type = &table->types[table->type_count++];

    *type = (HeapType){.kind = key->kind, .first_key = key->key, .name = key->name};
    if (type->kind == HEAP_TYPE_HEADERLESS) {
        type->label = "no object header";
    } else if (type->kind == HEAP_TYPE_NONE) {
        type->label = "no type";
    } else if (type->name != NULL) {
        type->label = type->name;
    } else {
        char *label = unnamed_label(details, key, table->type_count);

        if (label == NULL)
            return error_set(error, ERROR_MEMORY, "cannot allocate memory for a type's label");
        type->label = name_sets_keep(table->sets, label, error);
        free(label);
    }
    return type->label != NULL;
}

static bool make_types(TypeTable *table, const SnapshotDetails *details, const KnownKey *known,
                       const uint32_t *first_of, Error *error)
{
    table->types = calloc((size_t)table->key_count + 1, sizeof *table->types);
    table->shown_keys = calloc((size_t)table->key_count + 1, sizeof *table->shown_keys);
    if (table->types == NULL || table->shown_keys == NULL)
        return error_set_memory(error, table->key_count * sizeof *table->types, "types");
    for (uint32_t i = 0; i < table->key_count; i++) {
        const KnownKey *first = &known[first_of[i]];

        table->shown_keys[i] = known[i].key;
        if (first_of[i] == i && !add_type(table, details, &known[i], error))
            return false;
        table->keys[known[i].key].type =
            first_of[i] == i ? table->type_count - 1 : table->keys[first->key].type;
    }
    return true;
}

bool type_table_finish(TypeTable *table, const SnapshotDetails *details, Error *error)
{
    KnownKey *known = calloc((size_t)table->key_count + 1, sizeof *known);
    uint32_t *first_of = calloc((size_t)table->key_count + 1, sizeof *first_of);
    bool ok = false;

    if (known == NULL || first_of == NULL) {
        error_set_memory(error, table->key_count * sizeof *known, "types");
        goto done;
    }
    if (!name_sets_new(details, &table->sets, error) || !know_keys(table, details, known, error))
        goto done;
    qsort(known, table->key_count, sizeof *known, compare_keys);
    ok = name_pairs(table->sets, known, table->key_count, details, error) &&
         find_equals(table->sets, known, table->key_count, first_of, error) &&
         make_types(table, details, known, first_of, error);

done:
    free(known);
    free(first_of);
    return ok;
}

// ---- life ----

bool type_table_new(TypeTable **out, Error *error)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL || error_set_memory(error, sizeof **out, "types");
}

void type_table_free(TypeTable *table)
{
    if (table == NULL)
        return;
    name_sets_free(table->sets);
    free(table->types);
    free(table->shown_keys);
    free(table->keys);
    hash_index_release(&table->key_index);
    free(table);
}
