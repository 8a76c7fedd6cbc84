// Random data types: see tests/support/random_types.h.

#include "tests/support/random_types.h"

static char name[] = "part";

static uint32_t aligned(Xorshift *random, uint64_t bytes)
{
    return bytes < 8 ? 0 : (uint32_t)(8 * xorshift_below(random, (bytes - 8) / 8 + 1));
}

static uint32_t word_at(Xorshift *random, const SnapshotDataType *type)
{
    return type->bytes < 8 || xorshift_percent(random, 20) ? NO_DATA : aligned(random, type->bytes);
}

static void make_field(SnapshotDataType *type, SnapshotField *field, Xorshift *random)
{
    static const FieldKind kinds[] = {FIELD_WEAK,  FIELD_WEAK,  FIELD_STRONG, FIELD_BLOCK,
                                      FIELD_BLOCK, FIELD_ARRAY, FIELD_OPAQUE, FIELD_UNSIGNED,
                                      FIELD_ENUM,  FIELD_ENUM};

    *field = (SnapshotField){
        .offset = aligned(random, type->bytes),
        .kind = (uint8_t)kinds[xorshift_below(random, sizeof kinds / sizeof kinds[0])],
        .shape = (uint8_t)xorshift_below(random, BLOCK_SHAPE_COUNT),
        .target =
            xorshift_percent(random, 10) ? NO_DATA : (uint32_t)xorshift_below(random, RANDOM_TYPES),
        .variant = NO_DATA,
        .first_at = (uint32_t)(8 * xorshift_below(random, 3)),
        .length_at = word_at(random, type),
        .capacity_at = word_at(random, type),
        .head_at = word_at(random, type),
        .name = name,
        .type_name = name,
    };
    field->bytes = (uint32_t)(8 * (1 + xorshift_below(random, 8)));
    if (field->bytes > type->bytes - field->offset)
        field->bytes = (uint32_t)(type->bytes - field->offset);
    // A variant of an enumeration that came before.
    if (type->variant_count > 0 && xorshift_percent(random, 60))
        field->variant = (uint32_t)xorshift_below(random, type->variant_count);
}

static void make_variants(SnapshotDataType *type, Xorshift *random)
{
    for (uint32_t i = 0; i < 2 && type->variant_count < RANDOM_TYPE_PARTS; i++) {
        uint64_t low = xorshift_below(random, 3);

        type->variants[type->variant_count++] = (SnapshotVariant){
            .field = type->field_count - 1,
            .is_default = i == 1 && xorshift_percent(random, 70),
            .discriminant_at = aligned(random, type->bytes),
            .discriminant_bytes = type->bytes < 8 ? 0 : 8,
            .low = low,
            .high = low + xorshift_below(random, 2),
            .name = name,
        };
    }
}

static void make_type(RandomTypes *made, uint64_t word, uint64_t object_bytes, uint32_t value_at,
                      Xorshift *random)
{
    SnapshotDataType *type = &made->types[made->count];
    RandomType *parts = &made->parts[made->count++];
    uint64_t fields = xorshift_below(random, RANDOM_TYPE_PARTS + 1);

    parts->word = word;
    *type = (SnapshotDataType){.name = name,
                               .bytes = object_bytes - value_at,
                               .value_at = value_at,
                               .object_bytes = word != 0 ? object_bytes : 0,
                               .type_word_count = word != 0,
                               .type_words = &parts->word,
                               .fields = parts->fields,
                               .variants = parts->variants};
    while (type->field_count < fields) {
        SnapshotField *field = &type->fields[type->field_count++];

        make_field(type, field, random);
        if (field->kind == FIELD_ENUM)
            make_variants(type, random);
    }
}

static bool is_made(const RandomTypes *made, uint64_t word)
{
    for (uint32_t i = 0; i < made->count; i++)
        if (made->parts[i].word == word)
            return true;
    return false;
}

void random_types_make(RandomTypes *made, const HeapImage *image, Xorshift *random)
{
    uint32_t header = image->layout.object_header_bytes;

    made->count = 0;
    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint32_t bytes = image->pages[page].block_size;

            if (made->count < RANDOM_TYPES / 2 && bytes > header &&
                heap_image_is_live(image, page, slot) &&
                !is_made(made, heap_image_type_word(image, page, slot)) &&
                xorshift_percent(random, 80))
                make_type(made, heap_image_type_word(image, page, slot), bytes, header, random);
        }
    // Types of values in blocks and arrays.
    while (made->count < RANDOM_TYPES)
        make_type(made, 0, 8 * xorshift_below(random, 5), 0, random);
}
