// Data types that contradict themselves are refused: fields beyond their type, variants of no
// enumeration, circles, references to types that do not exist.

#include <criterion/criterion.h>

#include "snapshot/file/sections/sections.h"
#include "tests/support/example_heap.h"

static SnapshotField fields[8];
static SnapshotVariant variants[4];
static SnapshotDataType type;

// The first type of the example, which each test changes.
static void take_example(void)
{
    SnapshotContents contents;

    example_told_heap(&contents);
    type = contents.details->data_types[0];
    for (uint32_t i = 0; i < type.field_count; i++)
        fields[i] = type.fields[i];
    for (uint32_t i = 0; i < type.variant_count; i++)
        variants[i] = type.variants[i];
    type.fields = fields;
    type.variants = variants;
    fields[2].target = 0;
}

// Writes the type, and reads it.
static bool is_accepted(void)
{
    const SectionTable *table = sections_find(SECTION_TYPE('F', 'L', 'D', 'S'))->table;
    SnapshotDetails written = {.data_type_count = 1, .data_types = &type};
    SnapshotDetails *read = snapshot_details_new();
    ByteBuffer buffer = {0};
    ByteCursor cursor;
    Error error = {0};
    bool ok;

    section_table_encode(table, &buffer, &written);
    cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length};
    ok = section_table_decode(table, &cursor, read, &error) &&
         section_table_check(table, read, &error);
    cr_expect(ok || error.code == ERROR_CORRUPT);
    snapshot_details_free(read);
    byte_buffer_release(&buffer);
    return ok;
}

Test(section_data_types, the_example_is_accepted)
{
    take_example();
    cr_expect(is_accepted());
}

Test(section_data_types, fields_lie_in_their_type)
{
    take_example();
    fields[2].offset = (uint32_t)type.bytes - 7;
    cr_expect_not(is_accepted());
    take_example();
    fields[2].bytes = UINT32_MAX;
    cr_expect_not(is_accepted());
    take_example();
    fields[2].length_at = (uint32_t)type.bytes - 7;
    cr_expect_not(is_accepted());
    take_example();
    type.value_at = UINT32_MAX;
    cr_expect_not(is_accepted());
}

Test(section_data_types, kinds_and_targets_exist)
{
    take_example();
    fields[2].kind = FIELD_KIND_COUNT;
    cr_expect_not(is_accepted());
    take_example();
    fields[2].shape = BLOCK_SHAPE_COUNT;
    cr_expect_not(is_accepted());
    take_example();
    fields[2].target = 1;
    cr_expect_not(is_accepted());
}

Test(section_data_types, variants_belong_to_an_enumeration_before_their_fields)
{
    take_example();
    variants[1].field = 2;
    cr_expect_not(is_accepted());
    take_example();
    fields[1].variant = 2;
    cr_expect_not(is_accepted());
    // The enumeration in one of its own variants.
    take_example();
    fields[0].variant = 0;
    cr_expect_not(is_accepted());
    take_example();
    variants[0].discriminant_bytes = 9;
    cr_expect_not(is_accepted());
    take_example();
    variants[0].discriminant_at = (uint32_t)type.bytes;
    cr_expect_not(is_accepted());
}

Test(section_data_types, type_words_ascend)
{
    uint64_t words[2] = {5, 5};

    take_example();
    type.type_words = words;
    type.type_word_count = 2;
    cr_expect_not(is_accepted());
    words[1] = 6;
    cr_expect(is_accepted());
}
