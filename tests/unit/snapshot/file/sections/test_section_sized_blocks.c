// The SBLK section: what blocks and links cannot be, and that neighbours take two bytes.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "snapshot/file/sections/section_table.h"
#include "snapshot/file/sections/sections.h"

static const SectionTable *table(void)
{
    return sections_find(SECTION_SIZED_BLOCKS)->table;
}

// Decodes a body with these varints behind the two counts.
static bool decodes(uint64_t blocks, uint64_t links, const uint64_t *values, size_t count)
{
    SnapshotDetails *details = snapshot_details_new();
    ByteBuffer body = {0};
    ByteCursor cursor;
    Error error = {0};
    bool ok;

    byte_buffer_add_u64(&body, blocks);
    byte_buffer_add_u64(&body, links);
    for (size_t i = 0; i < count; i++)
        byte_buffer_add_varint(&body, values[i]);
    cursor = (ByteCursor){.bytes = body.bytes, .length = body.length};
    ok = section_table_decode(table(), &cursor, details, &error);
    cr_expect(ok || error.code == ERROR_CORRUPT);
    byte_buffer_release(&body);
    snapshot_details_free(details);
    return ok;
}

#define DECODES(blocks, links, ...)                                                                \
    decodes(blocks, links, (const uint64_t[]){__VA_ARGS__},                                        \
            sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

Test(section_sized_blocks, what_is_possible_is_read)
{
    cr_expect(DECODES(1, 0, 2, 2));                         // 8 bytes at 16
    cr_expect(DECODES(2, 1, 2, 1, 2, 2, 0, 1, 2));          // 0 to 1
    cr_expect(DECODES(2, 1, 2, 1, 2, 2, 1, 1, 1));          // 1 to 0
    cr_expect(DECODES(3, 2, 1, 1, 1, 2, 2, 2, 0, 2, 2, 1)); // 0 to 1 and 2
}

Test(section_sized_blocks, what_is_not_possible_is_damaged)
{
    cr_expect_not(DECODES(1, 0, 2, 0), "an empty block");
    cr_expect_not(DECODES(1, 0, 2, 1), "an empty shared block");
    cr_expect_not(DECODES(1, 0, UINT64_MAX, 2), "an address beyond all");
    cr_expect_not(DECODES(1, 0, 2, UINT64_MAX), "a size beyond all");
    cr_expect_not(DECODES(2, 0, UINT64_C(1) << 53, 1, 2, 2), "an end beyond all");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 0, 1, 0), "a link to itself");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 0, 1, 4), "a link to no block");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 0, 1, 1), "a link to before the first");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 2, 1, 2), "a link from no block");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 3, 0, 1, 2), "a link to a shared block");
    cr_expect_not(DECODES(2, 1, 2, 1, 3, 2, 0, 1, 2), "a link from a shared block");
    cr_expect_not(DECODES(3, 2, 1, 1, 1, 2, 2, 2, 0, 2, 2, 0), "a link twice");
    cr_expect_not(DECODES(3, 2, 1, 1, 1, 2, 2, 2, 0, 1, 2, 0, 1, 4), "a group twice");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 0, 0, 2), "a group of none");
    cr_expect_not(DECODES(2, 1, 2, 1, 2, 2, 0, 2, 2), "more links than the section has");
    cr_expect_not(DECODES(2, UINT64_MAX, 2, 1, 2, 2), "too many links");
}

Test(section_sized_blocks, neighbours_take_two_bytes_before_compression)
{
    enum { COUNT = 1000 };
    static SizedBlock blocks[COUNT];
    SnapshotDetails details = {.sized_block_count = COUNT, .sized_blocks = blocks};
    ByteBuffer body = {0};

    for (uint64_t i = 0; i < COUNT; i++)
        blocks[i] = (SizedBlock){UINT64_C(0x555500000010) + 64 * i, 56};
    section_table_encode(table(), &body, &details);
    cr_expect_leq(body.length, 2 * COUNT + 24);
    byte_buffer_release(&body);
}
