// Frames of blocks: Vec, ring, hash table, Box; and those that do not fit their block.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/heap/data_values.h"

#define BLOCK UINT64_C(0x50000000)

static SnapshotField owner_field;
static SnapshotDataType types[2];
static SnapshotDetails details;
static DataValues *values;

// A value {pointer, length, capacity, head} whose block holds values of 16 bytes.
static void open_type(BlockShape shape, uint32_t first_at, bool is_redacted)
{
    Error error;

    owner_field = (SnapshotField){.bytes = 8,
                                  .kind = FIELD_BLOCK,
                                  .shape = (uint8_t)shape,
                                  .target = 1,
                                  .variant = NO_DATA,
                                  .first_at = first_at,
                                  .length_at = 8,
                                  .capacity_at = 16,
                                  .head_at = 24};
    types[0] = (SnapshotDataType){.bytes = 32, .field_count = 1, .fields = &owner_field};
    types[1] = (SnapshotDataType){.bytes = 16};
    details = (SnapshotDetails){.data_type_count = 2, .data_types = types};
    details.metadata.is_redacted = is_redacted;
    cr_assert(data_values_new(&details, &values, &error), "%s", error.message);
}

static bool read_frame(const uint64_t words[4], uint64_t block_bytes, BlockFrame *frame)
{
    DataValue value = {0, 0, (const uint8_t *)words};

    return block_frame_read(values, &value, 0, BLOCK, block_bytes, frame);
}

Test(block_frame, a_vec_has_values_up_to_its_length)
{
    const uint64_t words[4] = {BLOCK, 2, 4, 0};
    BlockFrame frame;

    open_type(BLOCK_MANY, 0, false);
    cr_assert(read_frame(words, 72, &frame));
    cr_expect_eq(frame.places, 4);
    cr_expect_eq(block_frame_place(&frame, 3), 48);
    cr_expect(block_frame_is_used(&frame, NULL, 1));
    cr_expect_not(block_frame_is_used(&frame, NULL, 2));
    cr_expect_eq(block_frame_index(&frame, 63), 3);
    cr_expect_eq(block_frame_index(&frame, 64), UINT64_MAX);
    data_values_free(values);
}

Test(block_frame, a_vec_that_does_not_fit_has_no_frame)
{
    const uint64_t longer[4] = {BLOCK, 5, 4, 0}, larger[4] = {BLOCK, 1, 5, 0};
    const uint64_t huge[4] = {BLOCK, UINT64_MAX, UINT64_MAX, 0},
                   elsewhere[4] = {BLOCK + 72, 1, 1, 0};
    BlockFrame frame;

    open_type(BLOCK_MANY, 0, false);
    cr_expect_not(read_frame(longer, 72, &frame));
    cr_expect_not(read_frame(larger, 72, &frame));
    cr_expect_not(read_frame(huge, 72, &frame));
    cr_expect_not(read_frame(elsewhere, 72, &frame));
    data_values_free(values);
}

Test(block_frame, of_a_redacted_vec_all_places_may_be_used)
{
    const uint64_t words[4] = {BLOCK, 0, 0, 0};
    BlockFrame frame;

    open_type(BLOCK_MANY, 0, true);
    cr_assert(read_frame(words, 72, &frame));
    cr_expect_eq(frame.places, 4);
    cr_expect(block_frame_is_used(&frame, NULL, 3));
    data_values_free(values);
}

Test(block_frame, a_ring_goes_around_its_end)
{
    const uint64_t words[4] = {BLOCK, 2, 4, 3}, wrong[4] = {BLOCK, 2, 4, 4};
    BlockFrame frame;

    open_type(BLOCK_RING, 0, false);
    cr_assert(read_frame(words, 64, &frame));
    cr_expect(block_frame_is_used(&frame, NULL, 3));
    cr_expect(block_frame_is_used(&frame, NULL, 0));
    cr_expect_not(block_frame_is_used(&frame, NULL, 1));
    cr_expect_not(block_frame_is_used(&frame, NULL, 2));
    cr_expect_not(read_frame(wrong, 64, &frame));
    data_values_free(values);
}

Test(block_frame, a_hash_table_grows_downwards_from_its_control_bytes)
{
    // 4 buckets of 16 bytes, then 4 control bytes and 16 more.
    const uint64_t words[4] = {BLOCK + 64, 2, 3, 0}, no_power[4] = {BLOCK + 64, 2, 2, 0};
    const uint64_t many[4] = {BLOCK + 64, 2, 7, 0};
    uint8_t bytes[88];
    BlockFrame frame;

    memset(bytes, 0xff, sizeof bytes);
    bytes[64] = 0x11;
    bytes[66] = 0x22;
    open_type(BLOCK_HASH, 0, false);
    cr_assert(read_frame(words, sizeof bytes, &frame));
    cr_expect_eq(frame.places, 4);
    cr_expect_eq(block_frame_place(&frame, 0), 48);
    cr_expect(block_frame_is_used(&frame, bytes, 0));
    cr_expect_not(block_frame_is_used(&frame, bytes, 1));
    cr_expect(block_frame_is_used(&frame, bytes, 2));
    cr_expect_eq(block_frame_index(&frame, 16), 2);
    cr_expect_eq(block_frame_index(&frame, 64), UINT64_MAX);
    cr_expect_not(read_frame(no_power, sizeof bytes, &frame));
    cr_expect_not(read_frame(many, sizeof bytes, &frame));
    cr_expect_not(read_frame(words, 67, &frame));
    data_values_free(values);
}

Test(block_frame, a_box_holds_one_value_behind_its_counts)
{
    const uint64_t words[4] = {BLOCK, 0, 0, 0};
    BlockFrame frame;

    open_type(BLOCK_ONE, 16, false);
    cr_assert(read_frame(words, 40, &frame));
    cr_expect_eq(block_frame_index(&frame, 16), 0);
    cr_expect_eq(block_frame_index(&frame, 8), UINT64_MAX);
    cr_expect_not(read_frame(words, 24, &frame));
    data_values_free(values);
}
