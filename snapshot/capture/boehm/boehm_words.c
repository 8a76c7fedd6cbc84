// BoehmWords: see snapshot/capture/boehm/boehm_words.h.

#include "snapshot/capture/boehm/boehm_words.h"

#include <string.h>

#include "snapshot/capture/boehm/boehm_search_internal.h"

// The two lowest bits of a descriptor.
enum {
    DESCRIPTOR_LENGTH = 0, // the bytes that are looked at
    DESCRIPTOR_BITMAP = 1, // the highest bit stands for the first word
    DESCRIPTOR_PROCEDURE = 2,
    DESCRIPTOR_PER_OBJECT = 3, // where the descriptor is
};

// Per object, and negative: the descriptor is in the type descriptor that the first word points to.
#define INDIRECT_BIAS UINT64_C(0x10)
// The template of kinds whose objects have their descriptor in the last word.
#define LAST_WORD (~UINT64_C(7) | DESCRIPTOR_PER_OBJECT)

uint64_t boehm_word_normal(const BoehmHeap *heap, uint64_t word, bool is_on_stack)
{
    uint64_t slot = boehm_heap_resolve(heap, word, is_on_stack);

    if (slot == BOEHM_NO_SLOT || heap->slots[slot] != BOEHM_ALLOCATED)
        return 0;
    return boehm_block_slot_address(boehm_heap_block_at(heap, word), slot);
}

// The number of the kind whose template is a bare procedure, behind the one that has a descriptor
// in its last word: arrays of typed objects (typd_mlc.c). The procedure of typed objects comes
// before.
static bool is_own_procedure(const BoehmHeap *heap, uint64_t descriptor)
{
    const BoehmKind *kinds = heap->kinds;

    for (uint32_t k = 0; k + 1 < heap->kind_count; k++)
        if (kinds[k].descriptor == LAST_WORD && kinds[k].adds_size &&
            (kinds[k + 1].descriptor & 3) == DESCRIPTOR_PROCEDURE && !kinds[k + 1].adds_size) {
            uint64_t array = kinds[k + 1].descriptor >> 2 & 63;
            uint64_t procedure = descriptor >> 2 & 63;
            return procedure == array || procedure + 1 == array;
        }
    return false;
}

bool boehm_kind_is_foreign(const BoehmHeap *heap, const BoehmKind *kind)
{
    return (kind->descriptor & 3) == DESCRIPTOR_PROCEDURE &&
           !is_own_procedure(heap, kind->descriptor);
}

uint64_t boehm_block_read_bytes(const BoehmBlock *block)
{
    uint64_t descriptor = block->descriptor;

    if ((descriptor & 3) == DESCRIPTOR_LENGTH)
        return descriptor < block->bytes ? descriptor / 8 * 8 : block->bytes;
    if ((descriptor & 3) == DESCRIPTOR_BITMAP) {
        descriptor &= ~UINT64_C(3);
        if (descriptor == 0)
            return 0;
        uint64_t bytes = 8 * (64 - (uint64_t)__builtin_ctzll(descriptor));
        return bytes < block->bytes ? bytes : block->bytes;
    }
    return block->bytes;
}

// Words of the object by `bitmap`, from `at` on; its highest bit stands for the first.
static void keep_bitmap(const BoehmWords *words, const BoehmBlock *block, uint64_t bitmap,
                        uint64_t at, const uint8_t *bytes, uint8_t *out)
{
    for (; bitmap != 0 && at + 8 <= block->bytes; bitmap <<= 1, at += 8) {
        uint64_t word;

        if (bitmap >> 63 == 0)
            continue;
        memcpy(&word, bytes + at, sizeof word);
        word = boehm_word_normal(words->heap, word, false);
        memcpy(out + at, &word, sizeof word);
    }
}

static void keep_length(const BoehmWords *words, const BoehmBlock *block, uint64_t length,
                        const uint8_t *bytes, uint8_t *out)
{
    if (length > block->bytes)
        length = block->bytes;
    for (uint64_t at = 0; at + 8 <= length; at += 8) {
        uint64_t word;

        memcpy(&word, bytes + at, sizeof word);
        if (word == 0)
            continue;
        word = boehm_word_normal(words->heap, word, false);
        memcpy(out + at, &word, sizeof word);
    }
}

// The bitmaps of typed objects that are too long for a descriptor: 16 bytes each, of which the
// second word says whether another one follows. Their lowest bit stands for the first word.
static bool keep_extended(BoehmWords *words, const BoehmBlock *block, uint64_t descriptor,
                          const uint8_t *bytes, uint8_t *out)
{
    const BoehmHeap *heap = words->heap;
    const BoehmLayout *layout = heap->layout;
    uint64_t table, count, entry = descriptor >> 8, at = 0;

    if (layout->descriptors == 0 || !is_own_procedure(heap, descriptor))
        return false;
    // The array's procedure has an environment of 0, and its own descriptor at the object's end.
    if ((heap->kinds[block->kind].descriptor & 3) == DESCRIPTOR_PROCEDURE)
        return false;
    table = memory_word(&words->reader, heap->arrays + layout->descriptors);
    count = memory_word(&words->reader, heap->arrays + layout->descriptor_count);
    for (; entry < count && at < block->bytes; entry++, at += 512) {
        uint64_t bitmap = memory_word(&words->reader, table + 16 * entry);

        for (uint64_t bit = 0; bit < 64 && at + 8 * bit + 8 <= block->bytes; bit++) {
            uint64_t word;

            if ((bitmap >> bit & 1) == 0)
                continue;
            memcpy(&word, bytes + at + 8 * bit, sizeof word);
            word = boehm_word_normal(heap, word, false);
            memcpy(out + at + 8 * bit, &word, sizeof word);
        }
        if (boehm_read_u32(&words->reader, table + 16 * entry + 8) == 0)
            return true;
    }
    return true;
}

// The descriptor that an object has for itself. False: it is not known.
static bool object_descriptor(BoehmWords *words, const BoehmBlock *block, const uint8_t *bytes,
                              uint64_t *descriptor)
{
    uint64_t at = *descriptor - DESCRIPTOR_PER_OBJECT, type;

    if ((int64_t)*descriptor >= 0) {
        if (at + 8 > block->bytes)
            return false;
        memcpy(descriptor, bytes + at, sizeof *descriptor);
    } else {
        memcpy(&type, bytes, sizeof type);
        if (type == 0) {
            *descriptor = 0; // not initialised yet: nothing is looked at
            return true;
        }
        at = type - (*descriptor + (INDIRECT_BIAS - DESCRIPTOR_PER_OBJECT));
        if (at % 8 != 0 || process_copy_bytes(words->reader.copy, at, 8) == NULL)
            return false; // in memory that is not writable
        *descriptor = memory_word(&words->reader, at);
    }
    return (*descriptor & 3) != DESCRIPTOR_PER_OBJECT;
}

void boehm_object_normal(BoehmWords *words, const BoehmBlock *block, uint64_t slot,
                         const uint8_t *bytes, uint8_t *out)
{
    uint64_t descriptor = block->descriptor;
    bool is_known = true;

    memset(out, 0, block->bytes);
    if (words->heap->slots[slot] != BOEHM_ALLOCATED && words->heap->slots[slot] != BOEHM_DEAD)
        return;
    // The indirect form in typed objects: the descriptor in the last word.
    if ((descriptor & 3) == DESCRIPTOR_PER_OBJECT)
        is_known = object_descriptor(words, block, bytes, &descriptor);
    if (is_known && (descriptor & 3) == DESCRIPTOR_LENGTH) {
        keep_length(words, block, descriptor, bytes, out);
    } else if (is_known && (descriptor & 3) == DESCRIPTOR_BITMAP) {
        keep_bitmap(words, block, descriptor & ~UINT64_C(3), 0, bytes, out);
    } else if (!is_known || !keep_extended(words, block, descriptor, bytes, out)) {
        words->unknown_objects++;
        keep_length(words, block, block->bytes, bytes, out);
    }
}
