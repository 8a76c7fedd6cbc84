// SeekableReader: any part of the stream is read as it was written, in one piece or in many, on one
// thread or several; of a damaged file the whole frames.

#include "snapshot/file/frames/seekable_reader.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

#define MAJOR 1u
#define FRAME ((uint64_t)1 << 20)
#define LENGTH (5 * FRAME + 12345) // six frames, the last one short

static TestFolder folder;
static char *path;
static uint8_t *content;
static uint8_t *got;
static SeekableReader *reader;
static Error error;

static void begin(void)
{
    Xorshift random = xorshift_seeded(1);

    folder = test_folder_new();
    path = test_folder_file(&folder, "stream.zst");
    content = malloc(LENGTH);
    got = malloc(LENGTH);
    cr_assert(content != NULL && got != NULL);
    for (uint64_t i = 0; i < LENGTH; i++)
        content[i] = (uint8_t)xorshift_below(&random, 50);
    write_snapshot_file(path, content, LENGTH);
}

static void end(void)
{
    seekable_reader_free(reader);
    free(content);
    free(got);
    free(path);
    test_folder_free(&folder);
}

TestSuite(seekable_reader, .init = begin, .fini = end, .timeout = 60);

static void open_stream(void)
{
    cr_assert(seekable_reader_open(path, MAJOR, 0, &reader, &error), "%s", error.message);
}

Test(seekable_reader, the_seek_table_says_how_long_the_stream_is)
{
    open_stream();
    cr_expect_eq(seekable_reader_info(reader)->stream_bytes, LENGTH);
    cr_expect_eq(seekable_reader_info(reader)->frame_count, 6u);
    cr_expect_eq(seekable_reader_info(reader)->format_major, MAJOR);
}

Test(seekable_reader, any_part_is_read_within_a_frame_and_across_frames)
{
    static const struct {
        uint64_t offset, length;
    } parts[] = {
        {0, 1},
        {0, LENGTH},
        {FRAME - 1, 2},
        {FRAME, FRAME},
        {FRAME / 2, 3 * FRAME},
        {LENGTH - 1, 1},
        {5 * FRAME, 12345},
        {2 * FRAME, 1},
        {3 * FRAME - 1, 1},
        {4, 0},
    };

    open_stream();
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memset(got, 0xff, LENGTH);
        cr_assert(seekable_reader_read(reader, parts[i].offset, got, parts[i].length, &error));
        cr_expect_eq(memcmp(got, content + parts[i].offset, parts[i].length), 0, "part %zu", i);
        cr_expect(parts[i].length == LENGTH || got[parts[i].length] == 0xff, "part %zu", i);
    }
}

typedef struct Arrivals {
    _Atomic uint64_t bytes;
} Arrivals;

static void arrived(void *context, const uint8_t *bytes, uint64_t length)
{
    Arrivals *arrivals = context;

    (void)bytes;
    atomic_fetch_add(&arrivals->bytes, length);
}

// Scatters every second stretch of random length, and checks where its bytes went.
static void scatter_stretches(Xorshift *random, uint64_t longest, uint32_t threads)
{
    StreamTarget *targets = calloc(LENGTH, sizeof *targets);
    uint64_t count = 0, at = 0;

    cr_assert_not_null(targets);
    memset(got, 0xff, LENGTH);
    while (at < LENGTH) {
        uint64_t length = xorshift_between(random, 1, longest);
        if (length > LENGTH - at)
            length = LENGTH - at;
        if (xorshift_percent(random, 50))
            targets[count++] = (StreamTarget){at, length, got + at};
        at += length;
    }
    cr_assert(seekable_reader_scatter(reader, targets, count, NULL, threads, &error), "%s",
              error.message);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t offset = targets[i].offset;
        cr_assert_eq(memcmp(got + offset, content + offset, targets[i].length), 0);
        memset(got + offset, 0xff, targets[i].length);
    }
    for (uint64_t i = 0; i < LENGTH; i++)
        cr_assert_eq(got[i], 0xff, "byte %llu belongs to no target", (unsigned long long)i);
    free(targets);
}

Test(seekable_reader, parts_are_scattered_to_where_they_belong_and_nowhere_else)
{
    Xorshift random = xorshift_seeded(2);

    open_stream();
    for (uint32_t threads = 1; threads <= 3; threads++) {
        scatter_stretches(&random, 1000, threads);
        scatter_stretches(&random, FRAME / 2, threads);
        scatter_stretches(&random, 4 * FRAME, threads);
    }
}

Test(seekable_reader, a_listener_is_told_of_the_bytes_of_whole_frames_once)
{
    StreamTarget whole = {0, LENGTH, got};
    Arrivals arrivals = {0};
    StreamListener listener = {arrived, &arrivals};

    open_stream();
    cr_assert(seekable_reader_scatter(reader, &whole, 1, &listener, 2, &error));
    cr_expect_eq(memcmp(got, content, LENGTH), 0);
    cr_expect_eq(atomic_load(&arrivals.bytes), LENGTH);
}

Test(seekable_reader, all_checksums_of_a_whole_file_are_right)
{
    open_stream();
    cr_expect(seekable_reader_check_frames(reader, 2, &error), "%s", error.message);
}

// ---- damaged files ----

// Changes one byte in the middle of the file, which is in some frame.
static void damage_the_middle(void)
{
    Bytes file = file_bytes(path);

    file.bytes[file.length / 2] ^= 1;
    write_bytes(path, file.bytes, file.length);
    free(file.bytes);
}

Test(seekable_reader, a_damaged_frame_is_named_and_the_others_are_read)
{
    damage_the_middle();
    open_stream();
    cr_expect_not(seekable_reader_check_frames(reader, 1, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "frame 3") != NULL, "%s", error.message);
    cr_expect(strstr(error.hint, "--salvage") != NULL, "%s", error.hint);
    cr_expect(seekable_reader_read(reader, 0, got, 2 * FRAME, &error), "%s", error.message);
    cr_expect_not(seekable_reader_read(reader, 0, got, LENGTH, &error));
}

Test(seekable_reader, the_whole_frames_of_a_damaged_file_are_salvaged)
{
    StreamPart *parts = NULL;
    uint64_t part_count = 0;
    uint32_t whole = 0;

    damage_the_middle();
    cr_assert(seekable_reader_open_damaged(path, MAJOR, 0, &reader, &error));
    cr_assert(seekable_reader_salvage(reader, got, &parts, &part_count, &whole, &error));
    cr_expect_eq(whole, 5u);
    cr_assert_eq(part_count, 2u, "one frame is missing in the middle");
    cr_expect_eq(parts[0].offset, 0u);
    cr_expect_eq(parts[0].length, 2 * FRAME);
    cr_expect_eq(parts[1].offset, 3 * FRAME);
    cr_expect_eq(parts[1].length, LENGTH - 3 * FRAME);
    for (uint64_t i = 0; i < part_count; i++)
        cr_expect_eq(memcmp(got + parts[i].offset, content + parts[i].offset, parts[i].length), 0);
    free(parts);
}

Test(seekable_reader, without_its_seek_table_a_file_is_salvaged_from_the_start)
{
    StreamPart *parts = NULL;
    uint64_t part_count = 0;
    uint32_t whole = 0;
    Bytes file = file_bytes(path);

    write_bytes(path, file.bytes, file.length * 2 / 3);
    free(file.bytes);
    cr_expect_not(seekable_reader_open(path, MAJOR, 0, &reader, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_assert(seekable_reader_open_damaged(path, MAJOR, 0, &reader, &error), "%s", error.message);
    cr_assert(seekable_reader_salvage(reader, got, &parts, &part_count, &whole, &error));
    cr_expect_eq(whole, 3u);
    cr_assert_eq(part_count, 1u);
    cr_expect_eq(parts[0].length, 3 * FRAME);
    free(parts);
}

// ---- files that are refused ----

Test(seekable_reader, newer_formats_and_streams_beyond_the_limit_are_refused)
{
    cr_expect_not(seekable_reader_open(path, MAJOR - 1, 0, &reader, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED, "%s", error.message);
    cr_expect_null(reader);
    cr_expect_not(seekable_reader_open(path, MAJOR, LENGTH - 1, &reader, &error));
    cr_expect_eq(error.code, ERROR_MEMORY, "%s", error.message);
    cr_expect_null(reader);
}
