// Layout files: what they say, and each way in which they can be wrong.

#include "snapshot/heap/layout_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/sections/sections.h"
#include "tests/support/xorshift.h"

#define MAX_TEXT 4096u

static HeapLayout layout;
static Error error;

// The smallest layout that says all that is needed.
static const char smallest[] =
    "{ \"schema\": \"rudo-snap/layout/1\", \"name\": \"small\", \"page_size\": 4096,"
    " \"page_header_bytes\": 64, \"magic\": { \"offset\": 0, \"width\": 4 }, \"magic_value\": 1,"
    " \"block_size\": { \"offset\": 4, \"width\": 4 },"
    " \"object_count\": { \"offset\": 8, \"width\": 2 },"
    " \"header_size\": { \"offset\": 10, \"width\": 2 }, \"allocated_bitmap\": 16,"
    " \"bitmap_words\": 2, \"min_block_size\": 32, \"max_block_size\": 1024 }";

static bool parse(const char *text)
{
    memset(&error, 0, sizeof error);
    return layout_file_parse("toy.json", text, strlen(text), &layout, &error);
}

// The smallest layout with one piece of its text exchanged.
static bool parse_changed(const char *from, const char *to)
{
    char text[MAX_TEXT];
    const char *at = strstr(smallest, from);

    cr_assert_not_null(at, "%s", from);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - smallest), smallest, to,
                   at + strlen(from));
    return parse(text);
}

static void expect_refused(const char *from, const char *to, const char *what)
{
    cr_expect_not(parse_changed(from, to), "accepted: %s", to);
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s: %s", to, error.message);
    cr_expect(strstr(error.message, what) != NULL && strstr(error.message, "toy.json") != NULL,
              "'%s' does not say: %s", error.message, what);
}

static void expect_same(const HeapLayout *a, const HeapLayout *b)
{
    ByteBuffer left = {0}, right = {0};

    section_encode_layout(&left, a, 0);
    section_encode_layout(&right, b, 0);
    cr_expect_eq(left.length, right.length);
    cr_expect_eq(memcmp(left.bytes, right.bytes, left.length), 0);
    byte_buffer_release(&left);
    byte_buffer_release(&right);
}

Test(layout_file, the_built_in_layout_said_as_a_file_is_the_built_in_layout)
{
    cr_assert(layout_file_read("samples/rudo-gc-0.8.json", &layout, &error), "%s", error.message);
    expect_same(&layout, heap_layout_rudo_gc_0_8());
}

Test(layout_file, what_is_not_said_does_not_exist)
{
    cr_assert(parse(smallest), "%s", error.message);
    cr_expect_str_eq(layout.name, "small");
    cr_expect_eq(layout.object_header_bytes, 0u);
    cr_expect_eq(layout.type_word.width, 0u);
    cr_expect_eq(layout.flag_large, 0u);
    cr_expect_eq(layout.dirty_bitmap, 16u);
    cr_expect_eq(layout.mark_bitmap, 16u);
}

Test(layout_file, numbers_may_be_strings)
{
    cr_expect(parse_changed("\"magic_value\": 1", "\"magic_value\": \"0xffffffffffffffff\""));
    cr_expect_eq(layout.magic_value, UINT64_MAX);
    cr_expect(parse_changed("\"magic_value\": 1", "\"magic_value\": \"18446744073709551615\""));
    cr_expect_eq(layout.magic_value, UINT64_MAX);
    cr_expect(parse_changed("\"page_size\": 4096", "\"page_size\": \"0x1000\""));
    cr_expect_eq(layout.page_size, 4096u);
}

Test(layout_file, each_needed_member_is_missed)
{
    static const char *const needed[] = {
        "page_size",    "page_header_bytes", "magic_value",    "magic",
        "block_size",   "object_count",      "header_size",    "allocated_bitmap",
        "bitmap_words", "min_block_size",    "max_block_size",
    };

    // Another name for it, and it is missing; the other name would be a stranger but for "comment".
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        char quoted[64];
        (void)snprintf(quoted, sizeof quoted, "\"%s\":", needed[i]);
        cr_expect_not(parse_changed(quoted, "\"comment\":"), "%s", needed[i]);
        cr_expect_not_null(strstr(error.message, needed[i]), "%s", error.message);
        cr_expect_not_null(strstr(error.message, "is missing"), "%s", error.message);
    }
    expect_refused("\"name\":", "\"comment\":", "'name'");
    expect_refused("\"schema\":", "\"comment\":", "'schema'");
}

Test(layout_file, unknown_members_are_refused)
{
    expect_refused("\"name\"", "\"pagesize\": 1, \"name\"", "'pagesize' is not a member");
    expect_refused("\"name\"", "\"page_size\": 1, \"name\"",
                   "'page_size' is not a member of a layout, or");
    expect_refused("{ \"offset\": 4, ", "{ \"offset\": 4, \"bits\": 1, ", "'block_size'");
    expect_refused("layout/1", "layout/2", "'schema'");
}

Test(layout_file, values_that_cannot_be_are_refused)
{
    expect_refused("\"page_size\": 4096", "\"page_size\": 4095", "page size");
    expect_refused("\"page_size\": 4096", "\"page_size\": -4096", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": 4096.5", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": 4294967296", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": \"\"", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": \"0x\"", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": \"0x0x1000\"", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": \"4k\"", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": \" 4096\"", "'page_size'");
    expect_refused("\"page_size\": 4096", "\"page_size\": [4096]", "'page_size'");
    expect_refused("\"magic_value\": 1", "\"magic_value\": 1e30", "'magic_value'");
    expect_refused("\"magic_value\": 1", "\"magic_value\": \"18446744073709551616\"",
                   "'magic_value'");
    expect_refused("\"width\": 4", "\"width\": 3", "'magic'");
    expect_refused("\"offset\": 4", "\"offset\": 65536", "'block_size'");
    expect_refused("{ \"offset\": 4, \"width\": 4 }", "4", "'block_size'");
    expect_refused("\"offset\": 4", "\"offset\": 62", "outside the page header");
    expect_refused("\"bitmap_words\": 2", "\"bitmap_words\": 1", "bitmaps are too short");
    expect_refused("\"max_block_size\": 1024", "\"max_block_size\": 3000", "size classes");
    expect_refused("\"small\"", "\"\"", "'name'");
    expect_refused("\"small\"", "\"a name that is longer than 31 bytes\"", "'name'");
    expect_refused("\"small\"", "\"a\\u0001b\"", "'name'");
}

Test(layout_file, what_is_no_json_object_is_refused)
{
    cr_expect_not(parse(""));
    cr_expect_not(parse("[]"));
    cr_expect_not(parse("{ \"schema\": "));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_not_null(strstr(error.message, "'toy.json'"));
}

Test(layout_file, files_that_cannot_be_read_are_system_errors)
{
    cr_expect_not(layout_file_read("samples/nowhere.json", &layout, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_not(layout_file_read("samples", &layout, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
}

Test(layout_file, damaged_layouts_are_read_or_refused)
{
    Xorshift random = xorshift_seeded(1);

    for (unsigned round = 0; round < 3000; round++) {
        char text[sizeof smallest];

        memcpy(text, smallest, sizeof text);
        for (uint64_t flips = xorshift_between(&random, 1, 4); flips > 0; flips--)
            text[xorshift_below(&random, sizeof text - 1)] =
                (char)xorshift_between(&random, 32, 126);
        if (parse(text))
            cr_expect(heap_layout_check(&layout, &error));
        else
            cr_expect_eq(error.code, ERROR_CORRUPT);
    }
}
