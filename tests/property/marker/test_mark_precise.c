// Rule precise/1 on random heaps with random data types, which need not make sense: it marks a part
// of what conservative/1 marks, all markers agree, and the image has only lost words.
//
// timeout: 300

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "marker/mark.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

#define MAX_TYPES 24u
#define MAX_PARTS 12u

typedef struct MadeType {
    uint64_t word;
    SnapshotField fields[MAX_PARTS];
    SnapshotVariant variants[MAX_PARTS];
} MadeType;

typedef struct MadeTypes {
    uint32_t count;
    SnapshotDataType types[MAX_TYPES];
    MadeType parts[MAX_TYPES];
} MadeTypes;

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
            xorshift_percent(random, 10) ? NO_DATA : (uint32_t)xorshift_below(random, MAX_TYPES),
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
    for (uint32_t i = 0; i < 2 && type->variant_count < MAX_PARTS; i++) {
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

static void make_type(MadeTypes *made, uint64_t word, uint64_t object_bytes, uint32_t value_at,
                      Xorshift *random)
{
    SnapshotDataType *type = &made->types[made->count];
    MadeType *parts = &made->parts[made->count++];
    uint64_t fields = xorshift_below(random, MAX_PARTS + 1);

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

static bool is_made(const MadeTypes *made, uint64_t word)
{
    for (uint32_t i = 0; i < made->count; i++)
        if (made->parts[i].word == word)
            return true;
    return false;
}

static void make_types(MadeTypes *made, const HeapImage *image, Xorshift *random)
{
    uint32_t header = image->layout.object_header_bytes;

    made->count = 0;
    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint32_t bytes = image->pages[page].block_size;

            if (made->count < MAX_TYPES / 2 && bytes > header &&
                heap_image_is_live(image, page, slot) &&
                !is_made(made, heap_image_type_word(image, page, slot)) &&
                xorshift_percent(random, 80))
                make_type(made, heap_image_type_word(image, page, slot), bytes, header, random);
        }
    // Types of values in blocks and arrays.
    while (made->count < MAX_TYPES)
        make_type(made, 0, 8 * xorshift_below(random, 5), 0, random);
}

static HeapImage *read_typed(const RandomHeap *heap, MadeTypes *made, bool force_relocation)
{
    SnapshotContents contents = *random_heap_contents(heap);
    SnapshotDetails details = *contents.details;
    SnapshotReadOptions options = {.force_relocation = force_relocation, .is_precise = true};
    SnapshotWriteOptions write_options = {.replaces = true};
    char path[] = "/tmp/rudo-snap-precise-XXXXXX";
    int file = mkstemp(path);
    HeapImage *image = NULL;
    Error error;

    cr_assert_geq(file, 0);
    (void)close(file);
    details.data_types = made->types;
    details.data_type_count = made->count;
    contents.details = &details;
    cr_assert(snapshot_write(path, &contents, &write_options, NULL, &error), "%s", error.message);
    cr_assert(snapshot_read(path, &options, &image, &error), "%s", error.message);
    (void)unlink(path);
    return image;
}

static void expect_words_lost(const HeapImage *plain, const HeapImage *image, uint64_t seed)
{
    for (uint32_t page = 0; page < plain->page_count; page++) {
        const uint8_t *before = heap_image_page_bytes(plain, page);
        const uint8_t *after = heap_image_page_bytes(image, page);
        uint64_t bytes = (uint64_t)plain->pages[page].header_size +
                         (uint64_t)plain->pages[page].slot_count * plain->pages[page].block_size;

        for (uint64_t at = 0; at < bytes / 8 * 8; at += 8)
            cr_assert(load_u64(after + at) == 0 || load_u64(after + at) == load_u64(before + at),
                      "seed %llu, page %u, offset %llu", (unsigned long long)seed, page,
                      (unsigned long long)at);
    }
}

// How many objects fewer are marked.
static uint64_t check_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, seed % 16 == 0 ? 3000 : 200);
    Xorshift random = xorshift_seeded(seed);
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *plain = random_heap_image(heap, true), *image;
    MarkResult *everything, *serial, *parallel;
    MarkOptions mark_options = {.workers = 3};
    MadeTypes *made = calloc(1, sizeof *made);
    uint64_t fewer;
    Error error;

    make_types(made, plain, &random);
    image = read_typed(heap, made, xorshift_percent(&random, 50));
    cr_assert_str_eq(mark_rule_name(image), "precise/1");
    expect_words_lost(plain, image, seed);
    cr_assert(mark_reachable_serial(plain, MARK_MAJOR, &everything, &error));
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &serial, &error));
    cr_assert(mark_reachable(image, &mark_options, &parallel, &error), "%s", error.message);
    for (uint32_t page = 0; page < plain->page_count; page++)
        for (uint32_t slot = 0; slot < plain->pages[page].slot_count; slot++) {
            bool is_marked = mark_result_is_marked(serial, image, page, slot);

            cr_assert(!is_marked || mark_result_is_marked(everything, plain, page, slot),
                      "seed %llu, page %u, slot %u", (unsigned long long)seed, page, slot);
            cr_assert_eq(is_marked, mark_result_is_marked(parallel, image, page, slot),
                         "seed %llu, page %u, slot %u", (unsigned long long)seed, page, slot);
        }
    for (uint64_t word = 0; word < serial->block_word_count; word++)
        cr_assert_eq(serial->marked_blocks[word] & ~everything->marked_blocks[word], 0, "seed %llu",
                     (unsigned long long)seed);
    fewer = everything->totals.marked_objects - serial->totals.marked_objects;
    mark_result_free(everything);
    mark_result_free(serial);
    mark_result_free(parallel);
    heap_image_free(image);
    heap_image_free(plain);
    random_heap_free(heap);
    free(made);
    return fewer;
}

Test(mark_precise, marks_a_part_of_what_the_conservative_rule_marks, .timeout = 300)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(60);
    uint64_t fewer = 0;

    for (uint64_t i = 0; i < count; i++)
        fewer += check_heap(first + i);
    // Types that change nothing would test nothing.
    cr_expect_gt(fewer, count, "%llu", (unsigned long long)fewer);
}
