// Zstandard frames from outside: headers as RFC 8878 has them, where frames end, and what is said
// of files that end or go wrong.

#include "snapshot/file/frames/seekable_frame.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- headers ----

typedef struct HeaderCase {
    const char *what;
    uint8_t bytes[FRAME_HEADER_MAX_BYTES];
    uint8_t length;
    bool is_header;
    FrameHeader header;
} HeaderCase;

#define MAGIC 0x28, 0xb5, 0x2f, 0xfd

static const HeaderCase header_cases[] = {
    {"a window and no content size", {MAGIC, 0x00, 0x58}, 6, true, {6, 0, false, false, false}},
    {"one segment, a byte of size", {MAGIC, 0x20, 7}, 6, true, {6, 7, true, false, false}},
    {"two bytes of size count from 256",
     {MAGIC, 0x60, 0x01, 0x00},
     7,
     true,
     {7, 257, true, false, false}},
    {"four bytes of size and a checksum",
     {MAGIC, 0xa4, 0, 0, 0x10, 0},
     9,
     true,
     {9, 1u << 20, true, true, false}},
    {"eight bytes of size",
     {MAGIC, 0xe4, 0, 0, 0, 0, 1, 0, 0, 0},
     13,
     true,
     {13, UINT64_C(1) << 32, true, true, false}},
    {"a dictionary of two bytes", {MAGIC, 0x22, 9, 9, 5}, 8, true, {8, 5, true, false, true}},
    {"a reserved bit", {MAGIC, 0x28, 7}, 6, false, {0}},
    {"another magic", {0x29, 0xb5, 0x2f, 0xfd, 0x20, 7}, 6, false, {0}},
};

Test(seekable_frame, headers_are_read_as_the_rfc_has_them)
{
    for (size_t i = 0; i < sizeof header_cases / sizeof header_cases[0]; i++) {
        const HeaderCase *test = &header_cases[i];
        FrameHeader header;

        cr_assert_eq(frame_header_read(test->bytes, test->length, &header), test->is_header, "%s",
                     test->what);
        if (!test->is_header)
            continue;
        cr_expect_eq(header.header_bytes, test->header.header_bytes, "%s", test->what);
        cr_expect_eq(header.content_bytes, test->header.content_bytes, "%s", test->what);
        cr_expect_eq(header.has_content_bytes, test->header.has_content_bytes, "%s", test->what);
        cr_expect_eq(header.has_checksum, test->header.has_checksum, "%s", test->what);
        cr_expect_eq(header.has_dictionary, test->header.has_dictionary, "%s", test->what);
        // A header that is cut off is none.
        for (size_t length = 0; length < test->header.header_bytes; length++)
            cr_expect_not(frame_header_read(test->bytes, length, &header), "%s", test->what);
    }
}

// ---- frames in files ----

// A file of these bytes, without a name.
static int file_of(const uint8_t *bytes, size_t length)
{
    int descriptor = memfd_create("frames", MFD_CLOEXEC);

    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, bytes, length), (ssize_t)length);
    return descriptor;
}

#define SKIPPABLE 0x50, 0x2a, 0x4d, 0x18
#define SEEK_TABLE 0x5e, 0x2a, 0x4d, 0x18

// A skippable frame of 3 bytes; at 11 a frame: a raw block of 2 bytes, an RLE block for 5, which is
// the last one, a checksum; at 31 the seek table, empty.
static const uint8_t frames[] = {
    SKIPPABLE,  3,    0, 0,      0, 'a', 'b', 'c',                                             //
    MAGIC,      0x24, 7, 2 << 3, 0, 0,   'x', 'y', 5 << 3 | 1 << 1 | 1, 0, 0, 'z', 1, 2, 3, 4, //
    SEEK_TABLE, 0,    0, 0,      0,
};

Test(seekable_frame, frames_are_found_one_behind_the_other)
{
    int descriptor = file_of(frames, sizeof frames);
    FrameExtent extent;

    cr_assert(seekable_find_frame(descriptor, sizeof frames, 0, &extent));
    cr_expect_eq(extent.end, 11u);
    cr_expect_eq(extent.content_bytes, 0u, "it is skippable");
    cr_expect_not(extent.is_table);
    cr_assert(seekable_find_frame(descriptor, sizeof frames, 11, &extent));
    cr_expect_eq(extent.end, 30u);
    cr_expect_eq(extent.content_bytes, 7u);
    cr_assert(seekable_find_frame(descriptor, sizeof frames, 30, &extent));
    cr_expect_eq(extent.end, sizeof frames);
    cr_expect(extent.is_table);
    cr_expect_not(seekable_find_frame(descriptor, sizeof frames, sizeof frames, &extent));
    (void)close(descriptor);
}

Test(seekable_frame, frames_that_are_cut_off_or_not_as_our_writer_makes_them_are_not_found)
{
    static const struct {
        uint32_t at;
        uint8_t value;
        const char *what;
    } changes[] = {
        {15, 0x20, "no checksum"}, {15, 0x25, "a dictionary"},
        {16, 0, "no content"},     {17, 2 << 3 | 3 << 1, "a block of the reserved type"},
        {11, 0, "another magic"},
    };
    FrameExtent extent;

    for (size_t length = 0; length < 30; length++) {
        int descriptor = file_of(frames, length);
        cr_expect_not(seekable_find_frame(descriptor, length, 11, &extent), "%zu bytes", length);
        (void)close(descriptor);
    }
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t changed[sizeof frames];
        int descriptor;
        memcpy(changed, frames, sizeof frames);
        changed[changes[i].at] = changes[i].value;
        descriptor = file_of(changed, sizeof changed);
        cr_expect_not(seekable_find_frame(descriptor, sizeof changed, 11, &extent), "%s",
                      changes[i].what);
        (void)close(descriptor);
    }
}

// ---- explaining ----

static void expect_explanation(const uint8_t *bytes, size_t length, const char *message,
                               bool has_hint)
{
    int descriptor = file_of(bytes, length);
    Error error;

    cr_expect_not(seekable_explain_damage(descriptor, "heap.zst", length, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_str_eq(error.message, message);
    cr_expect_eq(error.hint[0] != '\0', has_hint, "%s", error.hint);
    (void)close(descriptor);
}

Test(seekable_frame, damage_is_explained_by_the_first_frame_that_is_wrong)
{
    uint8_t changed[sizeof frames + 3] = {0};

    memcpy(changed, frames, sizeof frames);
    expect_explanation(frames, 5,
                       "'heap.zst' is damaged: frame 0 ends at least 3 bytes early "
                       "(offset 0 of 5)",
                       false);
    expect_explanation(frames, 29,
                       "'heap.zst' is damaged: frame 1 ends at least 1 byte early "
                       "(offset 11 of 29)",
                       false);
    expect_explanation(frames, 30,
                       "'heap.zst' is damaged: the seek table is missing "
                       "(offset 30 of 30)",
                       true);
    expect_explanation(frames, 36,
                       "'heap.zst' is damaged: frame 2 ends at least 2 bytes early "
                       "(offset 30 of 36)",
                       true);
    expect_explanation(changed, sizeof changed,
                       "'heap.zst' is damaged: 3 bytes follow the seek "
                       "table (offset 30 of 41)",
                       true);
    changed[11] = 0;
    expect_explanation(changed, sizeof frames,
                       "'heap.zst' is damaged: frame 1 is not a frame (offset 11 of 38)", false);
}
