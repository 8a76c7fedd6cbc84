// Random heaps come back as they were written: through files and streams, in place and relocated,
// on one thread and on several.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

static void check_read(const char *path, const SnapshotContents *contents, bool keeps_free_slots,
                       bool force_relocation, uint32_t threads, uint64_t seed)
{
    SnapshotReadOptions options = {.force_relocation = force_relocation, .threads = threads};
    HeapImage *image = NULL;
    Error error = {0};
    const char *found;

    cr_assert(snapshot_read(path, &options, &image, &error), "TEST_SEED=%" PRIu64 ": %s", seed,
              error.message);
    found = image_differs(image, contents, keeps_free_slots);
    cr_expect_null(found, "TEST_SEED=%" PRIu64 ": %s", seed, found);
    cr_expect(image->is_relocated || !force_relocation || image->run_count == 0);
    heap_image_free(image);
}

static void check_info(const char *path, const SnapshotContents *contents,
                       const SnapshotWriteResult *result, uint64_t seed)
{
    SnapshotVerification verification;
    SnapshotFileInfo info;
    uint64_t foreign_bytes = 0;
    Error error = {0};

    for (uint64_t i = 0; i < contents->block_count; i++)
        foreign_bytes += (contents->blocks[i].bytes + 7) / 8 * 8;
    cr_assert(snapshot_read_info(path, &info, &error), "TEST_SEED=%" PRIu64 ": %s", seed,
              error.message);
    cr_expect_eq(info.file_bytes, result->file_bytes);
    cr_expect_eq(info.stream_bytes, result->stream_bytes);
    cr_expect_eq(info.run_count, contents->run_count);
    cr_expect_eq(info.root_count, contents->root_count);
    cr_expect_eq(info.block_count, contents->block_count);
    cr_expect_eq(info.foreign_bytes, foreign_bytes);
    cr_expect_eq(info.format_major, 1);
    cr_expect_arr_eq(&info.layout, &contents->layout, sizeof info.layout);
    cr_assert(snapshot_verify(path, NULL, &verification, &error), "TEST_SEED=%" PRIu64 ": %s", seed,
              error.message);
    cr_expect_eq(verification.frames_checked, info.frame_count);
    cr_expect_eq(verification.bytes_checked, info.stream_bytes);
    snapshot_file_info_release(&info);
}

static void check_heap(const TestFolder *folder, uint64_t seed, uint32_t objects)
{
    RandomHeapOptions heap_options = random_heap_options_any(seed, objects);
    RandomHeap *heap = random_heap_new(&heap_options);
    const SnapshotContents *contents = random_heap_contents(heap);
    char *path = test_folder_file(folder, "heap.zst");
    Xorshift random = xorshift_seeded(seed);
    SnapshotWriteOptions options = {
        .level = xorshift_percent(&random, 20) ? 3 : 0,
        .threads = (uint32_t)xorshift_between(&random, 0, 5),
        .keeps_free_slots = xorshift_percent(&random, 40),
        .replaces = true,
    };
    SnapshotWriteResult result;
    Error error = {0};

    cr_assert(snapshot_write(path, contents, &options, &result, &error),
              "TEST_SEED=%" PRIu64 ": %s", seed, error.message);
    check_read(path, contents, options.keeps_free_slots, false, 1, seed);
    check_read(path, contents, options.keeps_free_slots, true, 4, seed);
    check_info(path, contents, &result, seed);
    free(path);
    random_heap_free(heap);
}

Test(snapshot_round_trip, random_heaps_come_back_as_they_were)
{
    TestFolder folder = test_folder_new();
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(60);

    for (uint64_t seed = first; seed < first + count; seed++)
        check_heap(&folder, seed, seed % 3 == 0 ? 20 : 2000);
    test_folder_free(&folder);
}

Test(snapshot_round_trip, heaps_of_many_frames_come_back_as_they_were)
{
    TestFolder folder = test_folder_new();
    uint64_t first = test_seed(1001);
    uint64_t count = test_dose(1);

    for (uint64_t seed = first; seed < first + count; seed++)
        check_heap(&folder, seed, 150000);
    test_folder_free(&folder);
}

Test(snapshot_round_trip, files_do_not_depend_on_the_number_of_threads)
{
    TestFolder folder = test_folder_new();
    RandomHeapOptions heap_options = random_heap_options(test_seed(77), 100000);
    RandomHeap *heap = random_heap_new(&heap_options);
    char *one = test_folder_file(&folder, "one.zst"), *many = test_folder_file(&folder, "many.zst");
    SnapshotWriteOptions options = {.threads = 1};
    Error error = {0};

    cr_assert(snapshot_write(one, random_heap_contents(heap), &options, NULL, &error));
    options.threads = 5;
    cr_assert(snapshot_write(many, random_heap_contents(heap), &options, NULL, &error));
    Bytes left = file_bytes(one), right = file_bytes(many);
    cr_assert_eq(left.length, right.length);
    cr_expect_arr_eq(left.bytes, right.bytes, left.length);
    free(left.bytes);
    free(right.bytes);
    free(one);
    free(many);
    random_heap_free(heap);
    test_folder_free(&folder);
}
