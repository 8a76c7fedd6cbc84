// Which variant of an enumeration a value has.

#include <criterion/criterion.h>

#include "snapshot/heap/data_types.h"

static char no_name[] = "";

#define FIELD(at, length, what, in)                                                                \
    {                                                                                              \
        .offset = at, .bytes = length, .kind = what, .target = NO_DATA, .variant = in,             \
        .name = no_name, .type_name = no_name                                                      \
    }

// Option<Gc<T>> as a nullable pointer, and behind it an enumeration with a tag whose second variant
// holds another one.
static SnapshotField fields[] = {
    FIELD(0, 8, FIELD_ENUM, NO_DATA), // 0
    FIELD(0, 8, FIELD_STRONG, 1),     // in Some
    FIELD(8, 8, FIELD_ENUM, NO_DATA), // 2
    FIELD(12, 1, FIELD_ENUM, 3),      // in the second variant of 2
};
static SnapshotVariant variants[] = {
    {.field = 0, .discriminant_at = 0, .discriminant_bytes = 8, .name = no_name},
    {.field = 0, .is_default = true, .discriminant_bytes = 8, .name = no_name},
    {.field = 2,
     .discriminant_at = 8,
     .discriminant_bytes = 1,
     .low = 3,
     .high = 5,
     .name = no_name},
    {.field = 2,
     .discriminant_at = 8,
     .discriminant_bytes = 1,
     .low = 6,
     .high = 6,
     .name = no_name},
    {.field = 3, .discriminant_at = 12, .discriminant_bytes = 0, .name = no_name},
};
static SnapshotDataType type = {
    .bytes = 16,
    .field_count = 4,
    .fields = fields,
    .variant_count = 5,
    .variants = variants,
};

Test(data_types, a_niche_tells_none_from_some)
{
    uint8_t value[16] = {0};

    cr_expect(snapshot_data_type_has_variant(&type, 0, value, sizeof value));
    cr_expect_not(snapshot_data_type_has_variant(&type, 1, value, sizeof value));
    value[3] = 1;
    cr_expect_not(snapshot_data_type_has_variant(&type, 0, value, sizeof value));
    cr_expect(snapshot_data_type_has_variant(&type, 1, value, sizeof value));
}

Test(data_types, a_nested_enumeration_exists_in_its_variant_only)
{
    uint8_t value[16] = {0};

    value[8] = 4;
    cr_expect(snapshot_data_type_has_variant(&type, 2, value, sizeof value));
    cr_expect_not(snapshot_data_type_has_variant(&type, 3, value, sizeof value));
    cr_expect_not(snapshot_data_type_has_variant(&type, 4, value, sizeof value));
    value[8] = 6;
    cr_expect(snapshot_data_type_has_variant(&type, 3, value, sizeof value));
    cr_expect(snapshot_data_type_has_variant(&type, 4, value, sizeof value));
}

Test(data_types, a_value_that_is_cut_has_no_variant)
{
    uint8_t value[16] = {0};

    cr_expect_not(snapshot_data_type_has_variant(&type, 0, value, 7));
    cr_expect(snapshot_data_type_has_variant(&type, NO_DATA, value, 0));
}
