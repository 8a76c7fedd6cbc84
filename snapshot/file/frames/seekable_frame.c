// Zstandard frames without their content: see snapshot/file/frames/seekable_frame.h.

#include "snapshot/file/frames/seekable_frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_buffer.h"
#include "base/shell_word.h"
#include "snapshot/file/frames/seekable_internal.h"

#define BLOCK_HEAD_BYTES 3u
#define BLOCK_TYPE_RLE 1u
#define BLOCK_TYPE_RESERVED 3u
#define FRAME_CHECKSUM_BYTES 4u

bool frame_header_read(const uint8_t *bytes, size_t length, FrameHeader *out)
{
    static const uint8_t dictionary_bytes[4] = {0, 1, 2, 4};
    static const uint8_t content_field_bytes[4] = {0, 2, 4, 8};
    uint8_t descriptor;
    uint32_t at = 5, content_field;
    bool is_single_segment;

    *out = (FrameHeader){0};
    if (length < at || bytes_get_u32(bytes) != FRAME_MAGIC)
        return false;
    descriptor = bytes[4];
    if ((descriptor & 0x08) != 0) // reserved
        return false;
    is_single_segment = (descriptor & 0x20) != 0;
    out->has_checksum = (descriptor & 0x04) != 0;
    out->has_dictionary = (descriptor & 0x03) != 0;
    content_field = content_field_bytes[descriptor >> 6];
    if (is_single_segment && content_field == 0)
        content_field = 1;
    at += (is_single_segment ? 0u : 1u) + dictionary_bytes[descriptor & 0x03];
    if (length < at + content_field)
        return false;
    out->has_content_bytes = content_field != 0;
    for (uint32_t i = content_field; i > 0; i--)
        out->content_bytes = out->content_bytes << 8 | bytes[at + i - 1];
    if (content_field == 2)
        out->content_bytes += 256;
    out->header_bytes = at + content_field;
    return true;
}

// ---- explaining damage ----

// A window on the file, since blocks are small and many.
typedef struct FileWindow {
    int descriptor;
    uint64_t file_bytes;
    uint64_t begin; // of the window in the file
    size_t length;
    uint8_t bytes[64 * 1024];
} FileWindow;

// The `wanted` bytes (a few) at `offset`; fewer at the end of the file.
static const uint8_t *look_at(FileWindow *window, uint64_t offset, size_t wanted, size_t *got)
{
    if (offset < window->begin || offset + wanted > window->begin + window->length) {
        ssize_t length;
        do
            length = pread(window->descriptor, window->bytes, sizeof window->bytes, (off_t)offset);
        while (length < 0 && errno == EINTR);
        window->begin = offset;
        window->length = length > 0 ? (size_t)length : 0;
    }
    *got = window->begin + window->length - offset;
    if (*got > wanted)
        *got = wanted;
    return window->bytes + (offset - window->begin);
}

// How the walk over one frame ended.
typedef enum FrameEnd {
    FRAME_WHOLE,   // *end is where the next one begins
    FRAME_CUT_OFF, // *end is the least offset at which it would end
    FRAME_DAMAGED, // *end is where
} FrameEnd;

static FrameEnd walk_blocks(FileWindow *window, uint64_t offset, bool has_checksum, uint64_t *end)
{
    for (;;) {
        size_t got;
        const uint8_t *bytes = look_at(window, offset, BLOCK_HEAD_BYTES, &got);
        *end = offset + BLOCK_HEAD_BYTES;
        if (got < BLOCK_HEAD_BYTES)
            return FRAME_CUT_OFF;
        uint32_t head = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
        uint32_t type = head >> 1 & 3;
        if (type == BLOCK_TYPE_RESERVED) {
            *end = offset;
            return FRAME_DAMAGED;
        }
        offset += BLOCK_HEAD_BYTES + (type == BLOCK_TYPE_RLE ? 1 : head >> 3);
        *end = offset;
        if (offset > window->file_bytes)
            return FRAME_CUT_OFF;
        if ((head & 1) != 0)
            break;
    }
    *end = offset + (has_checksum ? FRAME_CHECKSUM_BYTES : 0);
    return *end > window->file_bytes ? FRAME_CUT_OFF : FRAME_WHOLE;
}

static FrameEnd walk_frame(FileWindow *window, uint64_t offset, uint64_t *end, bool *is_table)
{
    FrameHeader header;
    size_t got;
    const uint8_t *bytes = look_at(window, offset, FRAME_HEADER_MAX_BYTES, &got);

    *is_table = false;
    *end = offset + SKIPPABLE_HEAD_BYTES;
    if (got < SKIPPABLE_HEAD_BYTES)
        return FRAME_CUT_OFF;
    uint32_t magic = bytes_get_u32(bytes);
    if ((magic & SKIPPABLE_MAGIC_MASK) == SKIPPABLE_MAGIC) {
        *is_table = magic == SEEK_TABLE_MAGIC;
        *end += bytes_get_u32(bytes + 4);
        return *end > window->file_bytes ? FRAME_CUT_OFF : FRAME_WHOLE;
    }
    if (!frame_header_read(bytes, got, &header)) {
        *end = magic == FRAME_MAGIC && got < FRAME_HEADER_MAX_BYTES ? offset + got : offset;
        return *end > offset ? FRAME_CUT_OFF : FRAME_DAMAGED;
    }
    return walk_blocks(window, offset + header.header_bytes, header.has_checksum, end);
}

// Describes the damage of a frame that ended like this; "": it is not damaged.
static void describe(FrameEnd how, bool is_table, unsigned frame, uint64_t end, uint64_t file_bytes,
                     char *what, size_t size)
{
    unsigned long long missing = end > file_bytes ? end - file_bytes : 1;
    const char *plural = missing == 1 ? "" : "s";

    what[0] = '\0';
    if (how == FRAME_DAMAGED)
        (void)snprintf(what, size, "frame %u is not a frame", frame);
    else if (how == FRAME_CUT_OFF && is_table)
        (void)snprintf(what, size, "the seek table ends %llu byte%s early", missing, plural);
    else if (how == FRAME_CUT_OFF)
        (void)snprintf(what, size, "frame %u ends at least %llu byte%s early", frame, missing,
                       plural);
    else if (is_table && end < file_bytes)
        (void)snprintf(what, size, "%llu bytes follow the seek table",
                       (unsigned long long)(file_bytes - end));
    else if (is_table)
        (void)snprintf(what, size, "the seek table is not valid");
}

bool seekable_find_frame(int descriptor, uint64_t file_bytes, uint64_t offset, FrameExtent *out)
{
    FileWindow window = {.descriptor = descriptor, .file_bytes = file_bytes};
    FrameHeader header;
    const uint8_t *bytes;
    size_t got;

    *out = (FrameExtent){0};
    if (offset >= file_bytes ||
        walk_frame(&window, offset, &out->end, &out->is_table) != FRAME_WHOLE)
        return false;
    bytes = look_at(&window, offset, FRAME_HEADER_MAX_BYTES, &got);
    if ((bytes_get_u32(bytes) & SKIPPABLE_MAGIC_MASK) == SKIPPABLE_MAGIC)
        return true;
    if (!frame_header_read(bytes, got, &header) || !header.has_checksum || header.has_dictionary ||
        header.content_bytes == 0)
        return false;
    out->content_bytes = header.content_bytes;
    return true;
}

// A hint to the command that keeps the whole frames.
static bool add_salvage_hint(Error *error, const char *path, unsigned whole)
{
    char quoted[SHELL_WORD_CHARS];

    if (whole == 0)
        return false;
    return error_add_hint(
        error,
        "`rudo-snap verify --salvage %s -o saved.zst` keeps the %u frame%s that %s "
        "whole",
        shell_word(path, "FILE", quoted), whole, whole == 1 ? "" : "s", whole == 1 ? "is" : "are");
}

bool seekable_explain_damage(int descriptor, const char *path, uint64_t file_bytes, Error *error)
{
    FileWindow window = {.descriptor = descriptor, .file_bytes = file_bytes};
    char what[100] = "the seek table is missing";
    uint64_t offset = 0;
    unsigned whole = 0;

    for (unsigned frame = 0; offset < file_bytes; frame++) {
        bool is_table;
        FrameExtent extent;
        uint64_t end;
        char found[sizeof what];
        FrameEnd how = walk_frame(&window, offset, &end, &is_table);
        describe(how, is_table, frame, end, file_bytes, found, sizeof found);
        if (found[0] != '\0') {
            memcpy(what, found, sizeof what);
            break;
        }
        if (seekable_find_frame(descriptor, file_bytes, offset, &extent))
            whole += extent.content_bytes > 0;
        offset = end;
    }
    (void)error_set(error, ERROR_CORRUPT, "'%s' is damaged: %s (offset %llu of %llu)", path, what,
                    (unsigned long long)offset, (unsigned long long)file_bytes);
    return add_salvage_hint(error, path, whole);
}
