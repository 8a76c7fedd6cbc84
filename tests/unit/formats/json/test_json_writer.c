// JSON that is valid, stable, and survives failing sinks.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json/info_json.h"
#include "formats/json/json_writer.h"

typedef struct Memory {
    char text[65536];
    size_t used;
    size_t limit; // the sink fails beyond it
} Memory;

static bool memory_write(void *context, const char *bytes, size_t count, Error *error)
{
    Memory *memory = context;

    if (memory->used + count > memory->limit)
        return error_set(error, ERROR_SYSTEM, "no room");
    memcpy(memory->text + memory->used, bytes, count);
    memory->used += count;
    memory->text[memory->used] = '\0';
    return true;
}

static JsonSink memory_sink(Memory *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->limit = sizeof memory->text - 1;
    return (JsonSink){.write = memory_write, .context = memory};
}

static void write_sample(JsonWriter *writer)
{
    json_begin_object(writer);
    json_unsigned_member(writer, "largest", UINT64_MAX);
    json_key(writer, "list");
    json_begin_array(writer);
    json_boolean(writer, true);
    json_null(writer);
    json_begin_object(writer);
    json_end_object(writer);
    json_end_array(writer);
    json_address_member(writer, "address", 0x7f00deadbeefu);
    json_string_member(writer, "nothing", NULL);
    json_end_object(writer);
}

Test(json_writer, a_pretty_document_is_indented_and_ends_with_a_line_feed)
{
    static Memory memory;
    JsonWriter writer;
    Error error;

    json_writer_init(&writer, memory_sink(&memory), JSON_PRETTY);
    write_sample(&writer);
    cr_assert(json_writer_finish(&writer, &error));
    cr_expect_str_eq(memory.text, "{\n"
                                  "  \"largest\": 18446744073709551615,\n"
                                  "  \"list\": [\n"
                                  "    true,\n"
                                  "    null,\n"
                                  "    {}\n"
                                  "  ],\n"
                                  "  \"address\": \"0x7f00deadbeef\",\n"
                                  "  \"nothing\": null\n"
                                  "}\n");
}

Test(json_writer, compact_documents_are_one_line_each)
{
    static Memory memory;
    JsonWriter writer;
    Error error;

    json_writer_init(&writer, memory_sink(&memory), JSON_COMPACT);
    for (int i = 0; i < 2; i++) {
        json_begin_object(&writer);
        json_unsigned_member(&writer, "i", (uint64_t)i);
        json_end_object(&writer);
    }
    cr_assert(json_writer_finish(&writer, &error));
    cr_expect_str_eq(memory.text, "{\"i\":0}\n{\"i\":1}\n");
}

typedef struct EscapeCase {
    const char *text;
    const char *written;
} EscapeCase;

Test(json_writer, strings_are_escaped_and_made_utf_8)
{
    static const EscapeCase cases[] = {
        {"plain", "plain"},
        {"a \"quote\" and \\", "a \\\"quote\\\" and \\\\"},
        {"tab\tline\nreturn\r", "tab\\tline\\nreturn\\r"},
        {"\x01\x1f\x7f", "\\u0001\\u001f\\u007f"},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
        // Not UTF-8: a lone continuation, a cut sequence, overlong, a surrogate, above U+10FFFF.
        {"\x80", "\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
    };
    static Memory memory;
    char expected[128];
    JsonWriter writer;
    Error error;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_writer_init(&writer, memory_sink(&memory), JSON_COMPACT);
        json_begin_array(&writer);
        json_string(&writer, cases[i].text);
        json_end_array(&writer);
        cr_assert(json_writer_finish(&writer, &error));
        (void)snprintf(expected, sizeof expected, "[\"%s\"]\n", cases[i].written);
        cr_expect_str_eq(memory.text, expected, "case %zu", i);
    }
}

Test(json_writer, documents_longer_than_the_buffer_arrive_whole)
{
    static Memory memory;
    JsonWriter writer;
    Error error;
    const char *next = memory.text;

    json_writer_init(&writer, memory_sink(&memory), JSON_COMPACT);
    json_begin_array(&writer);
    for (uint64_t i = 10000; i < 20000; i++)
        json_unsigned(&writer, i);
    json_end_array(&writer);
    cr_assert(json_writer_finish(&writer, &error));
    for (uint64_t i = 10000; i < 20000; i++) {
        cr_assert_eq(strtoull(next + 1, NULL, 10), i);
        next += 6;
    }
    cr_expect_str_eq(next, "]\n");
}

Test(json_writer, the_first_failure_of_the_sink_is_reported_at_the_end)
{
    static Memory memory;
    JsonSink sink = memory_sink(&memory);
    JsonWriter writer;
    Error error;

    memory.limit = 20000;
    json_writer_init(&writer, sink, JSON_COMPACT);
    json_begin_array(&writer);
    for (uint64_t i = 0; i < 100000; i++)
        json_unsigned(&writer, 7);
    json_end_array(&writer);
    cr_assert_not(json_writer_finish(&writer, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_str_eq(error.message, "no room");
    cr_expect_leq(memory.used, 20000);
}

Test(json_writer, long_strings_are_cut_between_characters_and_say_so)
{
    static Memory memory;
    JsonWriter writer;
    Error error;

    json_writer_init(&writer, memory_sink(&memory), JSON_COMPACT);
    writer.longest_string = 4;
    json_begin_array(&writer);
    json_string(&writer, "abcd");
    json_string(&writer, "abc\xc3\xa4");
    json_string(&writer, "abcdefgh");
    json_end_array(&writer);
    cr_assert(json_writer_finish(&writer, &error));
    cr_expect_str_eq(memory.text,
                     "[\"abcd\",\"abc\xe2\x80\xa6 (5 bytes)\",\"abcd\xe2\x80\xa6 (8 bytes)\"]\n");
    cr_expect_eq(writer.strings_cut, 2);
}

Test(info_json, times_are_utc_and_whatever_a_file_says_is_a_time)
{
    char text[UTC_TIME_CHARS];

    format_utc_time(0, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
    format_utc_time(1795356191987654321, text);
    cr_expect_str_eq(text, "2026-11-22T14:03:11Z");
    format_utc_time(-1, text);
    cr_expect_str_eq(text, "1969-12-31T23:59:59Z");
    format_utc_time(INT64_MIN, text);
    cr_expect_str_eq(text, "1677-09-21T00:12:43Z");
    format_utc_time(INT64_MAX, text);
    cr_expect_str_eq(text, "2262-04-11T23:47:16Z");
}
