// Appended bytes are read back as they were, at every level; and how well each level compresses.

#include "snapshot/file/frames/seekable_writer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/frames/seekable_reader.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

#define LENGTH ((size_t)5 << 20) // several frames

static TestFolder folder;
static char *path;
static uint8_t *content;
static Error error;

static void begin(void)
{
    Xorshift random = xorshift_seeded(1);

    folder = test_folder_new();
    path = test_folder_file(&folder, "stream.zst");
    content = malloc(LENGTH);
    cr_assert_not_null(content);
    // Nothing comes twice, but only few letters are there: the most that can be gained is a half.
    for (size_t i = 0; i < LENGTH; i++)
        content[i] = (uint8_t)('a' + xorshift_between(&random, 0, 15));
}

static void end(void)
{
    free(content);
    free(path);
    test_folder_free(&folder);
}

TestSuite(seekable_writer, .init = begin, .fini = end, .timeout = 60);

// Bytes of the file that it makes.
static uint64_t write_stream(int level, StreamContent what)
{
    SeekableWriterOptions options = {.format_major = SNAPSHOT_FORMAT_MAJOR,
                                     .format_minor = SNAPSHOT_FORMAT_MINOR,
                                     .level = level,
                                     .threads = 2};
    StreamPiece piece = {.bytes = content, .length = LENGTH};
    SeekableWriter *writer = NULL;
    OutputFile *file = NULL;
    uint64_t bytes;

    cr_assert(output_file_open(path, &(OutputOptions){.replaces = true}, &file, &error), "%s",
              error.message);
    cr_assert(seekable_writer_new(file, &options, &writer, &error), "%s", error.message);
    seekable_writer_expect(writer, what);
    cr_assert(seekable_writer_append(writer, &piece, 1, NULL, &error), "%s", error.message);
    cr_assert(seekable_writer_finish(writer, &error), "%s", error.message);
    bytes = seekable_writer_file_bytes(writer);
    cr_assert(output_file_commit(file, &error), "%s", error.message);
    seekable_writer_free(writer);
    output_file_free(file);
    return bytes;
}

static void expect_content(void)
{
    SeekableReader *reader = NULL;
    uint8_t *got = malloc(LENGTH);

    cr_assert_not_null(got);
    cr_assert(seekable_reader_open(path, SNAPSHOT_FORMAT_MAJOR, 0, &reader, &error), "%s",
              error.message);
    cr_expect_eq(seekable_reader_info(reader)->stream_bytes, LENGTH);
    cr_assert(seekable_reader_read(reader, 0, got, LENGTH, &error), "%s", error.message);
    cr_expect_eq(memcmp(got, content, LENGTH), 0);
    seekable_reader_free(reader);
    free(got);
}

Test(seekable_writer, level_1_codes_the_literals_of_text_but_not_of_words)
{
    uint64_t text = write_stream(1, STREAM_MIXED);

    expect_content();
    cr_expect_lt(text, LENGTH * 6 / 10);
    cr_expect_gt(write_stream(1, STREAM_WORDS), LENGTH * 9 / 10);
    expect_content();
    cr_expect_eq(write_stream(0, STREAM_MIXED), text, "0 is not 1");
}

Test(seekable_writer, other_levels_take_words_like_everything_else)
{
    for (int level = 2; level <= 4; level++) {
        uint64_t bytes = write_stream(level, STREAM_MIXED);

        cr_expect_eq(write_stream(level, STREAM_WORDS), bytes, "level %d", level);
        cr_expect_lt(bytes, LENGTH * 6 / 10);
        expect_content();
    }
}
