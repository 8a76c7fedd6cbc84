// Redacted snapshots: the same graph, and nothing else. Secrets are planted in every byte of
// random heaps that is neither a field that the layout names nor a word that may be a reference;
// what stays is compared with the rule, written down here once more.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/reachability_report.h"
#include "formats/json/reachability_json.h"
#include "marker/mark.h"
#include "snapshot/file/sections/redacted_details.h"
#include "snapshot/file/redaction.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

#define CASES 60u

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

// The words of [from, to) that are no addresses, and what is left behind the last word.
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
        for (uint64_t slot = 0; slot < header.slot_count; slot++)
            plant_object(contents, page, header.header_size + slot * header.block_size,
                         header.block_size);
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

Test(redaction_planted, secrets_go_and_counts_stay)
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
        MarkKind kind = i % 3 == 0 ? MARK_MINOR : MARK_MAJOR;

        cr_expect_eq(secrets_in(redacted.bytes, redacted.length), 0, "TEST_SEED=%" PRIu64,
                     first + i);
        cr_expect(planted.contents.run_count == 0 || secrets_in(plain.bytes, plain.length) > 0);
        write_report(plain, kind, &plain_text);
        write_report(redacted, kind, &redacted_text);
        cr_expect(plain_text.used == redacted_text.used &&
                      memcmp(plain_text.bytes, redacted_text.bytes, plain_text.used) == 0,
                  "TEST_SEED=%" PRIu64 ": the reports differ", first + i);
        free(plain.bytes);
        free(redacted.bytes);
        planted_free(&planted);
        random_heap_free(heap);
    }
}

Test(redaction_planted, bits_behind_the_last_slot_become_one)
{
    RandomHeapOptions options = random_heap_options(3, 300);
    RandomHeap *heap = random_heap_new(&options);
    Planted planted = plant_secrets(random_heap_contents(heap));
    SnapshotWriteOptions redact = {.redacts = true};
    uint8_t *page = (uint8_t *)(uintptr_t)planted.runs[0].bytes;
    const HeapLayout *layout = &planted.contents.layout;
    PageHeader header;
    Bytes stream;
    HeapImage *image;

    cr_assert_eq(page_header_read(layout, page, layout->page_size, &header), PAGE_HEADER_VALID);
    memcpy(page + layout->mark_bitmap + 400, secret, sizeof secret);
    memcpy(page + layout->dirty_bitmap + 504, secret, sizeof secret);
    stream = snapshot_stream(&planted.contents, &redact);
    cr_expect_eq(secrets_in(stream.bytes, stream.length), 0);
    image = image_of(stream);
    page = (uint8_t *)(uintptr_t)heap_image_page_bytes(image, 0);
    for (uint32_t b = header.slot_count; b < 64 * layout->bitmap_words; b++) {
        bool is_first = b == header.slot_count;
        cr_expect_eq(page[layout->mark_bitmap + b / 8] >> b % 8 & 1, is_first);
        cr_expect_eq(page[layout->dirty_bitmap + b / 8] >> b % 8 & 1, is_first);
        cr_expect(is_first || (page[layout->allocated_bitmap + b / 8] >> b % 8 & 1) == 0);
    }
    heap_image_free(image);
    free(stream.bytes);
    planted_free(&planted);
    random_heap_free(heap);
}

// Blocks may lie anywhere, and be cut between frames anywhere.
Test(redaction_planted, blocks_at_odd_addresses_keep_words_at_multiples_of_eight)
{
    static uint8_t data[100], whole[100], part[100];
    SnapshotDetails details = {.thread_count = 0};

    for (uint64_t odd = 0; odd < 8; odd++) {
        SnapshotBlock block = {0x5000 + odd, 91, data};
        SnapshotContents contents = {.layout = *heap_layout_rudo_gc_0_8(),
                                     .block_count = 1,
                                     .blocks = &block,
                                     .details = &details};
        uint64_t word = 0x5010, first = (8 - odd) % 8;
        Redaction redaction;
        Error error;
        plant(data, 0, sizeof data);
        memcpy(data + first + 16, &word, sizeof word);
        memcpy(data + first + 44, &word, sizeof word); // not at a multiple of 8
        cr_assert(redaction_init(&redaction, &contents, &error));
        memcpy(whole, data, sizeof whole);
        redaction_block_part(&redaction, &block, 0, whole, 91);
        for (uint64_t i = 0; i < 91; i++)
            cr_expect_eq(whole[i], i / 8 == 0 || i - first - 16 >= 8 ? 0 : data[i]);
        // The same in two parts.
        for (uint64_t cut = 1; cut < 91; cut++) {
            memcpy(part, data, sizeof part);
            redaction_block_part(&redaction, &block, 0, part, cut);
            redaction_block_part(&redaction, &block, cut, part + cut, 91 - cut);
            if (odd > 0 || cut % 8 == 0)
                cr_expect_arr_eq(part, whole, 91);
        }
        redaction_release(&redaction);
    }
}

// Large objects are cut at multiples of the page size; with a far header, before it, too.
Test(redaction_planted, large_objects_are_the_same_however_they_are_cut)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    static uint8_t pages[5 * 4096], whole[sizeof pages], part[sizeof pages];
    SnapshotPages run = {0x600000000000, 5, pages};
    SnapshotDetails details = {.thread_count = 0};
    SnapshotContents contents = {.layout = *layout, .run_count = 1, .runs = &run};
    uint64_t word = run.address + 8192;
    PageRecords records;
    Redaction redaction;
    Error error;

    contents.details = &details;
    plant(pages, 0, sizeof pages);
    memset(pages, 0, 1576);
    heap_layout_write(pages, layout->magic, layout->magic_value);
    heap_layout_write(pages, layout->flags, layout->flag_large);
    heap_layout_write(pages, layout->owner_thread, 1);
    heap_layout_write(pages, layout->object_count, 1);
    heap_layout_write(pages, layout->header_size, 8192);
    heap_layout_write(pages, layout->block_size, 8195);
    memset(pages + 8192, 0x11, 44);
    memcpy(pages + 8192 + 48, &word, sizeof word);
    memcpy(pages + 4 * 4096 - 8, &word, sizeof word);
    records = records_of(&contents);
    cr_assert_eq(records.count, 1);
    cr_assert(redaction_init(&redaction, &contents, &error));
    memcpy(whole, pages, sizeof whole);
    redaction_large_part(&redaction, records.items, 0, whole, sizeof whole);
    cr_expect_eq(secrets_in(whole, sizeof whole), 0);
    cr_expect_arr_eq(whole + 8192, pages + 8192, 44);
    cr_expect_arr_eq(whole + 8192 + 48, &word, sizeof word);
    cr_expect_arr_eq(whole + 4 * 4096 - 8, &word, sizeof word);
    for (uint64_t cut = 4096; cut < sizeof pages; cut += 4096) {
        memcpy(part, pages, sizeof part);
        redaction_large_part(&redaction, records.items, 0, part, cut);
        redaction_large_part(&redaction, records.items, cut, part + cut, sizeof part - cut);
        cr_expect_arr_eq(part, whole, sizeof part);
    }
    page_records_release(&records);
    redaction_release(&redaction);
}

Test(redaction_planted, names_that_were_given_at_run_time_go)
{
    char module_name[] = "/opt/alice/libx.so", build_id[] = "c0ffee", symbol[] = "shop::Order";
    char path_symbol[] = "_GLOBAL__sub_I_/srv/alice/x.cc";
    char operator_symbol[] = "operator/(Ratio, Ratio)";
    char *symbols[] = {operator_symbol, path_symbol, symbol};
    char names[][64] = {
        "/opt/alice/libx.so",    "/srv/alice/ledger.db", "[heap]", "[anon:alice]", "",
        "/memfd:alice (deleted)"};
    static const char *const expected[] = {"libx.so", "[file]", "[heap]", "[anon]", "", "[file]"};
    SnapshotThread thread = {.tid = 7, .name = "alice's", .stack_pointer = 1};
    SnapshotModule module = {module_name, build_id, 0x1000, 0x2000};
    SnapshotType type = {0x1010, 0, 0x10, 3, symbols};
    SnapshotMapping mappings[6] = {{0}};
    SnapshotDetails details = {
        .metadata = {.executable = "/srv/alice/shop",
                     .missing = "cannot read '/srv/alice/a b'\n3 pages of x",
                     .pause_ns = 5},
        .thread_count = 1,
        .threads = &thread,
        .module_count = 1,
        .modules = &module,
        .type_count = 1,
        .types = &type,
        .mapping_count = 6,
        .mappings = mappings,
    };
    uint32_t offsets[] = {48, 64};
    char function[] = "shop::serve", why[] = "'my srv/o'alice/x y' is unreadable", name[] = "alice";
    SnapshotFrame frame = {.program_counter = 0x1234, .function = function};
    SnapshotStack stack = {.frame_count = 1, .frames = &frame};
    SnapshotRootName roots[] = {{0x8000, 0x4010, name}, {0x8008, 7, name}};
    SnapshotTypeLayout layout = {0x1010, UINT32_MAX, 2, offsets};
    SnapshotLoss loss = {0x9000, 4096, LOSS_MEMORY, why};
    SnapshotDetails *redacted = NULL;
    Error error;

    details.stack_count = details.type_layout_count = details.loss_count = 1;
    details.root_name_count = 2;
    details.stacks = &stack;
    details.root_names = roots;
    details.type_layouts = &layout;
    details.losses = &loss;
    for (uint32_t i = 0; i < 6; i++)
        mappings[i] = (SnapshotMapping){i * 4096, i * 4096 + 4096, 0, "rw-p", names[i]};
    cr_assert(redacted_details_new(&details, &redacted, &error));
    cr_expect_str_eq(redacted->metadata.executable, "shop");
    cr_expect_str_eq(redacted->metadata.missing, "cannot read *\n3 pages of x");
    cr_expect_eq(redacted->metadata.pause_ns, 5);
    cr_expect(redacted->metadata.is_redacted);
    cr_expect_str_eq(redacted->threads[0].name, "");
    cr_expect_eq(redacted->threads[0].tid, 7);
    cr_expect_str_eq(redacted->modules[0].name, "libx.so");
    cr_expect_str_eq(redacted->types[0].symbols[0], "operator/(Ratio, Ratio)");
    cr_expect_str_eq(redacted->types[0].symbols[1], "[redacted]");
    cr_expect_str_eq(redacted->types[0].symbols[2], "shop::Order");
    for (uint32_t i = 0; i < 6; i++)
        cr_expect_str_eq(redacted->mappings[i].name, expected[i]);
    cr_expect_str_eq(redacted->stacks[0].frames[0].function, "shop::serve");
    cr_expect_eq(redacted->stacks[0].frames[0].program_counter, 0x1234);
    cr_expect_eq(redacted->root_name_count, 0);
    cr_expect_eq(redacted->type_layouts[0].offsets[1], 64);
    cr_expect_str_eq(redacted->losses[0].why, "*");
    cr_expect_eq(redacted->losses[0].bytes, 4096);
    snapshot_details_free(redacted);
}
