// What waits in mark queues: one u64 per claimed object that must still be scanned.
//
// The low 56 bits are an address, the high 8 bits say what it means:
//   2..7  an object of the size class with this tag (see SlotClass); where its payload really is
//   1     a chunk of references (see marker/reference_regions.h) that nobody visited yet: where
//         it is; only in queues that others steal from
//   0     a span: the rest of a large object, of a foreign block, or of a slot in a class that
//         has no tag of its own, from this *captured* address on
// A span is scanned piece by piece: the worker that takes it puts the rest back before it visits
// what it found, so one giant array keeps many workers busy and never takes more than one item.

#ifndef MARKER_MARK_ITEM_H
#define MARKER_MARK_ITEM_H

#include <stdint.h>

#define MARK_ITEM_TAG_SHIFT 56
#define MARK_ITEM_ADDRESS_MASK ((UINT64_C(1) << MARK_ITEM_TAG_SHIFT) - 1)

static inline uint64_t mark_item_object(uint64_t payload, uint32_t tag)
{
    return payload | (uint64_t)tag << MARK_ITEM_TAG_SHIFT;
}

static inline uint64_t mark_item_span(uint64_t captured_address)
{
    return captured_address;
}

#define MARK_ITEM_CHUNK_TAG 1u

static inline uint64_t mark_item_chunk(const void *chunk)
{
    return (uint64_t)(uintptr_t)chunk | (uint64_t)MARK_ITEM_CHUNK_TAG << MARK_ITEM_TAG_SHIFT;
}

static inline uint32_t mark_item_tag(uint64_t item)
{
    return (uint32_t)(item >> MARK_ITEM_TAG_SHIFT);
}

static inline uint64_t mark_item_address(uint64_t item)
{
    return item & MARK_ITEM_ADDRESS_MASK;
}

#endif
