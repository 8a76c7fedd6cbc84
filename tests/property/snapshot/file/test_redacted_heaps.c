// Redaction on random heaps of random layouts: every mark, count and digest stays, and every word
// that is left is one that could be a reference.
//
// timeout: 300

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

static HeapImage *image_of(const SnapshotContents *contents, bool redacts, bool keeps_free)
{
    SnapshotWriteOptions options = {.redacts = redacts, .keeps_free_slots = keeps_free};
    SnapshotReadOptions read_options = {.force_relocation = true};
    Bytes stream = snapshot_stream(contents, &options);
    HeapImage *image;
    Error error;

    cr_assert(snapshot_read_stream(stream.bytes, stream.length, &read_options, &image, &error),
              "%s", error.message);
    free(stream.bytes);
    return image;
}

// May the word stay: does it point into a page, a block or a private writable mapping?
static bool may_stay(const HeapImage *image, uint64_t word)
{
    const SnapshotDetails *details = image->details;

    if (heap_image_find_page(image, word) != NO_INDEX ||
        heap_image_find_block(image, word) != NO_INDEX)
        return true;
    for (uint32_t i = 0; i < details->mapping_count; i++)
        if (word >= details->mappings[i].start && word < details->mappings[i].end &&
            details->mappings[i].permissions[1] == 'w' &&
            details->mappings[i].permissions[3] == 'p')
            return true;
    return false;
}

static void check_words(const HeapImage *plain, const uint8_t *was, const uint8_t *is,
                        uint64_t address, uint64_t bytes, uint64_t seed)
{
    uint64_t at = 0;

    // Bytes outside of whole aligned words hold no reference.
    for (; at < bytes && (address + at) % 8 != 0; at++)
        cr_assert_eq(is[at], 0, "seed %llu", (unsigned long long)seed);
    for (; at + 8 <= bytes; at += 8) {
        uint64_t before = load_u64(was + at), after = load_u64(is + at);
        cr_assert_eq(after, may_stay(plain, before) ? before : 0, "seed %llu: 0x%llx became 0x%llx",
                     (unsigned long long)seed, (unsigned long long)before,
                     (unsigned long long)after);
    }
    for (; at < bytes; at++)
        cr_assert_eq(is[at], 0, "seed %llu", (unsigned long long)seed);
}

// Of a free slot nothing stays but its link, which is not a part of a value.
static void check_free_slot(const HeapImage *plain, const HeapImage *redacted, uint32_t page,
                            uint32_t slot, uint64_t seed)
{
    const uint8_t *was = heap_image_object_bytes(plain, page, slot);
    const uint8_t *is = heap_image_object_bytes(redacted, page, slot);
    uint32_t link = heap_image_is_large(plain, page) ? 0 : plain->layout.free_link_bytes;
    uint32_t at = 0;

    while (at < link && is[at] == was[at])
        at++;
    if (at < link)
        at = 0;
    for (; at < plain->pages[page].block_size; at++)
        cr_assert_eq(is[at], 0, "seed %llu: byte %u of a free slot", (unsigned long long)seed, at);
}

static void check_objects(const HeapImage *plain, const HeapImage *redacted, uint64_t seed)
{
    cr_assert_eq(plain->page_count, redacted->page_count);
    for (uint32_t page = 0; page < plain->page_count; page++)
        for (uint32_t slot = 0; slot < plain->pages[page].slot_count; slot++) {
            uint32_t size = plain->pages[page].block_size;
            uint32_t payload = heap_image_payload_offset(plain, size);
            cr_assert_eq(heap_image_is_allocated(plain, page, slot),
                         heap_image_is_allocated(redacted, page, slot));
            cr_assert_eq(heap_image_is_live(plain, page, slot),
                         heap_image_is_live(redacted, page, slot));
            if (!heap_image_is_allocated(plain, page, slot)) {
                check_free_slot(plain, redacted, page, slot, seed);
                continue;
            }
            cr_assert_eq(heap_image_type_word(plain, page, slot),
                         heap_image_type_word(redacted, page, slot));
            check_words(plain, heap_image_object_bytes(plain, page, slot) + payload,
                        heap_image_object_bytes(redacted, page, slot) + payload,
                        heap_image_object_address(plain, page, slot) + payload, size - payload,
                        seed);
        }
    for (uint32_t i = 0; i < plain->block_count; i++)
        check_words(plain, plain->foreign_bytes + plain->blocks[i].offset,
                    redacted->foreign_bytes + redacted->blocks[i].offset, plain->blocks[i].address,
                    plain->blocks[i].bytes, seed);
}

static void check_marks(const HeapImage *plain, const HeapImage *redacted, uint64_t seed)
{
    for (MarkKind kind = MARK_MAJOR; kind <= MARK_MINOR; kind++) {
        char digests[2][MARK_DIGEST_CHARS];
        MarkResult *results[2];
        Error error;
        cr_assert(mark_reachable_serial(plain, kind, &results[0], &error));
        cr_assert(mark_reachable_serial(redacted, kind, &results[1], &error));
        mark_result_digest(results[0], plain, digests[0]);
        mark_result_digest(results[1], redacted, digests[1]);
        cr_expect_str_eq(digests[0], digests[1], "seed %llu", (unsigned long long)seed);
        cr_expect_eq(memcmp(&results[0]->totals, &results[1]->totals, sizeof results[0]->totals), 0,
                     "seed %llu: totals differ", (unsigned long long)seed);
        mark_result_free(results[0]);
        mark_result_free(results[1]);
    }
}

static void check_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, seed % 16 == 0 ? 3000 : 200);
    Xorshift random = xorshift_seeded(seed);
    HeapLayout layout = random_heap_layout(&random);
    options.layout = &layout;
    RandomHeap *heap = random_heap_new(&options);
    const SnapshotContents *contents = random_heap_contents(heap);
    bool keeps_free = xorshift_percent(&random, 50);
    HeapImage *plain = image_of(contents, false, keeps_free);
    HeapImage *redacted = image_of(contents, true, keeps_free);

    cr_expect_not(plain->details->metadata.is_redacted);
    cr_expect(redacted->details->metadata.is_redacted);
    cr_expect_eq(plain->root_count, redacted->root_count);
    check_objects(plain, redacted, seed);
    check_marks(plain, redacted, seed);
    heap_image_free(plain);
    heap_image_free(redacted);
    random_heap_free(heap);
}

Test(redacted_heaps, the_graph_stays_and_nothing_else_does, .timeout = 300)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(100);

    for (uint64_t i = 0; i < count; i++)
        check_heap(first + i);
}
