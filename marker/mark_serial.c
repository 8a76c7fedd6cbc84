// The serial marker: the oracle.
//
// It must be obviously right, so it follows the rule word by word through heap_image_resolve(),
// keeps one stack, and shares no code with the markers that are compared with it.

#include <stdlib.h>

#include "base/array.h"
#include "marker/mark.h"
#include "marker/mark_internal.h"

// An object (page, slot), or a foreign block (NO_INDEX, block).
typedef struct Node {
    uint32_t page;
    uint32_t slot_or_block;
} Node;

typedef struct SerialMark {
    const HeapImage *image;
    MarkResult *result;
    MarkWorkerStatistics *statistics;
    Node *stack;
    uint64_t depth;
    uint64_t capacity;
} SerialMark;

static bool push(SerialMark *mark, Node node, Error *error)
{
    if (!array_reserve(&mark->stack, &mark->capacity, mark->depth + 1, sizeof node,
                       "the mark stack", error))
        return false;
    mark->stack[mark->depth++] = node;
    return true;
}

// Sets a bit. Returns whether it was clear.
static bool set_bit(uint64_t *words, uint64_t bit)
{
    uint64_t mask = UINT64_C(1) << (bit % 64);
    bool was_clear = (words[bit / 64] & mask) == 0;

    words[bit / 64] |= mask;
    return was_clear;
}

static bool is_old(const SerialMark *mark, uint32_t page)
{
    return heap_image_generation(mark->image, page) > 0;
}

// Marks the target of a reference, and pushes it for scanning.
static bool visit(SerialMark *mark, Reference reference, Error *error)
{
    MarkResult *result = mark->result;

    switch (reference.kind) {
    case REFERENCE_NONE:
    case REFERENCE_DEAD:
        return true;
    case REFERENCE_INVALID:
        result->totals.invalid_references++;
        return true;
    case REFERENCE_BLOCK:
        if (!set_bit(result->marked_blocks, reference.block))
            return true;
        return push(mark, (Node){NO_INDEX, reference.block}, error);
    case REFERENCE_OBJECT:
        // In a minor mark old objects count as live already: neither marked nor scanned.
        if (result->kind == MARK_MINOR && is_old(mark, reference.page))
            return true;
        if (!set_bit(result->marked + heap_image_first_word(mark->image, reference.page),
                     reference.slot))
            return true;
        mark->statistics->marked++;
        return push(mark, (Node){reference.page, reference.slot}, error);
    }
    return true;
}

static bool visit_roots(SerialMark *mark, Error *error)
{
    for (uint64_t i = 0; i < mark->image->root_count; i++) {
        const Root *root = &mark->image->roots[i];
        Reference reference =
            heap_image_resolve(mark->image, root->value, root_allows_interior(root));
        if (reference.kind == REFERENCE_OBJECT || reference.kind == REFERENCE_DEAD ||
            reference.kind == REFERENCE_BLOCK)
            mark->result->totals.roots[root->kind]++;
        if (!visit(mark, reference, error))
            return false;
    }
    return true;
}

// Visits the 8-aligned words of [address, address + length), whose bytes are at `bytes`.
static bool scan(SerialMark *mark, uint64_t address, const uint8_t *bytes, uint64_t length,
                 Error *error)
{
    for (uint64_t offset = (8 - address % 8) % 8; offset + 8 <= length; offset += 8) {
        Reference reference = heap_image_resolve(mark->image, load_u64(bytes + offset), false);
        mark->statistics->scanned_words++;
        if (reference.kind == REFERENCE_OBJECT || reference.kind == REFERENCE_DEAD ||
            reference.kind == REFERENCE_BLOCK)
            mark->statistics->edges++;
        if (!visit(mark, reference, error))
            return false;
    }
    return true;
}

static bool scan_object(SerialMark *mark, uint32_t page, uint32_t slot, Error *error)
{
    const HeapImage *image = mark->image;
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);

    if (heap_image_is_under_construction(image, page, slot))
        return true;
    return scan(mark, heap_image_object_address(image, page, slot) + payload,
                heap_image_object_bytes(image, page, slot) + payload, block_size - payload, error);
}

static bool scan_block(SerialMark *mark, uint32_t block, Error *error)
{
    const ForeignBlock *record = &mark->image->blocks[block];

    return scan(mark, record->address, mark->image->foreign_bytes + record->offset, record->bytes,
                error);
}

// A minor mark starts from the dirty live objects on old pages as well.
static bool scan_dirty_old_objects(SerialMark *mark, Error *error)
{
    const HeapImage *image = mark->image;

    for (uint32_t page = 0; page < image->page_count; page++) {
        if (!is_old(mark, page))
            continue;
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            bool is_dirty = heap_image_dirty_word(image, page, slot / 64) >> (slot % 64) & 1;
            if (is_dirty && heap_image_is_live(image, page, slot) &&
                !scan_object(mark, page, slot, error))
                return false;
        }
    }
    return true;
}

static bool mark_all(SerialMark *mark, Error *error)
{
    if (!visit_roots(mark, error))
        return false;
    if (mark->result->kind == MARK_MINOR && !scan_dirty_old_objects(mark, error))
        return false;
    while (mark->depth > 0) {
        Node node = mark->stack[--mark->depth];
        if (node.page == NO_INDEX ? !scan_block(mark, node.slot_or_block, error)
                                  : !scan_object(mark, node.page, node.slot_or_block, error))
            return false;
    }
    return true;
}

bool mark_reachable_serial(const HeapImage *image, MarkKind kind, MarkResult **out, Error *error)
{
    SerialMark mark = {.image = image};
    bool ok;

    *out = NULL;
    if (!mark_result_new(image, kind, &mark.result, error))
        return false;
    mark.result->statistics.worker_count = 1;
    mark.statistics = &mark.result->statistics.workers[0];
    ok = mark_all(&mark, error);
    free(mark.stack);
    if (!ok) {
        mark_result_free(mark.result);
        return false;
    }
    mark_result_count(mark.result, image);
    *out = mark.result;
    return true;
}
