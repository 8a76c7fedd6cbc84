// Redacted snapshots: the same graph, and nothing else. Secrets are planted in every byte of
// random heaps that is neither a field that the layout names nor a word that may be a reference;
// no part of one is in the file, and every report is that of the whole snapshot.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/reachability_report.h"
#include "formats/json/reachability_json.h"
#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

#define CASES 20u

// ---- planting ----

typedef struct Planted {
    SnapshotContents contents;
    SnapshotPages *runs;
    SnapshotBlock *blocks;
    Root *roots;
} Planted;

static const char secret[8] = {'S', 'E', 'C', 'R', 'E', 'T', '0', '1'};

static bool is_address(const SnapshotContents *contents, uint64_t value)
{
    const SnapshotDetails *details = contents->details;

    for (uint64_t i = 0; i < contents->run_count; i++)
        if (value - contents->runs[i].address <
            contents->runs[i].page_count * contents->layout.page_size)
            return true;
    for (uint64_t i = 0; i < contents->block_count; i++)
        if (value - contents->blocks[i].address < contents->blocks[i].bytes)
            return true;
    for (uint32_t i = 0; i < details->mapping_count; i++)
        if (strncmp(details->mappings[i].permissions + 1, "w", 1) == 0 &&
            details->mappings[i].permissions[3] == 'p' && value >= details->mappings[i].start &&
            value < details->mappings[i].end)
            return true;
    return false;
}

static void plant(uint8_t *bytes, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        bytes[i] = (uint8_t)secret[i % sizeof secret];
}

// Plants in the words of [from, to) that are not addresses, and in the bytes behind the last word.
static void plant_words(const SnapshotContents *contents, uint8_t *bytes, uint64_t from,
                        uint64_t to)
{
    uint64_t word;

    for (; from + sizeof word <= to; from += sizeof word) {
        memcpy(&word, bytes + from, sizeof word);
        if (!is_address(contents, word))
            plant(bytes, from, from + sizeof word);
    }
    plant(bytes, from, to);
}

// Gaps in the headers of rudo-gc-0.8, by hand: see docs/format.md and the layout.
static void plant_page_header(uint8_t *page)
{
    plant(page, 14, 16);
    plant(page, 26, 32);
    plant(page, 1570, 1576);
}

static void plant_object(const SnapshotContents *contents, uint8_t *page, uint64_t at,
                         uint64_t bytes)
{
    uint64_t head = bytes >= 48 ? 48 : 0;

    if (head > 0)
        plant(page, at + 44, at + 48);
    plant_words(contents, page, at + head, at + bytes);
}

static void plant_run(const SnapshotContents *contents, uint8_t *bytes, uint64_t page_count)
{
    uint64_t page_size = contents->layout.page_size;

    for (uint64_t p = 0; p < page_count;) {
        uint8_t *page = bytes + p * page_size;
        PageHeader header;
        uint64_t end;
        cr_assert_eq(
            page_header_read(&contents->layout, page, (page_count - p) * page_size, &header),
            PAGE_HEADER_VALID);
        plant_page_header(page);
        plant(page, 1576, header.header_size);
        for (uint64_t slot = 0; slot < header.slot_count; slot++) {
            uint64_t at = header.header_size + slot * header.block_size;
            uint64_t bits = heap_layout_bitmap_word(page, contents->layout.allocated_bitmap,
                                                    (uint32_t)slot / 64);

            if ((bits >> slot % 64 & 1) != 0)
                plant_object(contents, page, at, header.block_size);
            else // header, link and all
                plant(page, at, at + header.block_size);
        }
        end = header.header_size + (uint64_t)header.slot_count * header.block_size;
        plant(page, end, header.page_count * page_size);
        p += header.page_count;
    }
}

static void *copy_of(const void *bytes, size_t length)
{
    void *copy = malloc(length + 1);

    cr_assert_not_null(copy);
    memcpy(copy, bytes, length);
    return copy;
}

static Planted plant_secrets(const SnapshotContents *contents)
{
    Planted planted = {.contents = *contents};
    uint64_t page_size = contents->layout.page_size;

    planted.runs = copy_of(contents->runs, contents->run_count * sizeof *contents->runs);
    planted.blocks = copy_of(contents->blocks, contents->block_count * sizeof *contents->blocks);
    planted.roots = copy_of(contents->roots, contents->root_count * sizeof *contents->roots);
    for (uint64_t i = 0; i < contents->run_count; i++) {
        uint64_t page_count = contents->runs[i].page_count;
        uint8_t *bytes = copy_of(contents->runs[i].bytes, page_count * page_size);
        plant_run(contents, bytes, page_count);
        planted.runs[i].bytes = bytes;
    }
    for (uint64_t i = 0; i < contents->block_count; i++) {
        uint64_t bytes = contents->blocks[i].bytes;
        uint8_t *data = copy_of(contents->blocks[i].data, bytes);
        uint64_t first = (8 - contents->blocks[i].address % 8) % 8;
        if (first > bytes)
            first = bytes;
        plant(data, 0, first);
        plant_words(contents, data, first, bytes);
        planted.blocks[i].data = data;
    }
    for (uint64_t i = 0; i < contents->root_count; i++)
        if (!is_address(contents, planted.roots[i].value))
            memcpy(&planted.roots[i].value, secret, sizeof secret);
    planted.contents.runs = planted.runs;
    planted.contents.blocks = planted.blocks;
    planted.contents.roots = planted.roots;
    return planted;
}

static void planted_free(Planted *planted)
{
    for (uint64_t i = 0; i < planted->contents.run_count; i++)
        free((void *)(uintptr_t)planted->runs[i].bytes);
    for (uint64_t i = 0; i < planted->contents.block_count; i++)
        free((void *)(uintptr_t)planted->blocks[i].data);
    free(planted->runs);
    free(planted->blocks);
    free(planted->roots);
}

// ---- looking ----

static uint64_t secrets_in(const uint8_t *bytes, size_t length)
{
    uint64_t found = 0;

    // Any three letters of it.
    for (size_t i = 0; i + 3 <= length; i++)
        for (size_t s = 0; s + 3 <= sizeof secret - 2; s++)
            found += memcmp(bytes + i, secret + s, 3) == 0;
    return found;
}

typedef struct Text {
    char bytes[1 << 20];
    size_t used;
} Text;

static bool text_write(void *context, const char *bytes, size_t count, Error *error)
{
    Text *text = context;

    (void)error;
    cr_assert_leq(text->used + count, sizeof text->bytes);
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    return true;
}

static HeapImage *image_of(Bytes stream)
{
    HeapImage *image = NULL;
    Error error;

    cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s",
              error.message);
    return image;
}

static void write_report(Bytes stream, MarkKind kind, Text *text)
{
    HeapImage *image = image_of(stream);
    JsonSink sink = {.write = text_write, .context = text};
    ReachabilityReport *report = NULL;
    MarkResult *result = NULL;
    Error error;

    text->used = 0;
    cr_assert(mark_reachable_serial(image, kind, &result, &error), "%s", error.message);
    cr_assert(reachability_report_new(image, result, &report, &error), "%s", error.message);
    cr_assert(reachability_json_write(sink, image, report, result, NULL, &error));
    cr_assert(reachability_objects_write(sink, image, report, result, &error));
    reachability_report_free(report);
    mark_result_free(result);
    heap_image_free(image);
}

// ---- tests ----

Test(redacted_secrets, secrets_go_and_counts_stay)
{
    static Text plain_text, redacted_text;
    uint64_t first = test_seed(500);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        RandomHeapOptions options = random_heap_options(first + i, 300);
        RandomHeap *heap = random_heap_new(&options);
        Planted planted = plant_secrets(random_heap_contents(heap));
        SnapshotWriteOptions write = {.keeps_free_slots = i % 2 == 0};
        SnapshotWriteOptions redact = {.keeps_free_slots = i % 2 == 0, .redacts = true};
        Bytes plain = snapshot_stream(&planted.contents, &write);
        Bytes redacted = snapshot_stream(&planted.contents, &redact);
        Bytes unplanted = snapshot_stream(random_heap_contents(heap), &redact);
        MarkKind kind = i % 3 == 0 ? MARK_MINOR : MARK_MAJOR;

        // Three letters of it may stand in a random address, planted or not.
        cr_expect_eq(secrets_in(redacted.bytes, redacted.length),
                     secrets_in(unplanted.bytes, unplanted.length), "TEST_SEED=%" PRIu64,
                     first + i);
        cr_expect(planted.contents.run_count == 0 || secrets_in(plain.bytes, plain.length) > 0);
        write_report(plain, kind, &plain_text);
        write_report(redacted, kind, &redacted_text);
        cr_expect(plain_text.used == redacted_text.used &&
                      memcmp(plain_text.bytes, redacted_text.bytes, plain_text.used) == 0,
                  "TEST_SEED=%" PRIu64 ": the reports differ", first + i);
        free(plain.bytes);
        free(redacted.bytes);
        free(unplanted.bytes);
        planted_free(&planted);
        random_heap_free(heap);
    }
}
