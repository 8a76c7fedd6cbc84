// Nix's types: see snapshot/capture/boehm/nix_types.h.

#include "snapshot/capture/boehm/nix_types.h"

#include <stdlib.h>
#include <string.h>

// What an object is. The first ones are the tags of values.
typedef enum NixRole {
    ROLE_UNKNOWN,
    VALUE_INTEGER,
    VALUE_BOOLEAN,
    VALUE_STRING,
    VALUE_PATH,
    VALUE_NULL,
    VALUE_ATTRIBUTES,
    VALUE_LIST_OF_1,
    VALUE_LIST_OF_2,
    VALUE_LIST,
    VALUE_THUNK,
    VALUE_APPLICATION,
    VALUE_FUNCTION,
    VALUE_BLACK_HOLE,
    VALUE_BUILT_IN,
    VALUE_BUILT_IN_APPLICATION,
    VALUE_EXTERNAL,
    VALUE_FLOAT,
    VALUE_COUNT,
    ROLE_ATTRIBUTES = VALUE_COUNT,
    ROLE_ELEMENTS,
    ROLE_ENVIRONMENT,
    ROLE_CHARACTERS,
    ROLE_COUNT,
} NixRole;

static const char *const names[ROLE_COUNT] = {
    [VALUE_INTEGER] = "integer",
    [VALUE_BOOLEAN] = "Boolean",
    [VALUE_STRING] = "string",
    [VALUE_PATH] = "path",
    [VALUE_NULL] = "null",
    [VALUE_ATTRIBUTES] = "attribute set",
    [VALUE_LIST_OF_1] = "list",
    [VALUE_LIST_OF_2] = "list",
    [VALUE_LIST] = "list",
    [VALUE_THUNK] = "thunk",
    [VALUE_APPLICATION] = "application",
    [VALUE_FUNCTION] = "function",
    [VALUE_BLACK_HOLE] = "black hole",
    [VALUE_BUILT_IN] = "built-in function",
    [VALUE_BUILT_IN_APPLICATION] = "application of a built-in function",
    [VALUE_EXTERNAL] = "external value",
    [VALUE_FLOAT] = "float",
    [ROLE_ATTRIBUTES] = "attributes",
    [ROLE_ELEMENTS] = "list elements",
    [ROLE_ENVIRONMENT] = "environment",
    [ROLE_CHARACTERS] = "characters",
};

// A tag and two words, in slots of two or four words.
#define VALUE_BYTES 24u
#define MOST_SLOT_BYTES 32u
// Values with references that are looked at must be this many, and all but one of this many right.
#define LEAST_VALUES 100u
#define MOST_ELEMENTS (UINT64_C(1) << 32)

struct NixTypes {
    uint8_t *roles; // NixRole of each slot; owned
};

bool nix_is_module(const char *module)
{
    return strncmp(module, "libnixexpr.so", strlen("libnixexpr.so")) == 0;
}

typedef struct NixSearch {
    const BoehmHeap *heap;
    MemoryReader *reader;
    uint8_t *roles;
    uint64_t right; // values whose words are what their tag says
    uint64_t wrong;
} NixSearch;

// The slot of the object that begins at `word` and has `bytes` at least, or BOEHM_NO_SLOT.
static uint64_t object_at(const NixSearch *search, uint64_t word, uint64_t bytes)
{
    const BoehmBlock *block = boehm_heap_block_at(search->heap, word);
    uint64_t slot = block == NULL ? BOEHM_NO_SLOT : boehm_heap_resolve(search->heap, word, false);

    return slot != BOEHM_NO_SLOT && boehm_block_slot_address(block, slot) == word &&
                   block->bytes >= bytes
               ? slot
               : BOEHM_NO_SLOT;
}

// Notes the role of the object that a word refers to, which must have `bytes` at least.
static bool refers(NixSearch *search, uint64_t word, uint64_t bytes, NixRole role)
{
    uint64_t slot = object_at(search, word, bytes);

    if (slot == BOEHM_NO_SLOT)
        return false;
    if (role != ROLE_UNKNOWN && search->roles[slot] == ROLE_UNKNOWN)
        search->roles[slot] = (uint8_t)role;
    return true;
}

// Are the words behind the tag what it says? *counts: they tell.
static bool is_value(NixSearch *search, NixRole tag, uint64_t first, uint64_t second, bool *counts)
{
    *counts = true;
    switch (tag) {
    case VALUE_ATTRIBUTES:
        // Empty sets share one that is not in the heap in some versions.
        *counts = boehm_heap_block_at(search->heap, first) != NULL;
        return !*counts || refers(search, first, 16, ROLE_ATTRIBUTES);
    case VALUE_LIST_OF_1:
        return refers(search, first, 16, ROLE_UNKNOWN);
    case VALUE_LIST_OF_2:
    case VALUE_APPLICATION:
    case VALUE_BUILT_IN_APPLICATION:
        return refers(search, first, 16, ROLE_UNKNOWN) && refers(search, second, 16, ROLE_UNKNOWN);
    case VALUE_LIST:
        *counts = first > 0;
        return first < MOST_ELEMENTS &&
               (first == 0 || refers(search, second, 8 * first, ROLE_ELEMENTS));
    case VALUE_THUNK:
    case VALUE_FUNCTION:
        return refers(search, first, 16, ROLE_ENVIRONMENT) && second != 0 && second % 8 == 0;
    case VALUE_STRING:
    case VALUE_PATH:
        *counts = false;
        (void)refers(search, first, 1, ROLE_CHARACTERS);
        return true;
    default:
        *counts = false;
        return true;
    }
}

static void visit_block(NixSearch *search, const BoehmBlock *block)
{
    if (block->is_free || block->is_large || boehm_block_is_pointer_free(block) ||
        block->bytes < VALUE_BYTES || block->bytes > MOST_SLOT_BYTES)
        return;
    for (uint32_t i = 0; i < block->slot_count; i++) {
        uint64_t slot = block->first_slot + i, address = block->address + i * block->bytes;
        uint64_t tag = memory_word(search->reader, address);
        bool counts, is_right;

        if ((search->heap->slots[slot] != BOEHM_ALLOCATED &&
             search->heap->slots[slot] != BOEHM_DEAD) ||
            tag == 0 || tag >= VALUE_COUNT)
            continue;
        is_right = is_value(search, (NixRole)tag, memory_word(search->reader, address + 8),
                            memory_word(search->reader, address + 16), &counts);
        if (counts)
            *(is_right ? &search->right : &search->wrong) += 1;
        if (is_right)
            search->roles[slot] = (uint8_t)tag;
    }
}

bool nix_types_new(const BoehmHeap *heap, MemoryReader *reader, NixTypes **out, Error *error)
{
    NixTypes *types = calloc(1, sizeof *types);
    NixSearch search = {.heap = heap, .reader = reader};

    *out = NULL;
    if (types != NULL)
        types->roles = calloc(heap->slot_count + 1, sizeof *types->roles);
    if (types == NULL || types->roles == NULL) {
        nix_types_free(types);
        return error_set_memory(error, heap->slot_count, "the types of values");
    }
    search.roles = types->roles;
    for (uint64_t i = 0; i < heap->block_count; i++)
        visit_block(&search, &heap->blocks[i]);
    if (search.right + search.wrong < LEAST_VALUES || search.wrong > search.right / LEAST_VALUES)
        nix_types_free(types);
    else
        *out = types;
    return true;
}

void nix_types_free(NixTypes *types)
{
    if (types == NULL)
        return;
    free(types->roles);
    free(types);
}

const char *nix_type_name(const NixTypes *types, uint64_t slot)
{
    return names[types->roles[slot]];
}
