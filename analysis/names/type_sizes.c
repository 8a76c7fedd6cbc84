// Sizes of types: see analysis/names/type_sizes.h.

#include "analysis/names/type_sizes.h"

#include <stdlib.h>

#include "base/search.h"

// Of types with one function; sets that are larger are left as they are.
#define MAX_MERGED 64u
// Of types with one trace function, whatever their drop functions: as many are looked at.
#define MOST_CANDIDATES 512u
// Objects in larger slots are large objects, which have their exact size.
#define LARGEST_CLASS 2048u

typedef struct SizedType {
    uint64_t type_word;
    const SnapshotDataType *type;
} SizedType;

struct TypeSizes {
    uint64_t count;
    SizedType types[]; // ascending by type word
};

static int compare_types(const void *left, const void *right)
{
    const SizedType *a = left, *b = right;

    if (a->type_word != b->type_word)
        return a->type_word < b->type_word ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

bool type_sizes_new(const SnapshotDetails *details, TypeSizes **out, Error *error)
{
    TypeSizes *sizes;
    uint64_t count = 0;

    for (uint32_t i = 0; i < details->data_type_count; i++)
        count += details->data_types[i].type_word_count;
    *out = sizes = calloc(1, sizeof *sizes + count * sizeof *sizes->types);
    if (sizes == NULL)
        return error_set_memory(error, count * sizeof *sizes->types, "sizes of types");
    for (uint32_t i = 0; i < details->data_type_count; i++)
        for (uint32_t w = 0; w < details->data_types[i].type_word_count; w++)
            sizes->types[sizes->count++] =
                (SizedType){details->data_types[i].type_words[w], &details->data_types[i]};
    qsort(sizes->types, sizes->count, sizeof *sizes->types, compare_types);
    return true;
}

void type_sizes_free(TypeSizes *sizes)
{
    free(sizes);
}

static bool has_drop(const SnapshotDataType *type, uint64_t drop)
{
    uint64_t i = search_from_u64(type->drops, type->drop_count, drop);

    return type->drop_count == 0 || (i < type->drop_count && type->drops[i] == drop);
}

// Classes are powers of two.
static bool fits(const SnapshotDataType *type, uint32_t block_size)
{
    if (block_size > LARGEST_CLASS)
        return type->object_bytes == block_size;
    return type->object_bytes <= block_size && type->object_bytes > block_size / 2;
}

const char *type_sizes_name(const TypeSizes *sizes, uint64_t trace, uint64_t drop,
                            uint32_t block_size, uint32_t count)
{
    uint64_t i = search_from(sizes->types, sizes->count, type_word, trace);
    const SnapshotDataType *found = NULL;
    uint32_t known = 0, fitting = 0;

    for (uint64_t end = i + MOST_CANDIDATES;
         i < sizes->count && sizes->types[i].type_word == trace && known <= MAX_MERGED; i++) {
        if (i == end)
            return NULL;
        const SnapshotDataType *type = sizes->types[i].type;

        if (!has_drop(type, drop))
            continue;
        known++;
        if (fits(type, block_size)) {
            found = type;
            fitting++;
        }
    }
    return fitting == 1 && known >= count && known <= MAX_MERGED ? found->name : NULL;
}
