// The SBLK section: malloc'd blocks without content, and which of them refer to which. A redacted
// snapshot keeps all of it: addresses and sizes.
//
// Such blocks are many, and most lie side by side and are of few sizes. So the section holds no
// addresses but differences, as numbers of variable length, and each kind of number by itself,
// which compresses to a byte or two a block:
//
//   the gaps      from the end of the block before (of the first: from 0), in granules
//   the sizes     granules * 2, and 1 where the block is shared
//   the links     for each block that has some: the distance of its index from the one before that
//                 has some, their number, and their targets, ascending: the first as a distance
//                 from the block's own index (zigzag), each further one as a distance from the one
//                 before

#include <stdlib.h>
#include <string.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "snapshot/heap/heap_layout.h"

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

// ---- writing ----

static void encode_links(ByteBuffer *buffer, const SnapshotDetails *details)
{
    const SizedLink *links = details->sized_links;
    uint32_t before = 0;

    for (uint32_t first = 0, end; first < details->sized_link_count; first = end) {
        uint32_t from = links[first].from;

        for (end = first + 1; end < details->sized_link_count && links[end].from == from;)
            end++;
        byte_buffer_add_varint(buffer, from - before);
        byte_buffer_add_varint(buffer, end - first);
        byte_buffer_add_varint(buffer, zigzag((int64_t)links[first].to - (int64_t)from));
        for (uint32_t i = first + 1; i < end; i++)
            byte_buffer_add_varint(buffer, links[i].to - links[i - 1].to);
        before = from;
    }
}

static void encode_body(ByteBuffer *buffer, const SnapshotDetails *details)
{
    uint64_t end = 0;

    byte_buffer_add_u64(buffer, details->sized_link_count);
    for (uint32_t i = 0; i < details->sized_block_count; i++) {
        const SizedBlock *block = &details->sized_blocks[i];

        byte_buffer_add_varint(buffer, (block->address - end) / SIZED_BLOCK_GRANULE);
        end = block->address + sized_block_bytes(block);
    }
    for (uint32_t i = 0; i < details->sized_block_count; i++) {
        const SizedBlock *block = &details->sized_blocks[i];

        byte_buffer_add_varint(buffer, sized_block_bytes(block) / SIZED_BLOCK_GRANULE * 2 +
                                           sized_block_is_shared(block));
    }
    encode_links(buffer, details);
}

// ---- reading ----

static bool set_end(Error *error)
{
    return error_set(error, ERROR_CORRUPT, "the blocks without content end early");
}

// Gaps first, kept in `address` until the sizes are there.
static bool decode_blocks(ByteCursor *cursor, uint32_t count, SizedBlock *blocks, Error *error)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < count; i++)
        blocks[i].address = byte_cursor_varint(cursor);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t room = (HEAP_ADDRESS_LIMIT - end) / SIZED_BLOCK_GRANULE;
        uint64_t gap = blocks[i].address, size = byte_cursor_varint(cursor);

        if (cursor->is_short)
            return set_end(error);
        if (gap > room || size / 2 == 0 || size / 2 > room - gap)
            return error_set(error, ERROR_CORRUPT, "block without content %u is not possible", i);
        blocks[i].address = end + gap * SIZED_BLOCK_GRANULE;
        blocks[i].bytes_and_flags =
            size / 2 * SIZED_BLOCK_GRANULE + (size % 2 != 0 ? SIZED_BLOCK_SHARED : 0);
        end = blocks[i].address + sized_block_bytes(&blocks[i]);
    }
    return true;
}

// The targets of one block's links; *used counts all links that were decoded.
static bool decode_targets(ByteCursor *cursor, uint64_t from, uint64_t count, SnapshotDetails *out,
                           Error *error)
{
    uint64_t target = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t step = byte_cursor_varint(cursor);

        // Wraps where it is not possible.
        target = i == 0 ? from + (uint64_t)unzigzag(step) : target + step;
        if (cursor->is_short)
            return set_end(error);
        if (target >= out->sized_block_count || target == from || (i > 0 && step == 0) ||
            step > UINT32_MAX * UINT64_C(2) || sized_block_is_shared(&out->sized_blocks[target]))
            return error_set(error, ERROR_CORRUPT,
                             "a link of block without content %llu is not possible",
                             (unsigned long long)from);
        out->sized_links[out->sized_link_count++] = (SizedLink){(uint32_t)from, (uint32_t)target};
    }
    return true;
}

static bool decode_links(ByteCursor *cursor, uint64_t count, SnapshotDetails *out, Error *error)
{
    uint64_t from = 0;

    while (out->sized_link_count < count) {
        uint64_t step = byte_cursor_varint(cursor), targets = byte_cursor_varint(cursor);
        bool is_first = out->sized_link_count == 0;

        if (cursor->is_short)
            return set_end(error);
        if (step >= out->sized_block_count - from || (step == 0 && !is_first) || targets == 0 ||
            targets > count - out->sized_link_count ||
            sized_block_is_shared(&out->sized_blocks[from + step]))
            return error_set(error, ERROR_CORRUPT,
                             "links of blocks without content after %llu "
                             "are not possible",
                             (unsigned long long)from);
        from += step;
        if (!decode_targets(cursor, from, targets, out, error))
            return false;
    }
    return true;
}

static bool check_room(const ByteCursor *cursor, uint32_t count, uint64_t links, Error *error)
{
    // A gap and a size take at least two bytes, a link one.
    return (!cursor->is_short && links <= byte_cursor_left(cursor) && links <= SIZED_BLOCKS_MAX &&
            byte_cursor_left(cursor) - links >= 2ull * count) ||
           error_set(error, ERROR_CORRUPT,
                     "there is no room for %u blocks without content and %llu links", count,
                     (unsigned long long)links);
}

static bool decode_body(ByteCursor *cursor, uint32_t count, SnapshotDetails *out, Error *error)
{
    uint64_t links = byte_cursor_u64(cursor);

    if (!check_room(cursor, count, links, error))
        return false;
    if (!decode_blocks(cursor, count, out->sized_blocks, error))
        return false;
    out->sized_block_count = count;
    out->sized_links = section_allocate((uint32_t)links, sizeof *out->sized_links,
                                        "links of blocks without content", error);
    return out->sized_links != NULL && decode_links(cursor, links, out, error);
}

// ---- looking ----

static bool add_within(uint64_t *sum, uint64_t value)
{
    uint64_t room = HEAP_ADDRESS_LIMIT / SIZED_BLOCK_GRANULE - *sum;

    if (value > room)
        return false;
    *sum += value;
    return true;
}

// Gaps and sizes together end below the limit of addresses: no block can end above, then.
static bool look_at_blocks(ByteCursor *cursor, uint32_t count, uint8_t *is_shared, uint64_t *bytes,
                           Error *error)
{
    uint64_t sum = 0;

    *bytes = 0;
    for (uint64_t i = 0; i < 2 * (uint64_t)count; i++) {
        uint64_t value = byte_cursor_varint(cursor), block = i - count;
        bool is_size = i >= count;

        if (cursor->is_short)
            return set_end(error);
        if (!add_within(&sum, is_size ? value / 2 : value) || (is_size && value / 2 == 0))
            return error_set(error, ERROR_CORRUPT, "block without content %llu is not possible",
                             (unsigned long long)(is_size ? block : i));
        if (!is_size)
            continue;
        *bytes += value / 2 * SIZED_BLOCK_GRANULE;
        if (value % 2 != 0)
            is_shared[block / 8] |= (uint8_t)(1u << block % 8);
    }
    return true;
}

static bool is_linkable(const uint8_t *is_shared, uint32_t count, uint64_t block)
{
    return block < count && (is_shared[block / 8] >> block % 8 & 1) == 0;
}

static bool look_at_links(ByteCursor *cursor, uint64_t links, const uint8_t *is_shared,
                          uint32_t count, Error *error)
{
    uint64_t from = 0;

    for (uint64_t seen = 0; seen < links;) {
        uint64_t step = byte_cursor_varint(cursor), targets = byte_cursor_varint(cursor),
                 target = 0;

        if (cursor->is_short)
            return set_end(error);
        if (step >= count - from || (step == 0 && seen > 0) || targets == 0 ||
            targets > links - seen || !is_linkable(is_shared, count, from + step))
            return error_set(error, ERROR_CORRUPT,
                             "links of blocks without content after %llu are not possible",
                             (unsigned long long)from);
        from += step;
        for (uint64_t i = 0; i < targets; i++) {
            step = byte_cursor_varint(cursor);
            target = i == 0 ? from + (uint64_t)unzigzag(step) : target + step;
            if (cursor->is_short)
                return set_end(error);
            if (target == from || (i > 0 && step == 0) || step > UINT32_MAX * UINT64_C(2) ||
                !is_linkable(is_shared, count, target))
                return error_set(error, ERROR_CORRUPT,
                                 "a link of block without content %llu is not possible",
                                 (unsigned long long)from);
        }
        seen += targets;
    }
    return true;
}

static bool look_body(ByteCursor *cursor, uint32_t count, uint64_t *bytes, Error *error)
{
    uint64_t links = byte_cursor_u64(cursor);
    uint8_t *is_shared;
    bool ok;

    if (!check_room(cursor, count, links, error))
        return false;
    is_shared = section_allocate(count / 8 + 1, 1, "blocks without content", error);
    ok = is_shared != NULL && look_at_blocks(cursor, count, is_shared, bytes, error) &&
         look_at_links(cursor, links, is_shared, count, error);
    free(is_shared);
    return ok;
}

static bool copy_array(void *out, const void *items, uint32_t count, size_t item_bytes,
                       Error *error)
{
    void *copy = section_allocate(count, item_bytes, "blocks without content", error);

    if (copy != NULL && count > 0)
        memcpy(copy, items, count * item_bytes);
    memcpy(out, &copy, sizeof copy);
    return copy != NULL;
}

static bool redact_body(const SnapshotDetails *details, SnapshotDetails *out, Error *error)
{
    if (!copy_array(&out->sized_blocks, details->sized_blocks, details->sized_block_count,
                    sizeof *details->sized_blocks, error) ||
        !copy_array(&out->sized_links, details->sized_links, details->sized_link_count,
                    sizeof *details->sized_links, error))
        return false;
    out->sized_block_count = details->sized_block_count;
    out->sized_link_count = details->sized_link_count;
    return true;
}

const SectionTable section_sized_blocks = {
    SECTION_TABLE_OF(sized_blocks, sized_block_count),
    .entry_name = "block without content",
    .name = "blocks without content",
    .least_bytes = 2,
    .limit = SIZED_BLOCKS_MAX,
    .encode_body = encode_body,
    .decode_body = decode_body,
    .redact_body = redact_body,
    .look_body = look_body,
};
