// Values by data types: variants, weak references, arrays, and what a hostile type may say.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/heap/data_values.h"

#define MAX_FOUND 16u

typedef struct Found {
    uint32_t dead_count;
    uint64_t dead[MAX_FOUND]; // offsets of words
    uint32_t block_count;
    uint64_t blocks[MAX_FOUND];
} Found;

static void take_dead(void *context, uint64_t offset, uint64_t bytes)
{
    Found *found = context;

    cr_assert_eq(bytes, 8);
    cr_assert_lt(found->dead_count, MAX_FOUND);
    found->dead[found->dead_count++] = offset;
}

static void take_block(void *context, const DataValue *value, uint32_t field)
{
    Found *found = context;

    (void)field;
    cr_assert_lt(found->block_count, MAX_FOUND);
    found->blocks[found->block_count++] = value->offset;
}

static SnapshotField field(uint32_t offset, uint32_t bytes, FieldKind kind)
{
    return (SnapshotField){.offset = offset,
                           .bytes = bytes,
                           .kind = (uint8_t)kind,
                           .target = NO_DATA,
                           .variant = NO_DATA,
                           .length_at = NO_DATA,
                           .capacity_at = NO_DATA,
                           .head_at = NO_DATA};
}

static SnapshotField field_of(uint32_t offset, uint32_t bytes, FieldKind kind, uint32_t variant)
{
    SnapshotField made = field(offset, bytes, kind);

    made.variant = variant;
    return made;
}

static Found visit(SnapshotDataType *types, uint32_t count, bool is_redacted, const void *bytes,
                   uint64_t length)
{
    SnapshotDetails details = {.data_type_count = count, .data_types = types};
    DataValue value = {0, 0, bytes};
    Found found = {0};
    DataVisitor visitor = {take_dead, take_block, &found};
    DataValues *values;
    Error error;

    details.metadata.is_redacted = is_redacted;
    cr_assert(data_values_new(&details, &values, &error), "%s", error.message);
    data_value_visit(values, &value, length, &visitor);
    data_values_free(values);
    return found;
}

// enum { Some(reference at 8), None } with a tag at 0; a weak reference at 16.
static Found visit_option(uint64_t tag, bool is_redacted)
{
    SnapshotField fields[] = {field(0, 16, FIELD_ENUM), field_of(8, 8, FIELD_STRONG, 0),
                              field(16, 8, FIELD_WEAK)};
    SnapshotVariant variants[] = {
        {.field = 0, .discriminant_bytes = 8, .low = 1, .high = 1},
        {.field = 0, .is_default = true, .discriminant_bytes = 8},
    };
    SnapshotDataType type = {
        .bytes = 24, .field_count = 3, .fields = fields, .variant_count = 2, .variants = variants};
    const uint64_t value[] = {tag, 0x1000, 0x2000};

    return visit(&type, 1, is_redacted, value, sizeof value);
}

Test(data_values, weak_references_and_what_a_variant_does_not_have_are_dead)
{
    Found found = visit_option(1, false);

    cr_assert_eq(found.dead_count, 1);
    cr_expect_eq(found.dead[0], 16);
    found = visit_option(0, false);
    cr_assert_eq(found.dead_count, 2);
    cr_expect_eq(found.dead[0], 8);
    cr_expect_eq(found.dead[1], 16);
}

Test(data_values, without_data_every_variant_may_be_there)
{
    Found found = visit_option(0, true);

    cr_assert_eq(found.dead_count, 1);
    cr_expect_eq(found.dead[0], 16);
}

Test(data_values, a_word_that_another_variant_uses_is_not_dead)
{
    SnapshotField fields[] = {field(0, 16, FIELD_ENUM), field_of(8, 8, FIELD_WEAK, 0),
                              field_of(8, 8, FIELD_STRONG, 1)};
    SnapshotVariant variants[] = {
        {.field = 0, .discriminant_bytes = 8, .low = 0, .high = 0},
        {.field = 0, .discriminant_bytes = 8, .low = 1, .high = 1},
    };
    SnapshotDataType type = {
        .bytes = 16, .field_count = 3, .fields = fields, .variant_count = 2, .variants = variants};
    uint64_t value[] = {0, 0x1000};

    cr_expect_eq(visit(&type, 1, false, value, sizeof value).dead_count, 2); // weak, and not there
    value[0] = 1;
    cr_expect_eq(visit(&type, 1, false, value, sizeof value).dead_count, 0);
}

Test(data_values, values_in_arrays_are_visited)
{
    SnapshotField array = field(8, 24, FIELD_ARRAY), weak = field(0, 8, FIELD_WEAK);
    SnapshotDataType types[] = {
        {.bytes = 32, .field_count = 1, .fields = &array},
        {.bytes = 8, .field_count = 1, .fields = &weak},
    };
    const uint64_t value[4] = {0};
    Found found;

    array.target = 1;
    found = visit(types, 2, false, value, sizeof value);
    cr_assert_eq(found.dead_count, 3);
    cr_expect_eq(found.dead[0], 8);
    cr_expect_eq(found.dead[2], 24);
}

Test(data_values, what_does_not_lie_in_the_value_is_not_visited)
{
    SnapshotField weak = field(0, 8, FIELD_WEAK);
    SnapshotDataType type = {.bytes = 64, .field_count = 1, .fields = &weak};
    const uint64_t value[2] = {0};

    cr_expect_eq(visit(&type, 1, false, value, sizeof value).dead_count, 0);
}

Test(data_values, a_type_that_holds_itself_ends)
{
    SnapshotField fields[] = {field(0, 16, FIELD_ARRAY), field(0, 8, FIELD_WEAK)};
    SnapshotDataType type = {.bytes = 16, .field_count = 2, .fields = fields};
    const uint64_t value[2] = {0};

    fields[0].target = 0;
    // Once for each depth.
    cr_expect_eq(visit(&type, 1, false, value, sizeof value).dead_count, DATA_MAX_DEPTH + 1);
}

Test(data_values, types_that_hold_each_other_many_times_end)
{
    static SnapshotField fields[DATA_MAX_PARTS];
    SnapshotDataType type = {.bytes = 64, .field_count = DATA_MAX_PARTS, .fields = fields};
    const uint64_t value[8] = {0};

    for (uint32_t i = 0; i < DATA_MAX_PARTS; i++) {
        fields[i] = field(0, 64, FIELD_ARRAY);
        fields[i].target = 0;
    }
    fields[0] = field(0, 8, FIELD_BLOCK);
    // Soon the parts that may be looked at are used up.
    cr_expect_leq(visit(&type, 1, false, value, sizeof value).block_count, MAX_FOUND);
}

Test(data_values, types_with_too_many_parts_are_not_known)
{
    static SnapshotField fields[DATA_MAX_PARTS + 1];
    SnapshotDataType type = {.bytes = 8, .field_count = DATA_MAX_PARTS + 1, .fields = fields};
    const uint64_t value[1] = {0};

    for (uint32_t i = 0; i <= DATA_MAX_PARTS; i++)
        fields[i] = field(0, 8, FIELD_WEAK);
    cr_expect_eq(visit(&type, 1, false, value, sizeof value).dead_count, 0);
}

Test(data_values, merged_types_are_told_apart_by_size_and_drop_function)
{
    uint64_t word = 0x400010, drop_a = 0x400100, drop_b = 0x400200;
    SnapshotDataType types[] = {
        {.bytes = 8, .object_bytes = 56, .type_word_count = 1, .type_words = &word},
        {.bytes = 60,
         .object_bytes = 108,
         .type_word_count = 1,
         .type_words = &word,
         .drop_count = 1,
         .drops = &drop_a},
        {.bytes = 61,
         .object_bytes = 109,
         .type_word_count = 1,
         .type_words = &word,
         .drop_count = 1,
         .drops = &drop_b},
        {.bytes = 4000, .object_bytes = 4048, .type_word_count = 1, .type_words = &word},
    };
    SnapshotDetails details = {.data_type_count = 4, .data_types = types};
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    DataValues *values;
    Error error;

    cr_assert(data_values_new(&details, &values, &error), "%s", error.message);
    cr_expect_eq(data_values_find(values, layout, word, drop_a, 64), 0);
    cr_expect_eq(data_values_find(values, layout, word, drop_a, 128), 1);
    cr_expect_eq(data_values_find(values, layout, word, drop_b, 128), 2);
    cr_expect_eq(data_values_find(values, layout, word, 0, 128), NO_DATA);
    cr_expect_eq(data_values_find(values, layout, word, 0, 4048), 3);
    cr_expect_eq(data_values_find(values, layout, word, 0, 4049), NO_DATA);
    cr_expect_eq(data_values_find(values, layout, word, 0, 32), NO_DATA);
    cr_expect_eq(data_values_find(values, layout, word + 1, 0, 64), NO_DATA);
    // Both fit without a drop function.
    types[1].drop_count = types[2].drop_count = 0;
    cr_expect_eq(data_values_find(values, layout, word, 0, 128), NO_DATA);
    data_values_free(values);
}
