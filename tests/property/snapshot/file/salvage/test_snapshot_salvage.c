// Salvage: of files that were damaged anywhere, what is whole is kept, byte for byte, everything
// else is listed as lost, and the upper ends of the totals hold.
//
// timeout: 300

#include "snapshot/file/salvage/snapshot_salvage.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/reachability_report.h"
#include "base/output_file.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

typedef struct Case {
    uint64_t seed;
    Xorshift random;
    TestFolder folder;
    char *whole, *damaged, *salvaged; // paths
    HeapImage *original;
    ReachabilityReport *original_report;
} Case;

static const char *context_of(const Case *test)
{
    static char text[64];

    (void)snprintf(text, sizeof text, "seed %llu", (unsigned long long)test->seed);
    return text;
}

// The stream as a file of many small frames, so that little is lost with each.
static void write_in_small_frames(Case *test, const Bytes *stream)
{
    SeekableWriterOptions options = {
        .format_major = SNAPSHOT_FORMAT_MAJOR, .format_minor = SNAPSHOT_FORMAT_MINOR, .threads = 1};
    SeekableWriter *writer;
    OutputFile *file;
    Error error;

    cr_assert(output_file_open(test->whole, &(OutputOptions){.replaces = true}, &file, &error),
              "%s", error.message);
    cr_assert(seekable_writer_new(file, &options, &writer, &error), "%s", error.message);
    for (size_t at = 0; at < stream->length;) {
        size_t length = (size_t)xorshift_between(&test->random, 64, 20000);
        StreamPiece piece = {.bytes = stream->bytes + at};
        if (length > stream->length - at)
            length = stream->length - at;
        piece.length = length;
        cr_assert(seekable_writer_append(writer, &piece, 1, NULL, &error), "%s", error.message);
        at += length;
    }
    cr_assert(seekable_writer_finish(writer, &error), "%s", error.message);
    cr_assert(output_file_commit(file, &error), "%s", error.message);
    seekable_writer_free(writer);
    output_file_free(file);
}

static ReachabilityReport *report_on(const HeapImage *image)
{
    ReachabilityReport *report;
    MarkResult *result;
    Error error;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error), "%s", error.message);
    cr_assert(reachability_report_new(image, result, &report, &error), "%s", error.message);
    mark_result_free(result);
    return report;
}

static void begin(Case *test, uint64_t seed)
{
    RandomHeapOptions options = random_heap_options_any(seed, seed % 8 == 0 ? 2000 : 250);
    RandomHeap *heap = random_heap_new(&options);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    Error error;

    *test = (Case){.seed = seed, .random = xorshift_seeded(seed), .folder = test_folder_new()};
    test->whole = test_folder_file(&test->folder, "whole.zst");
    test->damaged = test_folder_file(&test->folder, "damaged.zst");
    test->salvaged = test_folder_file(&test->folder, "salvaged.zst");
    write_in_small_frames(test, &stream);
    SnapshotReadOptions read_options = {.force_relocation = true};
    cr_assert(snapshot_read(test->whole, &read_options, &test->original, &error), "%s",
              error.message);
    test->original_report = report_on(test->original);
    free(stream.bytes);
    random_heap_free(heap);
}

static void end(Case *test)
{
    reachability_report_free(test->original_report);
    heap_image_free(test->original);
    free(test->whole);
    free(test->damaged);
    free(test->salvaged);
    test_folder_free(&test->folder);
}

// ---- damage ----

static void damage(Case *test)
{
    Bytes bytes = file_bytes(test->whole);
    size_t length = bytes.length;
    uint64_t kind = xorshift_below(&test->random, 3);

    // The file header stays: without it a file is not a snapshot.
    if (kind != 1)
        length = (size_t)xorshift_between(&test->random, 64, bytes.length);
    if (kind != 0)
        for (uint64_t i = xorshift_between(&test->random, 1, 6); i > 0; i--) {
            uint64_t at = xorshift_between(&test->random, 64, bytes.length - 1);
            for (uint64_t run = xorshift_between(&test->random, 1, 200);
                 run > 0 && at < bytes.length; run--, at++)
                bytes.bytes[at] ^= (uint8_t)xorshift_between(&test->random, 1, 255);
        }
    write_bytes(test->damaged, bytes.bytes, length);
    free(bytes.bytes);
}

// ---- kept pages, roots and blocks ----

static const uint8_t *page_bytes_at(const HeapImage *image, uint64_t address)
{
    uint32_t page = heap_image_find_page(image, address);

    return page == NO_INDEX
               ? NULL
               : heap_image_page_bytes(image, page) + (address - image->pages[page].address);
}

static bool is_lost(const HeapImage *image, uint64_t address)
{
    for (uint32_t i = 0; i < image->details->loss_count; i++) {
        const SnapshotLoss *loss = &image->details->losses[i];
        if (loss->kind == LOSS_PAGES && loss->address != 0 && address - loss->address < loss->bytes)
            return true;
    }
    return false;
}

static bool knows_all_losses(const HeapImage *image)
{
    for (uint32_t i = 0; i < image->details->loss_count; i++)
        if (image->details->losses[i].kind == LOSS_PAGES && image->details->losses[i].address == 0)
            return false;
    return true;
}

// User data can imitate a page header in every field, and these heaps do it on purpose: when the
// head of such a large object is lost, the content of its tail looks like a page.
static bool is_imitation(const HeapImage *original, const HeapImage *saved, uint64_t address)
{
    uint32_t was = heap_image_find_page(original, address);
    uint32_t is = heap_image_find_page(saved, address);

    return is != NO_INDEX && original->pages[was].address != saved->pages[is].address;
}

static bool has_imitations(const HeapImage *original, const HeapImage *saved)
{
    for (uint32_t page = 0; page < saved->page_count; page++)
        if (is_imitation(original, saved, saved->pages[page].address))
            return true;
    return false;
}

static void check_pages(const Case *test, const HeapImage *saved)
{
    const HeapImage *original = test->original;
    uint64_t page_size = original->layout.page_size;

    for (uint64_t r = 0; r < original->run_count; r++)
        for (uint64_t p = 0; p < original->runs[r].page_count; p++) {
            uint64_t address = original->runs[r].address + p * page_size;
            const uint8_t *kept = page_bytes_at(saved, address);
            if (is_imitation(original, saved, address))
                continue;
            if (kept != NULL) {
                cr_assert_eq(memcmp(kept, page_bytes_at(original, address), page_size), 0,
                             "%s: page 0x%llx is not what it was", context_of(test),
                             (unsigned long long)address);
                cr_assert_not(is_lost(saved, address), "%s: kept and lost", context_of(test));
            } else if (knows_all_losses(saved)) {
                cr_assert(is_lost(saved, address), "%s: page 0x%llx is neither kept nor lost",
                          context_of(test), (unsigned long long)address);
            }
        }
    for (uint32_t page = 0; page < saved->page_count; page++)
        cr_assert_neq(heap_image_find_page(original, saved->pages[page].address), NO_INDEX);
}

static bool has_root(const HeapImage *image, const Root *root)
{
    for (uint64_t i = 0; i < image->root_count; i++)
        if (image->roots[i].address == root->address && image->roots[i].value == root->value &&
            image->roots[i].kind == root->kind)
            return true;
    return false;
}

static void check_roots_and_blocks(const Case *test, const HeapImage *saved)
{
    const HeapImage *original = test->original;

    for (uint64_t i = 0; i < saved->root_count; i++)
        cr_assert(has_root(original, &saved->roots[i]), "%s: root %llu was made up",
                  context_of(test), (unsigned long long)i);
    for (uint32_t i = 0; i < saved->block_count; i++) {
        const ForeignBlock *block = &saved->blocks[i];
        uint32_t was = heap_image_find_block(original, block->address);
        cr_assert_neq(was, NO_INDEX, "%s", context_of(test));
        cr_assert_eq(block->bytes, original->blocks[was].bytes);
        cr_assert_eq(memcmp(saved->foreign_bytes + block->offset,
                            original->foreign_bytes + original->blocks[was].offset, block->bytes),
                     0, "%s: block %u is not what it was", context_of(test), i);
    }
}

#define EXPECT_BETWEEN(member)                                                                     \
    cr_expect(                                                                                     \
        found->totals.member <= whole->totals.member &&                                            \
            (!found->possible.is_known || whole->totals.member <= found->possible.counts.member),  \
        "%s: " #member ": %llu found, %llu possible, %llu in truth", context_of(test),             \
        (unsigned long long)found->totals.member,                                                  \
        (unsigned long long)found->possible.counts.member,                                         \
        (unsigned long long)whole->totals.member)

static void check_totals(const Case *test, const HeapImage *saved)
{
    const ReachabilityReport *whole = test->original_report;
    ReachabilityReport *found = report_on(saved);

    EXPECT_BETWEEN(pages);
    EXPECT_BETWEEN(slots);
    EXPECT_BETWEEN(objects);
    EXPECT_BETWEEN(object_bytes);
    EXPECT_BETWEEN(zombies);
    EXPECT_BETWEEN(zombie_bytes);
    EXPECT_BETWEEN(reachable_objects);
    EXPECT_BETWEEN(reachable_bytes);
    if (found->possible.is_known) {
        cr_expect_leq(whole->totals.unreachable_objects, found->possible.counts.unreachable_objects,
                      "%s", context_of(test));
        cr_expect_leq(whole->totals.unreachable_bytes, found->possible.counts.unreachable_bytes);
        cr_expect_leq(whole->heap_bytes, found->possible.heap_bytes);
    }
    if (saved->details->metadata.is_complete)
        cr_expect_str_eq(found->digest, whole->digest, "%s", context_of(test));
    reachability_report_free(found);
}

typedef struct Tally {
    uint64_t salvaged;
    uint64_t hopeless;
    uint64_t with_roots;
    uint64_t complete;
    uint64_t imitations;
} Tally;

static void check_case(uint64_t seed, Tally *tally)
{
    SnapshotReadOptions options = {.force_relocation = true};
    SnapshotSalvage found;
    HeapImage *saved = NULL;
    Case test;
    Error error;

    begin(&test, seed);
    damage(&test);
    if (!snapshot_salvage(test.damaged, test.salvaged, false, 0, &found, &error)) {
        cr_expect_eq(error.code, ERROR_CORRUPT, "seed %llu: %s", (unsigned long long)seed,
                     error.message);
        cr_expect_neq(access(test.salvaged, F_OK), 0);
        tally->hopeless++;
    } else {
        cr_assert(snapshot_read(test.salvaged, &options, &saved, &error), "seed %llu: %s",
                  (unsigned long long)seed, error.message);
        cr_expect_eq(saved->details->metadata.is_complete, found.is_complete);
        check_pages(&test, saved);
        check_roots_and_blocks(&test, saved);
        if (!has_imitations(test.original, saved))
            check_totals(&test, saved);
        else
            tally->imitations++;
        tally->salvaged++;
        tally->with_roots += saved->root_count > 0;
        tally->complete += found.is_complete;
    }
    heap_image_free(saved);
    end(&test);
}

Test(snapshot_salvage, keeps_what_is_whole_and_lists_what_is_not, .timeout = 300)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(120);
    Tally tally = {0};

    for (uint64_t i = 0; i < count; i++)
        check_case(first + i, &tally);
    // The test is about all of these.
    cr_expect_gt(tally.salvaged, count / 4, "%llu", (unsigned long long)tally.salvaged);
    cr_expect_gt(tally.hopeless, 0u);
    cr_expect_lt(tally.imitations, tally.salvaged / 5);
    cr_expect_gt(tally.with_roots, count / 20);
    cr_expect_gt(tally.salvaged - tally.complete, count / 5);
}

Test(snapshot_salvage, a_whole_file_is_salvaged_whole)
{
    SnapshotSalvage found;
    HeapImage *saved;
    Case test;
    Error error;

    begin(&test, 3);
    cr_assert(snapshot_salvage(test.whole, test.salvaged, false, 0, &found, &error), "%s",
              error.message);
    cr_expect(found.is_complete);
    cr_expect_eq(found.frames, found.whole_frames);
    cr_expect_eq(found.lost_pages, 0u);
    SnapshotReadOptions options = {.force_relocation = true};
    cr_assert(snapshot_read(test.salvaged, &options, &saved, &error), "%s", error.message);
    cr_expect_eq(saved->root_count, test.original->root_count);
    cr_expect_eq(saved->block_count, test.original->block_count);
    check_totals(&test, saved);
    heap_image_free(saved);
    // And not over an existing file.
    cr_expect_not(snapshot_salvage(test.whole, test.salvaged, false, 0, &found, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect(snapshot_salvage(test.whole, test.salvaged, true, 0, &found, &error));
    end(&test);
}
