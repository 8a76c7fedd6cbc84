// JsonWriter: see formats/json/json_writer.h.

#include "formats/json/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void flush(JsonWriter *writer)
{
    if (!writer->has_failed && writer->used > 0 &&
        !writer->sink.write(writer->sink.context, writer->buffer, writer->used, &writer->error))
        writer->has_failed = true;
    writer->used = 0;
}

static void put(JsonWriter *writer, const char *bytes, size_t count)
{
    while (count > 0) {
        size_t room = sizeof writer->buffer - writer->used;
        size_t part = count < room ? count : room;

        memcpy(writer->buffer + writer->used, bytes, part);
        writer->used += part;
        bytes += part;
        count -= part;
        if (writer->used == sizeof writer->buffer)
            flush(writer);
    }
}

static void put_text(JsonWriter *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_line_break(JsonWriter *writer)
{
    static const char indent[] = "\n                ";
    unsigned left = writer->depth, most = (sizeof indent - 2) / 2;
    unsigned part = left < most ? left : most;

    if (writer->style == JSON_COMPACT)
        return;
    put(writer, indent, 1 + 2 * (size_t)part);
    for (left -= part; left > 0; left--)
        put(writer, "  ", 2);
}

// Writes the separator before a value: comma and line break in an array, nothing after a key.
static void begin_value(JsonWriter *writer)
{
    if (writer->has_key) {
        writer->has_key = false;
        return;
    }
    if (writer->depth == 0)
        return;
    assert(writer->is_array[writer->depth - 1]);
    if (writer->has_members[writer->depth - 1])
        put(writer, ",", 1);
    writer->has_members[writer->depth - 1] = true;
    put_line_break(writer);
}

static void begin_container(JsonWriter *writer, const char *bracket, bool is_array)
{
    begin_value(writer);
    assert(writer->depth < JSON_WRITER_MAX_DEPTH);
    put_text(writer, bracket);
    writer->is_array[writer->depth] = is_array;
    writer->has_members[writer->depth] = false;
    writer->depth++;
}

static void end_container(JsonWriter *writer, const char *bracket, bool is_array)
{
    assert(writer->depth > 0 && writer->is_array[writer->depth - 1] == is_array);
    assert(!writer->has_key);
    (void)is_array;
    writer->depth--;
    if (writer->has_members[writer->depth])
        put_line_break(writer);
    put_text(writer, bracket);
    // A document ends with a line feed.
    if (writer->depth == 0)
        put(writer, "\n", 1);
}

void json_writer_init(JsonWriter *writer, JsonSink sink, JsonStyle style)
{
    writer->sink = sink;
    writer->style = style;
    writer->depth = 0;
    writer->has_key = false;
    writer->has_failed = false;
    writer->longest_string = 0;
    writer->strings_cut = 0;
    writer->used = 0;
}

bool json_writer_finish(JsonWriter *writer, Error *error)
{
    assert(writer->depth == 0 && !writer->has_key);
    flush(writer);
    if (writer->has_failed)
        *error = writer->error;
    return !writer->has_failed;
}

void json_begin_object(JsonWriter *writer)
{
    begin_container(writer, "{", false);
}

void json_end_object(JsonWriter *writer)
{
    end_container(writer, "}", false);
}

void json_begin_array(JsonWriter *writer)
{
    begin_container(writer, "[", true);
}

void json_end_array(JsonWriter *writer)
{
    end_container(writer, "]", true);
}

static void put_escaped(JsonWriter *writer, unsigned char byte)
{
    char escape[8];

    switch (byte) {
    case '"':
        put_text(writer, "\\\"");
        break;
    case '\\':
        put_text(writer, "\\\\");
        break;
    case '\n':
        put_text(writer, "\\n");
        break;
    case '\t':
        put_text(writer, "\\t");
        break;
    case '\r':
        put_text(writer, "\\r");
        break;
    default:
        (void)snprintf(escape, sizeof escape, "\\u%04x", byte);
        put_text(writer, escape);
        break;
    }
}

// As UTF-16, in which characters above U+FFFF take two units (RFC 8259, 7).
static void put_code(JsonWriter *writer, uint32_t code)
{
    char escapes[16];

    if (code > 0xFFFF)
        (void)snprintf(escapes, sizeof escapes, "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10),
                       0xDC00 + ((code - 0x10000) & 0x3FF));
    else
        (void)snprintf(escapes, sizeof escapes, "\\u%04x", code);
    put_text(writer, escapes);
}

// The length of the part of a text that is written as it is: ASCII without quotes and the like.
static size_t plain_length(const char *text)
{
    size_t length = 0;

    while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
           text[length] != '\\')
        length++;
    return length;
}

// Where a string that is too long is cut: between characters. `length` where it is not.
static size_t cut_length(const JsonWriter *writer, const char *text, size_t length)
{
    size_t cut = writer->longest_string;

    if (cut == 0 || length <= cut)
        return length;
    // Bytes that go on with a character: at most three.
    for (int i = 0; i < 3 && cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80; i++)
        cut--;
    return cut;
}

// Hidden characters are escaped: the document holds them, but a terminal does not show them.
static void put_string(JsonWriter *writer, const char *text)
{
    size_t length_of_all = strlen(text), whole = cut_length(writer, text, length_of_all);
    const char *end = text + whole;

    put(writer, "\"", 1);
    while (text < end) {
        uint32_t code = 0;
        size_t plain = plain_length(text), length;
        unsigned char byte;

        if (plain > (size_t)(end - text))
            plain = (size_t)(end - text);
        // Nearly all text is plain.
        put(writer, text, plain);
        text += plain;
        if (text == end)
            break;
        length = utf8_decode(text, SIZE_MAX, &code);
        byte = (unsigned char)*text;

        if (length == 0) {
            put_text(writer, "\xef\xbf\xbd");
            length = 1;
        } else if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
            put_escaped(writer, byte);
        } else if (utf8_is_hidden(code)) {
            put_code(writer, code);
        } else {
            put(writer, text, length);
        }
        text += length;
    }
    if (whole < length_of_all) {
        char note[48];

        (void)snprintf(note, sizeof note, "\xe2\x80\xa6 (%zu bytes)", length_of_all);
        put_text(writer, note);
        writer->strings_cut++;
    }
    put(writer, "\"", 1);
}

void json_key(JsonWriter *writer, const char *key)
{
    assert(writer->depth > 0 && !writer->is_array[writer->depth - 1] && !writer->has_key);
    if (writer->has_members[writer->depth - 1])
        put(writer, ",", 1);
    writer->has_members[writer->depth - 1] = true;
    put_line_break(writer);
    put_string(writer, key);
    put_text(writer, writer->style == JSON_PRETTY ? ": " : ":");
    writer->has_key = true;
}

void json_string(JsonWriter *writer, const char *text)
{
    begin_value(writer);
    put_string(writer, text);
}

void json_unsigned(JsonWriter *writer, uint64_t value)
{
    char text[24];

    begin_value(writer);
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    put_text(writer, text);
}

void json_boolean(JsonWriter *writer, bool value)
{
    begin_value(writer);
    put_text(writer, value ? "true" : "false");
}

void json_null(JsonWriter *writer)
{
    begin_value(writer);
    put_text(writer, "null");
}

void json_address(JsonWriter *writer, uint64_t address)
{
    char text[24];

    begin_value(writer);
    (void)snprintf(text, sizeof text, "\"0x%" PRIx64 "\"", address);
    put_text(writer, text);
}

void json_string_member(JsonWriter *writer, const char *key, const char *text)
{
    json_key(writer, key);
    if (text == NULL)
        json_null(writer);
    else
        json_string(writer, text);
}

void json_unsigned_member(JsonWriter *writer, const char *key, uint64_t value)
{
    json_key(writer, key);
    json_unsigned(writer, value);
}

void json_signed(JsonWriter *writer, int64_t value)
{
    char digits[32];

    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    begin_value(writer);
    put_text(writer, digits);
}

void json_signed_member(JsonWriter *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_signed(writer, value);
}

void json_boolean_member(JsonWriter *writer, const char *key, bool value)
{
    json_key(writer, key);
    json_boolean(writer, value);
}

void json_address_member(JsonWriter *writer, const char *key, uint64_t address)
{
    json_key(writer, key);
    json_address(writer, address);
}
