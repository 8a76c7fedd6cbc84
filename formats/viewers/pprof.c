// pprof: see formats/viewers/heap_export.h. Source: github.com/google/pprof, proto/profile.proto;
// the encoding is that of protocol buffers (varints, and fields with their lengths).

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/byte_buffer.h"
#include "base/clean_text.h"
#include "formats/viewers/export_parts_internal.h"

// Fields of the messages.
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_DEFAULT_TYPE = 14,
    TYPE_TYPE = 1,
    TYPE_UNIT = 2,
    SAMPLE_LOCATIONS = 1,
    SAMPLE_VALUES = 2,
    LOCATION_ID = 1,
    LOCATION_LINE = 4,
    LINE_FUNCTION = 1,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
};
enum { WIRE_NUMBER = 0, WIRE_BYTES = 2 };
// The first strings of the table.
enum { STRING_EMPTY, STRING_OBJECTS, STRING_COUNT, STRING_SPACE, STRING_BYTES, FIRST_NAME };

static void add_number(ByteBuffer *buffer, uint32_t field, uint64_t value)
{
    byte_buffer_add_varint(buffer, field << 3 | WIRE_NUMBER);
    byte_buffer_add_varint(buffer, value);
}

static void add_bytes(ByteBuffer *buffer, uint32_t field, const void *bytes, size_t length)
{
    byte_buffer_add_varint(buffer, field << 3 | WIRE_BYTES);
    byte_buffer_add_varint(buffer, length);
    byte_buffer_add(buffer, bytes, length);
}

// Adds a message, and empties it.
static void add_message(ByteBuffer *buffer, uint32_t field, ByteBuffer *message)
{
    add_bytes(buffer, field, message->bytes, message->length);
    buffer->is_short = buffer->is_short || message->is_short;
    byte_buffer_release(message);
}

static void add_type(ByteBuffer *profile, uint64_t type, uint64_t unit)
{
    ByteBuffer message = {0};

    add_number(&message, TYPE_TYPE, type);
    add_number(&message, TYPE_UNIT, unit);
    add_message(profile, PROFILE_SAMPLE_TYPE, &message);
}

// Locations and functions have numbers from 1 on: routes, then the roots of routes.
static uint64_t location_of(uint32_t route)
{
    return route + UINT64_C(1);
}

static uint64_t root_location_of(const ExportPaths *paths, uint32_t route)
{
    return paths->routes->count + location_of(route);
}

static void add_sample(ByteBuffer *profile, const ExportPaths *paths, uint32_t route)
{
    const TypeRoute *routes = paths->routes->routes;
    ByteBuffer sample = {0}, locations = {0}, values = {0};

    // From the leaf on.
    for (uint32_t at = route; at != NO_INDEX; at = routes[at].parent) {
        byte_buffer_add_varint(&locations, location_of(at));
        if (routes[at].parent == NO_INDEX)
            byte_buffer_add_varint(&locations, root_location_of(paths, at));
    }
    byte_buffer_add_varint(&values, paths->objects[route]);
    byte_buffer_add_varint(&values, paths->bytes[route]);
    add_message(&sample, SAMPLE_LOCATIONS, &locations);
    add_message(&sample, SAMPLE_VALUES, &values);
    add_message(profile, PROFILE_SAMPLE, &sample);
}

static void add_location(ByteBuffer *profile, uint64_t number)
{
    ByteBuffer location = {0}, line = {0}, function = {0};

    add_number(&line, LINE_FUNCTION, number);
    add_number(&location, LOCATION_ID, number);
    add_message(&location, LOCATION_LINE, &line);
    add_message(profile, PROFILE_LOCATION, &location);
    add_number(&function, FUNCTION_ID, number);
    add_number(&function, FUNCTION_NAME, FIRST_NAME - 1 + number);
    add_message(profile, PROFILE_FUNCTION, &function);
}

static void add_string(ByteBuffer *profile, const char *text)
{
    char clean[1024];
    size_t length = strnlen(text, sizeof clean - 1);

    memcpy(clean, text, length);
    clean[length] = '\0';
    length = text_cut(clean, length, sizeof clean - 8);
    clean[length] = '\0';
    text_clean(clean, length, TEXT_ONE_LINE);
    add_bytes(profile, PROFILE_STRING, clean, length);
}

static void make_profile(ByteBuffer *profile, const ExportPaths *paths)
{
    static const char *const first[] = {"", "objects", "count", "space", "bytes"};
    uint64_t names = 2 * (uint64_t)paths->routes->count;

    add_type(profile, STRING_OBJECTS, STRING_COUNT);
    add_type(profile, STRING_SPACE, STRING_BYTES);
    for (uint32_t i = 0; i < paths->routes->count; i++)
        if (paths->bytes[i] > 0)
            add_sample(profile, paths, i);
    for (uint64_t i = 1; i <= names; i++)
        add_location(profile, i);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        add_string(profile, first[i]);
    for (uint64_t i = 0; i < names; i++) {
        const char *name =
            i < paths->routes->count ? paths->labels[i] : paths->roots[i - paths->routes->count];
        add_string(profile, name == NULL ? "" : name);
    }
    add_number(profile, PROFILE_DEFAULT_TYPE, STRING_SPACE);
}

static bool write_compressed(const HeapExport *heap, const ByteBuffer *profile, Error *error)
{
    uLong most = compressBound(profile->length) + 64;
    Bytef *bytes = malloc(most);
    z_stream stream = {.zalloc = Z_NULL};
    bool ok = bytes != NULL && profile->length <= UINT32_MAX;

    // 16 more: with gzip's header, which has no time in it.
    if (!ok || deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(bytes);
        return error_set_memory(error, most, "a profile");
    }
    stream.next_in = profile->bytes;
    stream.avail_in = (uInt)profile->length;
    stream.next_out = bytes;
    stream.avail_out = (uInt)most;
    ok = deflate(&stream, Z_FINISH) == Z_STREAM_END || error_set_memory(error, most, "a profile");
    ok = ok && heap->sink.write(heap->sink.context, (const char *)bytes, stream.total_out, error);
    (void)deflateEnd(&stream);
    free(bytes);
    return ok;
}

bool pprof_write(const HeapExport *heap, ExportLoss *loss, Error *error)
{
    ExportPaths paths = {.routes = NULL};
    ByteBuffer profile = {0};
    bool ok = export_paths_find(heap, &paths, error);

    if (ok) {
        make_profile(&profile, &paths);
        ok = profile.is_short ? error_set_memory(error, profile.length, "a profile")
                              : write_compressed(heap, &profile, error);
        export_loss_add(loss, "garbage is left out: the profile is of reachable memory");
        export_loss_add(loss, "objects are summed by path: single ones are left out");
    }
    byte_buffer_release(&profile);
    export_paths_release(&paths);
    return ok;
}
