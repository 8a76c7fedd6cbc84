// JsonWriter: writes JSON piece by piece, in constant memory, always the same bytes.
//
//     JsonWriter writer;
//     json_writer_init(&writer, sink, JSON_PRETTY);
//     json_begin_object(&writer);
//     json_key(&writer, "objects");
//     json_unsigned(&writer, 42);
//     json_end_object(&writer);
//     if (!json_writer_finish(&writer, error))
//         return false;
//
// The writer puts commas, indentation and escapes; the caller keeps the order of
// keys and values right (asserted). A failing sink makes all later calls do
// nothing, and json_writer_finish() reports it, so calls in between need no check.
// There are no floating-point numbers: documents are compared byte by byte.

#ifndef FORMATS_JSON_JSON_WRITER_H
#define FORMATS_JSON_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Nesting that documents may have.
#define JSON_WRITER_MAX_DEPTH 32u

// Where the bytes go. `write` takes all `count` bytes or fails and fills `error`.
typedef struct JsonSink {
    bool (*write)(void *context, const char *bytes, size_t count, Error *error);
    void *context;
} JsonSink;

typedef enum JsonStyle {
    JSON_PRETTY,  // indented by two, one value a line, a line feed at the end
    JSON_COMPACT, // a document a line: for JSON Lines
} JsonStyle;

typedef struct JsonWriter {
    JsonSink sink;
    JsonStyle style;
    unsigned depth;
    bool is_array[JSON_WRITER_MAX_DEPTH];
    bool has_members[JSON_WRITER_MAX_DEPTH];
    bool has_key; // a key was written and waits for its value
    bool has_failed;
    uint32_t longest_string; // longer ones are cut, and say how long they are; 0: none is
    uint64_t strings_cut;
    Error error;
    size_t used;
    char buffer[16384];
} JsonWriter;

// `sink` must outlive the writer's use. The writer owns no memory.
void json_writer_init(JsonWriter *writer, JsonSink sink, JsonStyle style);

// Hands the rest to the sink. Errors: the sink's first.
NODISCARD bool json_writer_finish(JsonWriter *writer, Error *error);

void json_begin_object(JsonWriter *writer);
void json_end_object(JsonWriter *writer);
void json_begin_array(JsonWriter *writer);
void json_end_array(JsonWriter *writer);
void json_key(JsonWriter *writer, const char *key);

// Escapes characters as JSON demands; bytes that are not UTF-8 become U+FFFD.
void json_string(JsonWriter *writer, const char *text);
void json_unsigned(JsonWriter *writer, uint64_t value);
void json_signed(JsonWriter *writer, int64_t value);
void json_boolean(JsonWriter *writer, bool value);
void json_null(JsonWriter *writer);
// A string with 0x and lower-case digits: JSON numbers above 2^53 are not safe with every reader.
void json_address(JsonWriter *writer, uint64_t address);

// A key with its value. A NULL string is written as null.
void json_string_member(JsonWriter *writer, const char *key, const char *text);
void json_unsigned_member(JsonWriter *writer, const char *key, uint64_t value);
void json_signed_member(JsonWriter *writer, const char *key, int64_t value);
void json_boolean_member(JsonWriter *writer, const char *key, bool value);
void json_address_member(JsonWriter *writer, const char *key, uint64_t address);

#endif
