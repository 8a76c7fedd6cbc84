// The metadata as JSON: members come back, unknown ones are skipped, absent ones keep their value,
// and one that cannot be is named.

#include "snapshot/file/sections/sections.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool decode(const char *text, SnapshotMetadata *metadata, Error *error)
{
    ByteCursor cursor = {.bytes = (const uint8_t *)text, .length = strlen(text)};

    return section_decode_metadata(&cursor, metadata, error);
}

Test(section_metadata, members_come_back_as_they_were)
{
    SnapshotMetadata metadata = {
        .tool_version = "0.1.0",
        .pid = 7,
        .executable = "shop",
        .captured_at_ns = -5,
        .pause_ns = UINT64_MAX,
        .foreign_mode = FOREIGN_ROOTS,
        .is_complete = true,
        .missing = "one\ntwo",
        .certificate = {.stop_count = 1,
                        .stops = {{.phase = "copy", .thread_count = 3, .page_count = 9}},
                        .round_count = 1,
                        .rounds = {{4, 5}},
                        .collection = COLLECTION_RUNNING},
    };
    SnapshotMetadata read = {0};
    ByteBuffer buffer = {0}, again = {0};
    ByteCursor cursor;
    Error error;

    section_encode_metadata(&buffer, &metadata);
    cr_assert_not(buffer.is_short);
    cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length};
    cr_assert(section_decode_metadata(&cursor, &read, &error), "%s", error.message);
    cr_expect_eq(read.pid, 7u);
    cr_expect_eq(read.captured_at_ns, -5);
    cr_expect_eq(read.pause_ns, UINT64_MAX);
    cr_expect_eq(read.certificate.stops[0].page_count, 9u);
    section_encode_metadata(&again, &read);
    cr_assert_eq(buffer.length, again.length);
    cr_expect_eq(memcmp(buffer.bytes, again.bytes, again.length), 0);
    byte_buffer_release(&again);
    byte_buffer_release(&buffer);
}

Test(section_metadata, texts_are_cleaned_before_they_are_written)
{
    SnapshotMetadata metadata = {.executable = "a\nb\033", .missing = "a\nb\033"}, read;
    ByteBuffer buffer = {0};
    ByteCursor cursor;
    Error error;

    section_encode_metadata(&buffer, &metadata);
    cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length};
    memset(&read, 0, sizeof read);
    cr_assert(section_decode_metadata(&cursor, &read, &error), "%s", error.message);
    cr_expect_str_eq(read.executable, "a?b?");
    cr_expect_str_eq(read.missing, "a\nb?", "it may have several lines");
    byte_buffer_release(&buffer);
}

Test(section_metadata, unknown_members_are_skipped_and_absent_ones_keep_their_value)
{
    SnapshotMetadata metadata = {.pid = 5, .is_complete = true};
    Error error;

    cr_assert(decode("{\"from_the_future\": [1, {}], \"pause_ns\": \"12\"}", &metadata, &error));
    cr_expect_eq(metadata.pid, 5u);
    cr_expect_eq(metadata.pause_ns, 12u);
    cr_expect(metadata.is_complete);
}

Test(section_metadata, members_that_cannot_be_are_named)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"pid", "\"seven\""},
        {"pid", "-1"},
        {"pause_ns", "\"1x\""},
        {"captured_at_ns", "{}"},
        {"executable", "5"},
        {"executable", "\"a\\nb\""},
        {"method", "\"a method that is longer\""},
        {"is_complete", "1"},
        {"foreign_mode", "\"all\""},
        {"stops", "{}"},
        {"stops", "[{\"phase\": 1}]"},
        {"stops", "[{},{},{},{},{},{},{},{},{}]"},
        {"rounds", "[{\"pages\": -1}]"},
        {"collection", "\"perhaps\""},
        {"compared_pages", "[]"},
        {"method_note", "\"a\\nb\""},
        {"moment", "\"perhaps\""},
        {"sharing_processes", "\"many\""},
        {"sharing_stopped", "-1"},
        {"sharing_note", "\"a\\nb\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SnapshotMetadata metadata = {.pid = 1};
        char text[200], quoted[40];
        Error error = {0};
        (void)snprintf(text, sizeof text, "{\"%s\": %s}", cases[i].key, cases[i].value);
        (void)snprintf(quoted, sizeof quoted, "'%s'", cases[i].key);
        cr_expect_not(decode(text, &metadata, &error), "%s", text);
        cr_expect_eq(error.code, ERROR_CORRUPT, "%s", text);
        cr_expect(strstr(error.message, quoted) != NULL, "%s: %s", text, error.message);
    }
}

Test(section_metadata, other_text_is_damage)
{
    static const char *const texts[] = {"", "[]", "{", "{} {}", "null"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SnapshotMetadata metadata = {.pid = 1};
        Error error = {0};
        cr_expect_not(decode(texts[i], &metadata, &error), "'%s'", texts[i]);
        cr_expect_eq(error.code, ERROR_CORRUPT, "'%s'", texts[i]);
    }
}
