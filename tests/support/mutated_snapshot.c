// Snapshots that are wrong in their structure: see tests/support/mutated_snapshot.h.

#include "tests/support/mutated_snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"

#define MOST_SECTIONS 64u
#define MOST_BODY (UINT64_C(4) << 20)

typedef struct Part {
    uint32_t type;
    uint32_t flags;
    uint64_t claimed; // length; UINT64_MAX: that of the body
    uint8_t *body;
    uint64_t length;
} Part;

typedef struct Parts {
    uint8_t header[STREAM_HEADER_BYTES];
    Part items[MOST_SECTIONS];
    uint32_t count;
    // Where pages lie, for references.
    uint64_t first_page;
    uint64_t page_bytes;
} Parts;

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static uint8_t *copy_of(const uint8_t *bytes, uint64_t length)
{
    uint8_t *copy = must(malloc(length + 1));

    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

static void take_apart(const Bytes *base, Parts *parts)
{
    uint64_t at = STREAM_HEADER_BYTES;

    *parts = (Parts){.count = 0};
    memcpy(parts->header, base->bytes, sizeof parts->header);
    while (at + SECTION_HEADER_BYTES <= base->length && parts->count < MOST_SECTIONS) {
        uint64_t length = bytes_get_u64(base->bytes + at + 8);
        Part *part = &parts->items[parts->count++];

        *part = (Part){.type = bytes_get_u32(base->bytes + at),
                       .flags = bytes_get_u32(base->bytes + at + 4),
                       .claimed = UINT64_MAX,
                       .body = copy_of(base->bytes + at + SECTION_HEADER_BYTES, length),
                       .length = length};
        if (part->type == SECTION_RUNS && length >= 24) {
            parts->first_page = bytes_get_u64(part->body + 8);
            parts->page_bytes = bytes_get_u64(part->body + 16) * 4096;
        }
        at += SECTION_HEADER_BYTES + (length + 7) / 8 * 8;
    }
}

static Bytes put_together(const Parts *parts)
{
    ByteBuffer stream = {0};

    byte_buffer_add(&stream, parts->header, sizeof parts->header);
    for (uint32_t i = 0; i < parts->count; i++) {
        const Part *part = &parts->items[i];

        byte_buffer_add_u32(&stream, part->type);
        byte_buffer_add_u32(&stream, part->flags);
        byte_buffer_add_u64(&stream, part->claimed != UINT64_MAX ? part->claimed : part->length);
        byte_buffer_add(&stream, part->body, part->length);
        byte_buffer_add_zeros(&stream, (8 - part->length % 8) % 8);
    }
    if (stream.is_short)
        abort();
    return (Bytes){stream.bytes, stream.length};
}

// ---- values ----

static uint64_t some_value(const Parts *parts, Xorshift *random, uint64_t before)
{
    static const uint64_t special[] = {0,
                                       1,
                                       2,
                                       7,
                                       8,
                                       0x7f,
                                       0xff,
                                       0xffff,
                                       0x7fffffff,
                                       0xffffffff,
                                       0x100000000,
                                       UINT64_MAX,
                                       UINT64_MAX / 2,
                                       UINT64_C(1) << 56,
                                       UINT64_C(1) << 60,
                                       4096};

    switch (xorshift_below(random, 7)) {
    case 0:
        return special[xorshift_below(random, sizeof special / sizeof special[0])];
    case 1:
        return before + xorshift_below(random, 17) - 8;
    case 2:
        return before ^ UINT64_C(1) << xorshift_below(random, 64);
    case 3:
        return xorshift_below(random, 64);
    case 4: // a reference, perhaps into an object
        return parts->first_page +
               (parts->page_bytes > 0 ? xorshift_below(random, parts->page_bytes / 8) * 8 : 0);
    case 5:
        return before * 2;
    default:
        return xorshift_next(random);
    }
}

static void change_number(const Parts *parts, Part *part, Xorshift *random)
{
    static const uint64_t widths[] = {1, 2, 4, 4, 8, 8};
    uint64_t width = widths[xorshift_below(random, 6)], at, value = 0;

    if (part->length < width)
        return;
    at = xorshift_below(random, part->length - width + 1);
    if (xorshift_below(random, 4) > 0)
        at = at / width * width;
    memcpy(&value, part->body + at, width);
    value = some_value(parts, random, value);
    memcpy(part->body + at, &value, width);
}

// The number of entries at the beginning of a table.
static void change_count(const Parts *parts, Part *part, Xorshift *random)
{
    if (part->length >= 8)
        bytes_put_u64(part->body, some_value(parts, random, bytes_get_u64(part->body)));
}

// ---- stretches ----

// Replaces part->body[at, at + length) by `with`.
static void splice(Part *part, uint64_t at, uint64_t length, const uint8_t *with,
                   uint64_t with_length)
{
    uint64_t whole = part->length - length + with_length;
    uint8_t *body;

    if (whole > MOST_BODY && whole > part->length)
        return;
    body = must(malloc(whole + 1));
    memcpy(body, part->body, at);
    memcpy(body + at, with, with_length);
    memcpy(body + at + with_length, part->body + at + length, part->length - at - length);
    free(part->body);
    part->body = body;
    part->length = whole;
}

// Repeats, moves or drops a stretch of a body; the number of entries follows it now and then.
static void change_stretch(Part *part, Xorshift *random)
{
    uint64_t at, length, to;
    uint8_t *copy;

    if (part->length == 0)
        return;
    at = xorshift_below(random, part->length);
    length = 1 + xorshift_below(random, part->length - at < 128 ? part->length - at : 128);
    to = xorshift_below(random, part->length);
    copy = copy_of(part->body + at, length);
    switch (xorshift_below(random, 4)) {
    case 0:
        splice(part, to, 0, copy, length);
        break;
    case 1:
        splice(part, at, length, copy, 0);
        break;
    case 2:
        if (length <= part->length - to)
            memcpy(part->body + to, copy, length);
        break;
    default: // many times
        for (uint64_t i = xorshift_below(random, 200); i > 0; i--)
            splice(part, to, 0, copy, length);
        break;
    }
    if (xorshift_below(random, 3) == 0 && part->length >= 8)
        bytes_put_u64(part->body, bytes_get_u64(part->body) + xorshift_below(random, 5) - 2);
    free(copy);
}

// Swaps two entries of a table whose entries are of one size.
static void swap_entries(Part *part, Xorshift *random)
{
    static const uint64_t sizes[] = {16, 24, 24, 32, 40, 96};
    uint64_t size = sizes[xorshift_below(random, 6)], count, a, b;
    uint8_t held[96];

    if (part->length < 8 + 2 * size)
        return;
    count = (part->length - 8) / size;
    a = 8 + size * xorshift_below(random, count);
    b = 8 + size * xorshift_below(random, count);
    memcpy(held, part->body + a, size);
    memmove(part->body + a, part->body + b, size);
    memcpy(part->body + b, held, size);
}

// A number in a page header, or the header of an object, or a word of one.
static void change_page(const Parts *parts, Part *part, Xorshift *random)
{
    uint64_t runs, first, page, at, value = 0;

    if (part->type != SECTION_PAGES || part->length < 8)
        return;
    runs = bytes_get_u64(part->body);
    first = runs < (part->length - 8) / RUN_BYTES ? 8 + runs * RUN_BYTES : 8;
    if (part->length < first + 4096)
        return;
    page = first + xorshift_below(random, (part->length - first) / 4096) * 4096;
    at = page + (xorshift_below(random, 3) == 0 ? xorshift_below(random, 64)
                                                : xorshift_below(random, 511) * 8);
    memcpy(&value, part->body + at, 8);
    value = some_value(parts, random, value);
    memcpy(part->body + at, &value, xorshift_below(random, 2) == 0 ? 8 : 1);
}

// ---- sections ----

static void change_sections(Parts *parts, Xorshift *random)
{
    uint32_t a = (uint32_t)xorshift_below(random, parts->count);
    uint32_t b = (uint32_t)xorshift_below(random, parts->count);
    Part held = parts->items[a];

    switch (xorshift_below(random, 6)) {
    case 0: // another length than it has
        parts->items[a].claimed = some_value(parts, random, held.length);
        break;
    case 1:
        parts->items[a] = parts->items[b];
        parts->items[b] = held;
        break;
    case 2:
        if (parts->count > 1) {
            free(held.body);
            memmove(&parts->items[a], &parts->items[a + 1], (parts->count - a - 1) * sizeof held);
            parts->count--;
        }
        break;
    case 3:
        if (parts->count < MOST_SECTIONS) {
            memmove(&parts->items[b + 1], &parts->items[b], (parts->count - b) * sizeof held);
            parts->items[b] = held;
            parts->items[b].body = copy_of(held.body, held.length);
            parts->count++;
        }
        break;
    case 4: // one kind of table with the bytes of another
        parts->items[a].type = parts->items[b].type;
        break;
    default:
        parts->items[a].length = xorshift_below(random, held.length + 1);
        break;
    }
}

static void change(Parts *parts, Xorshift *random)
{
    uint64_t what = xorshift_below(random, 16);
    Part *part;

    if (parts->count == 0)
        return;
    part = &parts->items[xorshift_below(random, parts->count)];
    // Pages are one section of many.
    for (uint32_t i = 0; what >= 12 && what < 15 && i < parts->count; i++)
        if (parts->items[i].type == SECTION_PAGES)
            part = &parts->items[i];
    if (what < 6)
        change_number(parts, part, random);
    else if (what < 7)
        change_count(parts, part, random);
    else if (what < 10)
        change_stretch(part, random);
    else if (what < 12)
        swap_entries(part, random);
    else if (what < 15)
        change_page(parts, part, random);
    else
        change_sections(parts, random);
}

Bytes mutated_stream(const Bytes *base, Xorshift *random)
{
    uint64_t changes = 1 + xorshift_below(random, 6);
    Parts *parts = must(malloc(sizeof *parts));
    Bytes stream;

    take_apart(base, parts);
    while (changes-- > 0)
        change(parts, random);
    stream = put_together(parts);
    for (uint32_t i = 0; i < parts->count; i++)
        free(parts->items[i].body);
    free(parts);
    return stream;
}

void damage_file_bytes(Bytes *file, Xorshift *random)
{
    uint64_t changes = 1 + xorshift_below(random, 4);

    while (changes-- > 0 && file->length > 0) {
        uint64_t at = xorshift_below(random, file->length), length = 1;

        switch (xorshift_below(random, 3)) {
        case 0:
            file->bytes[at] ^= (uint8_t)(1u << xorshift_below(random, 8));
            break;
        case 1:
            file->length = at;
            break;
        default:
            length = xorshift_below(random, file->length - at < 4096 ? file->length - at : 4096);
            memset(file->bytes + at, (int)xorshift_below(random, 256), length);
            break;
        }
    }
}
