// Items of mark queues: one u64 per claimed object that must still be scanned.
//
// The low 56 bits are an address, the high 8 bits a tag that gives its meaning:
//   2..7   an object of the size class with this tag (see SlotClass); the address of its payload in
//          this process
//   8..55  a span: up to 2^(tag - 8) words of a large object, of a foreign block, or of a slot in
//          a class that has no tag of its own, from this *captured* address on and no further than
//          its end
//   56..255 an object of the odd class (see OddClass) with this number less 56; the address of its
//          payload in this process
// The worker that takes a long span halves it again and again, and puts the far halves back before
// it visits the references of the first piece. So one giant array keeps many workers busy, and the
// oldest item on a stack, which others steal first, is the largest part of it.

#ifndef MARKER_MARK_ITEM_H
#define MARKER_MARK_ITEM_H

#include <stdint.h>

#define MARK_ITEM_TAG_SHIFT 56
#define MARK_ITEM_ADDRESS_MASK ((UINT64_C(1) << MARK_ITEM_TAG_SHIFT) - 1)
#define MARK_ITEM_SPAN_TAG 8u
#define MARK_ITEM_ODD_TAG 56u

static inline uint64_t mark_item_object(uint64_t payload, uint32_t tag)
{
    return payload | (uint64_t)tag << MARK_ITEM_TAG_SHIFT;
}

// words_log2: at most 47; addresses end below 2^56.
static inline uint64_t mark_item_span(uint64_t captured_address, uint32_t words_log2)
{
    return captured_address | (uint64_t)(MARK_ITEM_SPAN_TAG + words_log2) << MARK_ITEM_TAG_SHIFT;
}

// The span of `words` words, at least 1, before it is halved.
static inline uint64_t mark_item_whole_span(uint64_t captured_address, uint64_t words)
{
    return mark_item_span(captured_address,
                          words > 1 ? 64 - (uint32_t)__builtin_clzll(words - 1) : 0);
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
