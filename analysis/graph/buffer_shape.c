// BufferShape: see analysis/graph/residue_search_internal.h.
//
// The shapes are those of Rust's standard library (RawVec and VecDeque since 1.67, hashbrown): the
// fields lie in this order, and blocks have the size that was asked for, or a little more.

#include "analysis/graph/residue_search_internal.h"

// A chunk of glibc's malloc is at most this much longer than what was asked for; those of others
// have sizes a quarter apart.
#define MOST_SLACK 24u
#define MOST_CLASS_SLACK 4u
// Such a slack does not make entries up to this size look larger.
#define MOST_EXACT_ENTRY 24u
// Control bytes: the upper bit says that the bucket is empty.
#define EMPTY_BUCKET 0x80u

static uint64_t word_at(NodeWords words, uint64_t at)
{
    return at < words.count ? load_u64(words.bytes + 8 * at) : UINT64_MAX;
}

// The user range of the block that begins at, or holds, `address`, where its words can be read.
static const ForeignBlock *block_of(const HeapImage *image, uint64_t address, uint32_t *index)
{
    const ForeignBlock *block;

    *index = heap_image_find_block(image, address);
    if (*index == NO_INDEX)
        return NULL;
    block = &image->blocks[*index];
    return block->address % 8 == 0 && graph_block_words(image, *index).count > 0 ? block : NULL;
}

static bool read_vector(const HeapImage *image, NodeWords words, uint64_t at, BufferShape *out)
{
    uint64_t capacity = at > 0 ? word_at(words, at - 1) : 0, length = word_at(words, at + 1);
    const ForeignBlock *block;
    uint64_t entry, slack;

    // Most words are not in the middle of such a header; looking for blocks takes time.
    if (capacity == 0 || capacity >> 40 != 0 || length > capacity)
        return false;
    block = block_of(image, word_at(words, at), &out->block);
    if (block == NULL || block->address != word_at(words, at) || capacity > block->bytes / 8)
        return false;
    entry = block->bytes / capacity & ~UINT64_C(7);
    slack = block->bytes - capacity * entry;
    if (slack >= MOST_SLACK && slack > block->bytes / MOST_CLASS_SLACK)
        return false;
    out->kind = BUFFER_VECTOR;
    out->entry_bytes = entry;
    out->capacity = capacity;
    out->first = length;
    // Too large entries make a vector's length reach too far, and a ring's window wrong.
    out->second =
        slack >= MOST_SLACK && entry > MOST_EXACT_ENTRY ? UINT64_MAX : word_at(words, at + 2);
    return true;
}

static bool read_table(const HeapImage *image, NodeWords words, uint64_t at, BufferShape *out)
{
    uint64_t mask = word_at(words, at + 1), address = word_at(words, at);
    uint64_t room = word_at(words, at + 2), entries = word_at(words, at + 3);
    const ForeignBlock *block;
    uint64_t offset, buckets = mask + 1;

    if (mask < 3 || mask >> 40 != 0 || (mask & buckets) != 0 || room > mask || entries > mask)
        return false;
    block = block_of(image, address, &out->block);
    if (block == NULL)
        return false;
    offset = address - block->address;
    if (offset % buckets != 0 || offset / buckets == 0 || offset / buckets % 8 != 0 ||
        block->bytes - offset < buckets)
        return false;
    out->kind = BUFFER_TABLE;
    out->entry_bytes = offset / buckets;
    out->capacity = buckets;
    out->first = offset;
    out->second = entries;
    return true;
}

bool buffer_shape_read(const HeapImage *image, NodeWords words, uint64_t at, BufferShape *out)
{
    return read_vector(image, words, at, out) || read_table(image, words, at, out);
}

bool buffer_shape_holds(const HeapImage *image, const BufferShape *shape)
{
    const uint8_t *control =
        image->foreign_bytes + image->blocks[shape->block].offset + shape->first;
    uint64_t full = 0;

    if (shape->kind != BUFFER_TABLE)
        return shape->kind == BUFFER_VECTOR;
    for (uint64_t i = 0; i < shape->capacity; i++)
        full += control[i] < EMPTY_BUCKET;
    return full == shape->second;
}

bool buffer_shape_is_same(const BufferShape *a, const BufferShape *b)
{
    return a->kind == b->kind && a->entry_bytes == b->entry_bytes && a->capacity == b->capacity &&
           a->first == b->first && a->second == b->second;
}

// Outside of the window of `second` entries from `first` on, which wraps at the capacity.
static bool is_outside_ring(const BufferShape *shape, uint64_t offset)
{
    uint64_t entry = offset / shape->entry_bytes;
    uint64_t distance =
        entry >= shape->first ? entry - shape->first : entry + shape->capacity - shape->first;

    return entry >= shape->capacity || distance >= shape->second;
}

bool buffer_shape_is_left_over(const HeapImage *image, const BufferShape *shape, uint64_t offset,
                               unsigned readings)
{
    const ForeignBlock *block = &image->blocks[shape->block];

    switch (shape->kind) {
    case BUFFER_VECTOR:
        return ((readings & READ_AS_VECTOR) != 0 && offset / shape->entry_bytes >= shape->first) ||
               ((readings & READ_AS_RING) != 0 && shape->second <= shape->capacity &&
                is_outside_ring(shape, offset));
    case BUFFER_TABLE:
        // Buckets lie before the control bytes, the first one last.
        return offset < shape->first &&
               image->foreign_bytes[block->offset + shape->first +
                                    (shape->first - 1 - offset) / shape->entry_bytes] >=
                   EMPTY_BUCKET;
    default:
        return false;
    }
}
