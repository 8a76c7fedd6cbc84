// Objects of Crystal: see snapshot/capture/find/crystal_objects.h.

#include "snapshot/capture/find/crystal_objects.h"

#include <stdlib.h>
#include <string.h>

// A String's numbers, before its bytes and a zero.
#define STRING_BYTES 13u

// The slots of a type's objects. The size of most is found by one that leads, and counted.
typedef struct CrystalSlots {
    uint64_t bytes;
    uint64_t lead;
    uint64_t same;  // of `bytes`
    uint64_t total; // that begin with the number of the type
    bool is_pointer_free;
    bool is_never; // it has no objects of its own
} CrystalSlots;

// Names of types whose values begin with no number.
static bool has_no_objects(const char *name)
{
    static const char *const whole[] = {"Nil",     "Bool",   "Char",    "Int8",    "Int16",
                                        "Int32",   "Int64",  "Int128",  "UInt8",   "UInt16",
                                        "UInt32",  "UInt64", "UInt128", "Float32", "Void",
                                        "Float64", "Symbol", "NoReturn"};
    static const char *const generic[] = {"(",        "Tuple(",       "NamedTuple(",
                                          "Pointer(", "StaticArray(", "Proc("};
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(name, whole[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof generic / sizeof generic[0]; i++)
        if (strncmp(name, generic[i], strlen(generic[i])) == 0)
            return true;
    return (length > 6 && strcmp(name + length - 6, ".class") == 0) ||
           (length > 6 && strcmp(name + length - 6, ":Class") == 0) ||
           (length > 7 && strcmp(name + length - 7, ":Module") == 0);
}

static bool is_string(const BoehmBlock *block, uint64_t first_word)
{
    uint64_t bytes = (first_word >> 32) + STRING_BYTES;
    uint64_t more = block->is_large ? UINT64_C(8192) : 32;

    // A String that became shorter keeps its slot if it takes half of it.
    return boehm_block_is_pointer_free(block) && bytes <= block->bytes &&
           block->bytes <= 2 * bytes + more;
}

// Calls for each object that begins with the number of a type of which only the name is known.
static void visit_objects(const BoehmHeap *heap, MemoryReader *reader, CrystalObjects *objects,
                          void (*visit)(CrystalSlots *slots, const BoehmBlock *block))
{
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];

        for (uint32_t k = 0; !block->is_free && !block->is_large && k < block->slot_count; k++) {
            uint8_t state = heap->slots[block->first_slot + k];
            uint32_t type;

            if (state != BOEHM_ALLOCATED && state != BOEHM_DEAD)
                continue;
            type = crystal_types_index(
                &objects->types, (uint32_t)memory_word(reader, block->address + k * block->bytes));
            if (type != UINT32_MAX && !objects->types.types[type].is_allocated)
                visit(&objects->slots[type], block);
        }
    }
}

static bool is_same(const CrystalSlots *slots, const BoehmBlock *block)
{
    return slots->bytes == block->bytes &&
           slots->is_pointer_free == boehm_block_is_pointer_free(block);
}

static void find_leader(CrystalSlots *slots, const BoehmBlock *block)
{
    if (slots->lead == 0) {
        slots->bytes = block->bytes;
        slots->is_pointer_free = boehm_block_is_pointer_free(block);
    }
    if (is_same(slots, block))
        slots->lead++;
    else
        slots->lead--;
}

static void count_leader(CrystalSlots *slots, const BoehmBlock *block)
{
    slots->total++;
    slots->same += is_same(slots, block);
}

bool crystal_objects_learn(const BoehmHeap *heap, MemoryReader *reader, CrystalTypes *types,
                           CrystalObjects *out, Error *error)
{
    bool is_table = false;

    *out = (CrystalObjects){.types = *types};
    *types = (CrystalTypes){.count = 0};
    out->slots = calloc((size_t)out->types.count + 1, sizeof *out->slots);
    if (out->slots == NULL)
        return error_set_memory(error, out->types.count * sizeof *out->slots, "types");
    for (uint32_t i = 0; i < out->types.count; i++) {
        out->slots[i].is_never = has_no_objects(out->types.types[i].name);
        is_table = is_table || !out->types.types[i].is_allocated;
    }
    if (is_table) {
        visit_objects(heap, reader, out, find_leader);
        visit_objects(heap, reader, out, count_leader);
    }
    return true;
}

void crystal_objects_release(CrystalObjects *objects)
{
    crystal_types_release(&objects->types);
    free(objects->slots);
    *objects = (CrystalObjects){.slots = NULL};
}

const char *crystal_object_name(const CrystalObjects *objects, const BoehmBlock *block,
                                uint64_t first_word)
{
    uint32_t id = (uint32_t)first_word, index;
    const CrystalSlots *slots;
    const CrystalType *type;

    if (objects->types.count == 0)
        return NULL;
    if (id == objects->types.string_id)
        return is_string(block, first_word) ? "String" : NULL;
    index = crystal_types_index(&objects->types, id);
    if (index == UINT32_MAX || block->is_large)
        return NULL;
    type = &objects->types.types[index];
    slots = &objects->slots[index];
    if (slots->is_never)
        return NULL;
    if (!type->is_allocated)
        return is_same(slots, block) && slots->same > slots->total / 2 ? type->name : NULL;
    // A slot may be the next larger one, or twice as large.
    return type->is_pointer_free == boehm_block_is_pointer_free(block) &&
                   block->bytes >= type->bytes &&
                   (type->bytes == 0 || block->bytes <= 2 * (type->bytes / 16 + UINT64_C(1)) * 16)
               ? type->name
               : NULL;
}
