// Damaged and hostile snapshots: whatever a file holds, reading it ends with an image or with
// one clear error, and never with a crash, or an image that differs from what was written.
//
// timeout: 300

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "base/byte_buffer.h"
#include "base/checksum.h"
#include "snapshot/file/frames/seekable_internal.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/dose.h"
#include "tests/support/example_heap.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

typedef struct Victim {
    TestFolder folder;
    char *path;
    RandomHeap *heap;
    Bytes file;
    SnapshotReadOptions options;
} Victim;

static Victim victim_new(uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options(seed, objects);
    Victim victim = {.folder = test_folder_new(), .options = {.threads = 1}};
    Error error = {0};

    options.objects = objects;
    options.roots = 100;
    options.blocks = 20;
    victim.heap = random_heap_new(&options);
    victim.path = test_folder_file(&victim.folder, "heap.zst");
    cr_assert(snapshot_write(victim.path, random_heap_contents(victim.heap), NULL, NULL, &error),
              "%s", error.message);
    victim.file = file_bytes(victim.path);
    return victim;
}

static void victim_free(Victim *victim)
{
    free(victim->file.bytes);
    free(victim->path);
    random_heap_free(victim->heap);
    test_folder_free(&victim->folder);
}

// An error that a user can do something with: a code, one line, an offset.
static void expect_damage(const Error *error, const char *case_name)
{
    cr_expect_eq(error->code, ERROR_CORRUPT, "%s: %s", case_name, error->message);
    cr_expect_null(strchr(error->message, '\n'), "%s: %s", case_name, error->message);
    cr_expect_not_null(strstr(error->message, "(offset "), "%s: %s", case_name, error->message);
}

static void expect_damaged_file(const Victim *victim, const char *case_name)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert_not(snapshot_read(victim->path, &victim->options, &image, &error), "%s", case_name);
    cr_assert_null(image);
    expect_damage(&error, case_name);
}

// ---- truncation ----

static void check_truncated_at(const Victim *victim, size_t length)
{
    char name[64];

    snprintf(name, sizeof name, "cut after %zu of %zu bytes", length, victim->file.length);
    write_bytes(victim->path, victim->file.bytes, length);
    expect_damaged_file(victim, name);
}

Test(snapshot_hostile, a_file_cut_at_any_frame_boundary_is_damaged)
{
    Victim victim = victim_new(1, 30000);
    size_t at = 0, boundaries = 0;

    // Boundaries from the seek table, and one byte to both sides of each.
    uint32_t frames = bytes_get_u32(victim.file.bytes + victim.file.length - 9);
    size_t table = victim.file.length - 9 - 12ull * frames;
    for (uint32_t i = 0; i < frames; i++) {
        at += bytes_get_u32(victim.file.bytes + table + 12ull * i);
        check_truncated_at(&victim, at);
        check_truncated_at(&victim, at - 1);
        check_truncated_at(&victim, at + 1);
        boundaries++;
    }
    check_truncated_at(&victim, 0);
    check_truncated_at(&victim, table);
    check_truncated_at(&victim, victim.file.length - 1);
    cr_expect_geq(boundaries, 6);
    victim_free(&victim);
}

Test(snapshot_hostile, a_file_cut_anywhere_is_damaged)
{
    Victim victim = victim_new(2, 5000);
    uint64_t first = test_seed(2);

    for (uint64_t i = 0; i < test_dose(300); i++) {
        Xorshift random = xorshift_seeded(first + i);
        check_truncated_at(&victim, xorshift_below(&random, victim.file.length));
    }
    victim_free(&victim);
}

Test(snapshot_hostile, a_file_that_goes_on_after_its_end_is_damaged)
{
    Victim victim = victim_new(3, 500);
    Bytes longer = {malloc(victim.file.length * 2), victim.file.length * 2};

    cr_assert_not_null(longer.bytes);
    memcpy(longer.bytes, victim.file.bytes, victim.file.length);
    memcpy(longer.bytes + victim.file.length, victim.file.bytes, victim.file.length);
    // A byte more, and the whole file twice: its seek table lists one of them.
    write_bytes(victim.path, longer.bytes, victim.file.length + 1);
    expect_damaged_file(&victim, "one byte more");
    write_bytes(victim.path, longer.bytes, longer.length);
    expect_damaged_file(&victim, "twice");
    free(longer.bytes);
    victim_free(&victim);
}

// ---- flipped bytes ----

static void check_flip(const Victim *victim, Bytes file, uint64_t seed)
{
    Xorshift random = xorshift_seeded(seed);
    size_t at = xorshift_below(&random, file.length);
    uint8_t before = file.bytes[at];
    HeapImage *image = NULL;
    Error error = {0};
    char name[80];

    file.bytes[at] ^= (uint8_t)xorshift_between(&random, 1, 255);
    snprintf(name, sizeof name, "TEST_SEED=%" PRIu64 ", byte %zu flipped", seed, at);
    write_bytes(victim->path, file.bytes, file.length);
    if (snapshot_read(victim->path, &victim->options, &image, &error)) {
        const char *found = image_differs(image, random_heap_contents(victim->heap), false);
        cr_expect_null(found, "%s: %s", name, found);
        heap_image_free(image);
    } else if (error.code != ERROR_UNSUPPORTED) {
        expect_damage(&error, name);
    }
    file.bytes[at] = before;
}

Test(snapshot_hostile, a_flipped_byte_in_the_file_is_found_or_does_no_harm)
{
    Victim victim = victim_new(4, 400);
    uint64_t first = test_seed(4);

    for (uint64_t i = 0; i < test_dose(1500); i++)
        check_flip(&victim, victim.file, first + i);
    victim_free(&victim);
}

// Looks at an image everywhere, for the sanitizers, and for what must hold in each image.
static void look_at(const HeapImage *image)
{
    for (uint32_t page = 0; page < image->page_count; page++) {
        const HeapPage *record = &image->pages[page];
        cr_assert_eq(heap_image_find_page(image, record->address), page);
        for (uint32_t slot = 0; slot < record->slot_count; slot++) {
            const uint8_t *bytes = heap_image_object_bytes(image, page, slot);
            volatile uint8_t last = bytes[record->block_size - 1];
            (void)last;
            cr_assert(!heap_image_is_live(image, page, slot) ||
                      heap_image_is_allocated(image, page, slot));
        }
    }
    for (uint64_t i = 0; i < image->root_count; i++)
        (void)heap_image_resolve(image, image->roots[i].value, true);
}

static void check_stream(Bytes stream, const SnapshotReadOptions *options, const char *name)
{
    HeapImage *image = NULL;
    Error error = {0};

    if (snapshot_read_stream(stream.bytes, stream.length, options, &image, &error)) {
        look_at(image);
        heap_image_free(image);
    } else {
        cr_assert_null(image);
        if (error.code != ERROR_UNSUPPORTED)
            expect_damage(&error, name);
    }
}

// One to four bytes, often in the tables, to often used values.
static void damage(Bytes stream, const SectionMap *map, Xorshift *random)
{
    static const uint8_t favourites[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x40, 0x10};
    uint64_t count = xorshift_between(random, 1, 4);
    uint64_t tables_end = map->pages[0].offset + 400;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t limit =
            xorshift_percent(random, 50) && tables_end < stream.length ? tables_end : stream.length;
        size_t at = xorshift_below(random, limit);
        if (xorshift_percent(random, 50))
            stream.bytes[at] ^= (uint8_t)(1u << xorshift_below(random, 8));
        else
            stream.bytes[at] = favourites[xorshift_below(random, sizeof favourites)];
    }
}

Test(snapshot_hostile, damage_behind_the_checksums_is_found_or_is_a_heap)
{
    uint64_t first = test_seed(5);
    Victim victim = victim_new(5, 200);
    Bytes stream = snapshot_stream(random_heap_contents(victim.heap), NULL);
    Bytes copy = {malloc(stream.length), stream.length};
    SectionMap map = sections_of(stream.bytes, stream.length);
    SnapshotReadOptions options = {.threads = 1, .max_stream_bytes = UINT64_C(1) << 30};

    cr_assert_not_null(copy.bytes);
    for (uint64_t seed = first; seed < first + test_dose(1500); seed++) {
        Xorshift random = xorshift_seeded(seed);
        char name[80];
        memcpy(copy.bytes, stream.bytes, stream.length);
        damage(copy, &map, &random);
        options.force_relocation = seed % 2 == 0;
        snprintf(name, sizeof name, "TEST_SEED=%" PRIu64, seed);
        check_stream(copy, &options, name);
        // Now and then through a file, with checksums that are right again.
        if (seed % 50 == 0) {
            HeapImage *image = NULL;
            Error error = {0};
            write_snapshot_file(victim.path, copy.bytes, copy.length);
            if (snapshot_read(victim.path, &options, &image, &error))
                heap_image_free(image);
            else if (error.code != ERROR_UNSUPPORTED)
                expect_damage(&error, name);
        }
    }
    section_map_release(&map);
    free(copy.bytes);
    free(stream.bytes);
    victim_free(&victim);
}

Test(snapshot_hostile, a_stream_cut_anywhere_is_damaged)
{
    SnapshotContents contents;
    HeapImage *image = NULL;
    Bytes stream;

    example_heap(&contents);
    stream = snapshot_stream(&contents, NULL);
    for (size_t length = 0; length < stream.length; length += length < 1200 ? 1 : 7) {
        // A copy of that length, so that sanitizers see each byte behind the end.
        uint8_t *copy = malloc(length + (length == 0));
        Error error = {0};
        cr_assert_not_null(copy);
        memcpy(copy, stream.bytes, length);
        cr_assert_not(snapshot_read_stream(copy, length, NULL, &image, &error), "%zu", length);
        expect_damage(&error, "cut stream");
        free(copy);
    }
    free(stream.bytes);
}

// ---- what the file claims ----

// Header, frames and seek table by hand.
typedef struct FileMaker {
    ByteBuffer file;
    ByteBuffer table;
    uint32_t entries;
} FileMaker;

static void add_frame(FileMaker *maker, const void *bytes, uint32_t length, uint32_t stream_bytes,
                      uint32_t checksum)
{
    byte_buffer_add(&maker->file, bytes, length);
    byte_buffer_add_u32(&maker->table, length);
    byte_buffer_add_u32(&maker->table, stream_bytes);
    byte_buffer_add_u32(&maker->table, checksum);
    maker->entries++;
}

static void add_file_header(FileMaker *maker)
{
    uint8_t header[FILE_HEADER_BYTES] = {0};

    bytes_put_u32(header, SKIPPABLE_MAGIC);
    bytes_put_u32(header + 4, FILE_HEADER_BYTES - 8);
    memcpy(header + 8, FILE_HEADER_NAME, 8);
    bytes_put_u16(header + 16, SNAPSHOT_FORMAT_MAJOR);
    bytes_put_u16(header + 18, SNAPSHOT_FORMAT_MINOR);
    bytes_put_u64(header + 56, checksum_xxh64(header, 56));
    add_frame(maker, header, sizeof header, 0, 0);
}

static void save_made(FileMaker *maker, const char *path)
{
    byte_buffer_add_u32(&maker->file, SEEK_TABLE_MAGIC);
    byte_buffer_add_u32(&maker->file, maker->entries * 12 + 9);
    byte_buffer_add(&maker->file, maker->table.bytes, maker->table.length);
    byte_buffer_add_u32(&maker->file, maker->entries);
    byte_buffer_add(&maker->file, "\x80", 1);
    byte_buffer_add_u32(&maker->file, SEEK_TABLE_FOOTER_MAGIC);
    write_bytes(path, maker->file.bytes, maker->file.length);
    byte_buffer_release(&maker->file);
    byte_buffer_release(&maker->table);
}

// A frame of `stream_bytes` zeros: a header, a raw block with the stream's beginning, and as
// many RLE blocks of 4 bytes for 128 KiB as it takes.
static ByteBuffer bomb_frame(uint32_t stream_bytes)
{
    ByteBuffer frame = {0};
    uint32_t left = stream_bytes;

    byte_buffer_add_u32(&frame, FRAME_MAGIC);
    byte_buffer_add(&frame, "\xa4", 1); // 4-byte content size, one segment, checksum
    byte_buffer_add_u32(&frame, stream_bytes);
    while (left > 0) {
        uint32_t length = left < 131072 ? left : 131072;
        uint32_t head = length << 3 | 1 << 1 | (left == length);
        left -= length;
        byte_buffer_add(&frame, &head, 3);
        byte_buffer_add(&frame, "", 1);
    }
    byte_buffer_add_u32(&frame, 0); // the reader refuses it before it looks at the checksum
    return frame;
}

// Reading must refuse it before it has used much memory.
static void expect_cheap_refusal(const char *path, const char *name)
{
    SnapshotReadOptions options = {.threads = 1};
    SnapshotFileInfo info;
    struct rusage before, after;
    HeapImage *image = NULL;
    Error error = {0};

    getrusage(RUSAGE_SELF, &before);
    cr_assert_not(snapshot_read(path, &options, &image, &error), "%s", name);
    expect_damage(&error, name);
    cr_assert_not(snapshot_read_info(path, &info, &error), "%s", name);
    expect_damage(&error, name);
    getrusage(RUSAGE_SELF, &after);
    cr_expect_lt(after.ru_maxrss - before.ru_maxrss, 64 * 1024, "%s", name);
}

Test(snapshot_hostile, a_decompression_bomb_is_refused_before_it_goes_off)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "bomb.zst");

    // 40 GiB in frames of 16 MiB; then one frame of 1 GiB; then 2 GiB in all that a small
    // machine might take, but no snapshot of that size would hold.
    const struct {
        const char *name;
        uint32_t frame_bytes, frames;
    } bombs[] = {
        {"many frames", 16u << 20, 2560}, {"large frame", 1u << 30, 1}, {"2 GiB", 16u << 20, 128}};
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        ByteBuffer frame = bomb_frame(bombs[i].frame_bytes);
        FileMaker maker = {0};
        add_file_header(&maker);
        for (uint32_t f = 0; f < bombs[i].frames; f++)
            add_frame(&maker, frame.bytes, (uint32_t)frame.length, bombs[i].frame_bytes, 0);
        save_made(&maker, path);
        byte_buffer_release(&frame);
        expect_cheap_refusal(path, bombs[i].name);
    }
    free(path);
    test_folder_free(&folder);
}

Test(snapshot_hostile, well_compressing_heaps_are_no_bombs)
{
    // A large object full of one byte: as good as it gets for zstd.
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "zeros.zst");
    uint64_t bytes = UINT64_C(300) << 20;
    uint8_t *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    SnapshotVerification verification;
    SnapshotContents contents;
    SnapshotPages run = {EXAMPLE_PAGE_ADDRESS, bytes / 4096, pages};
    Error error = {0};

    cr_assert_neq(pages, MAP_FAILED);
    heap_layout_write(pages, layout->magic, layout->magic_value);
    heap_layout_write(pages, layout->block_size, bytes - 1584);
    heap_layout_write(pages, layout->object_count, 1);
    heap_layout_write(pages, layout->header_size, 1584);
    heap_layout_write(pages, layout->flags, layout->flag_large);
    heap_layout_write(pages, layout->owner_thread, 1);
    pages[layout->allocated_bitmap] = 1;
    example_heap(&contents);
    contents.runs = &run;
    PageRecords records = records_of(&contents);
    contents.pages = &records;
    cr_assert(snapshot_write(path, &contents, NULL, NULL, &error), "%s", error.message);
    cr_expect(snapshot_verify(path, NULL, &verification, &error), "%s", error.message);
    cr_expect_gt(verification.bytes_checked, bytes);
    page_records_release(&records);
    munmap(pages, bytes);
    free(path);
    test_folder_free(&folder);
}

Test(snapshot_hostile, the_seek_table_must_equal_the_frames)
{
    Victim victim = victim_new(6, 2000);
    uint32_t frames = bytes_get_u32(victim.file.bytes + victim.file.length - 9);
    size_t table = victim.file.length - 9 - 12ull * frames;

    cr_assert_geq(frames, 4);
    for (uint32_t i = 0; i < frames; i++)
        for (uint32_t field = 0; field < 3; field++) {
            Bytes copy = {malloc(victim.file.length), victim.file.length};
            uint8_t *value;
            char name[60];
            cr_assert_not_null(copy.bytes);
            memcpy(copy.bytes, victim.file.bytes, copy.length);
            value = copy.bytes + table + 12ull * i + 4ull * field;
            // The checksum of a skippable frame is of nothing, and is not looked at.
            if (field == 2 && bytes_get_u32(value - 4) == 0) {
                free(copy.bytes);
                continue;
            }
            bytes_put_u32(value, bytes_get_u32(value) + 1);
            snprintf(name, sizeof name, "seek table entry %u, field %u", i, field);
            write_bytes(victim.path, copy.bytes, copy.length);
            expect_damaged_file(&victim, name);
            // Shifting what one frame has to the next keeps the sum.
            if (field < 2 && i + 1 < frames) {
                bytes_put_u32(value + 12, bytes_get_u32(value + 12) - 1);
                write_bytes(victim.path, copy.bytes, copy.length);
                expect_damaged_file(&victim, name);
            }
            free(copy.bytes);
        }
    victim_free(&victim);
}

Test(snapshot_hostile, frames_without_checksums_are_refused)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    ByteBuffer frame = {0};
    FileMaker maker = {0};
    HeapImage *image = NULL;
    Error error = {0};

    byte_buffer_add_u32(&frame, FRAME_MAGIC);
    byte_buffer_add(&frame, "\x20\x10\x81\x00\x00", 5); // 16 bytes, no checksum; a raw block
    byte_buffer_add(&frame, STREAM_MAGIC "\1\0\0\0\0\0\0\0", 16);
    add_file_header(&maker);
    add_frame(&maker, frame.bytes, (uint32_t)frame.length, 16,
              (uint32_t)checksum_xxh64(frame.bytes + 9, 16));
    save_made(&maker, path);
    byte_buffer_release(&frame);
    cr_expect_not(snapshot_read(path, NULL, &image, &error));
    cr_expect(strstr(error.message, "no checksum") != NULL, "%s", error.message);
    free(path);
    test_folder_free(&folder);
}

// ---- time ----

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// A stream with `count` empty page sections before the metadata.
static Bytes stream_of_many_sections(uint32_t count)
{
    SnapshotContents contents;
    ByteBuffer body = {0}, stream = {0};
    Bytes plain;

    example_heap(&contents);
    plain = snapshot_stream(&contents, NULL);
    SectionMap map = sections_of(plain.bytes, plain.length);
    size_t at = section_map_find(&map, SECTION_METADATA)->offset - SECTION_HEADER_BYTES;
    byte_buffer_add_u32(&body, SECTION_PAGES);
    byte_buffer_add_u32(&body, 0);
    byte_buffer_add_u64(&body, 8);
    byte_buffer_add_u64(&body, 0);
    byte_buffer_add(&stream, plain.bytes, at);
    for (uint32_t i = 0; i < count; i++)
        byte_buffer_add(&stream, body.bytes, body.length);
    byte_buffer_add(&stream, plain.bytes + at, plain.length - at);
    cr_assert_not(stream.is_short);
    byte_buffer_release(&body);
    section_map_release(&map);
    free(plain.bytes);
    return (Bytes){stream.bytes, stream.length};
}

// The stream in frames of `frame_bytes`, each one raw block.
static void save_in_small_frames(const char *path, Bytes stream, uint32_t frame_bytes)
{
    FileMaker maker = {0};

    add_file_header(&maker);
    for (size_t at = 0; at < stream.length; at += frame_bytes) {
        size_t left = stream.length - at;
        uint32_t length = left < frame_bytes ? (uint32_t)left : frame_bytes;
        uint32_t checksum = (uint32_t)checksum_xxh64(stream.bytes + at, length);
        uint32_t head = length << 3 | 1;
        ByteBuffer frame = {0};
        byte_buffer_add_u32(&frame, FRAME_MAGIC);
        byte_buffer_add(&frame, "\xa4", 1); // 4-byte content size, one segment, checksum
        byte_buffer_add_u32(&frame, length);
        byte_buffer_add(&frame, &head, 3);
        byte_buffer_add(&frame, stream.bytes + at, length);
        byte_buffer_add_u32(&frame, checksum);
        add_frame(&maker, frame.bytes, (uint32_t)frame.length, length, checksum);
        byte_buffer_release(&frame);
    }
    save_made(&maker, path);
}

Test(snapshot_hostile, many_sections_and_many_frames_take_linear_time)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    Bytes stream = stream_of_many_sections(60000);
    SnapshotReadOptions options = {.threads = 1};
    SnapshotVerification verification;
    Error error = {0};

    for (int small_frames = 0; small_frames <= 1; small_frames++) {
        double begin = seconds_now();
        if (small_frames)
            save_in_small_frames(path, stream, 24);
        else
            write_snapshot_file(path, stream.bytes, stream.length);
        cr_expect(snapshot_verify(path, &options, &verification, &error), "%s", error.message);
        // Some 0.1 s; anything quadratic takes minutes.
        cr_expect_lt(seconds_now() - begin, 20.0);
    }
    free(stream.bytes);
    free(path);
    test_folder_free(&folder);
}

// ---- addresses ----

static void check_page_at(uint64_t address, bool is_possible)
{
    SnapshotContents contents;
    HeapImage *image = NULL;
    Error error = {0};
    Bytes stream;
    char name[40];

    example_heap(&contents);
    stream = snapshot_stream(&contents, NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    bytes_put_u64(stream.bytes + section_map_find(&map, SECTION_RUNS)->offset + 8, address);
    bytes_put_u64(stream.bytes + map.pages[0].offset + 8, address);
    snprintf(name, sizeof name, "page at 0x%" PRIx64, address);
    if (is_possible) {
        cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s: %s",
                  name, error.message);
        cr_expect_eq(image->page_count, 1);
        cr_expect_eq(image->pages[0].address, address);
        cr_expect_eq(heap_image_find_page(image, address + 100), 0);
        cr_expect_eq(bytes_get_u32(heap_image_page_bytes(image, 0)), 0x52554447, "%s", name);
        heap_image_free(image);
    } else {
        cr_assert_not(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s",
                      name);
        expect_damage(&error, name);
    }
    section_map_release(&map);
    free(stream.bytes);
}

Test(snapshot_hostile, page_addresses_may_be_anything_but_do_no_harm)
{
    static uint8_t ours[3 * 4096];
    uint64_t on_stack = (uint64_t)(uintptr_t) & (int){0};
    uint8_t *on_heap = malloc(100000);

    cr_assert_not_null(on_heap);
    memset(ours, 0x5a, sizeof ours);
    // Our own memory: data, stack, heap, code; next to the stack; below what may be mapped.
    check_page_at(((uint64_t)(uintptr_t)ours + 4095) & ~UINT64_C(4095), true);
    check_page_at(on_stack & ~UINT64_C(4095), true);
    check_page_at((on_stack - (UINT64_C(4) << 20)) & ~UINT64_C(4095), true);
    check_page_at((uint64_t)(uintptr_t)on_heap & ~UINT64_C(4095), true);
    check_page_at((uint64_t)(uintptr_t)&check_page_at & ~UINT64_C(4095), true);
    check_page_at((uint64_t)(uintptr_t)&malloc & ~UINT64_C(4095), true);
    check_page_at(4096, true);
    check_page_at((UINT64_C(1) << 47) - 4096, true);
    check_page_at(UINT64_C(1) << 47, true);
    check_page_at((UINT64_C(1) << 56) - 4096, true);
    for (size_t i = 0; i < sizeof ours; i++)
        cr_assert_eq(ours[i], 0x5a);
    // Not possible at all.
    check_page_at(0, false);
    check_page_at(UINT64_C(1) << 56, false);
    check_page_at(UINT64_C(0xffff800000000000), false);
    check_page_at(UINT64_C(0x8000000000000000), false);
    check_page_at(UINT64_MAX, false);
    check_page_at(UINT64_MAX - 4095, false);
    check_page_at(EXAMPLE_PAGE_ADDRESS + 8, false);
    free(on_heap);
}
