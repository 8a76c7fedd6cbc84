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
#include "tests/support/random_types.h"
#include "tests/support/xorshift.h"

static HeapImage *read_typed(const RandomHeap *heap, RandomTypes *made, bool force_relocation)
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
    RandomTypes *made = calloc(1, sizeof *made);
    uint64_t fewer;
    Error error;

    random_types_make(made, plain, &random);
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
    // Types that change nothing would test nothing. Few random heaps may lose little.
    cr_expect_gt(fewer, first != 1 ? 0 : count, "%llu", (unsigned long long)fewer);
}
