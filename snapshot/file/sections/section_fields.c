// The fields of sections: see section_fields_internal.h.

#include "snapshot/file/sections/section_fields_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"
#include "snapshot/file/sections/snapshot_format.h"

void *section_allocate(uint32_t count, size_t entry_bytes, const char *name, Error *error)
{
    void *array = calloc((size_t)count + 1, entry_bytes);

    if (array == NULL)
        error_set_memory(error, (count + 1ull) * entry_bytes, name);
    return array;
}

// ---- strings ----

void section_add_string(ByteBuffer *buffer, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    size_t at;

    length = text_cut(text, length, MAX_STRING_BYTES);
    byte_buffer_add_u32(buffer, (uint32_t)length);
    at = buffer->length;
    byte_buffer_add(buffer, text, length);
    if (!buffer->is_short)
        text_clean((char *)buffer->bytes + at, length, TEXT_ONE_LINE);
}

bool section_take_string(ByteCursor *cursor, char **out, Error *error)
{
    uint32_t length = byte_cursor_u32(cursor);
    const uint8_t *bytes;

    if (!cursor->is_short && length > MAX_STRING_BYTES)
        return error_set(error, ERROR_CORRUPT, "a string of %u bytes is too long", length);
    bytes = byte_cursor_take(cursor, length);
    if (bytes == NULL)
        return error_set(error, ERROR_CORRUPT, "a string ends early");
    if (!text_is_clean((const char *)bytes, length, TEXT_ONE_LINE))
        return error_set(error, ERROR_CORRUPT, "a string is not clean UTF-8");
    *out = NULL;
    if (byte_cursor_is_passing(cursor))
        return true;
    *out = strndup((const char *)bytes, length);
    return *out != NULL || error_set_memory(error, length + 1ull, "a string");
}

bool section_copy_text(char **out, const char *text, Error *error)
{
    text = text != NULL ? text : "";
    *out = strdup(text);
    return *out != NULL || error_set_memory(error, strlen(text) + 1, "a redacted snapshot");
}

bool section_set_disorder(const EntryPosition *position, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s %u is out of order", position->table->entry_name,
                     position->number);
}

// ---- redacted text ----

const char *without_folders(const char *path)
{
    const char *folder_end = strrchr(path, '/');

    return folder_end != NULL ? folder_end + 1 : path;
}

// "src/parser.c:123", where the objects of a type were allocated?
static bool is_site(const char *symbol)
{
    const char *colon = strrchr(symbol, ':');

    return colon != NULL && colon[1] != '\0' && colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

// A compiler names some functions after the path of a source file. Other slashes are operators.
const char *redacted_symbol(const char *symbol)
{
    static const char operator_name[] = "operator";
    const char *slash = strchr(symbol, '/');

    if (is_site(symbol))
        return without_folders(symbol);

    while (slash != NULL && slash >= symbol + strlen(operator_name) &&
           strncmp(slash - strlen(operator_name), operator_name, strlen(operator_name)) == 0)
        slash = strchr(slash + 1, '/');
    return slash == NULL ? symbol : "[redacted]";
}

void redact_paths(char *text)
{
    char *to = text;

    while (*text != '\0') {
        size_t line = strcspn(text, "\n"), kept = line;
        const char *slash = memchr(text, '/', line), *quote = memchr(text, '\'', line);
        if (slash != NULL) {
            kept = (size_t)((quote != NULL && quote < slash ? quote : slash) - text);
            while (kept > 0 && text[kept - 1] != ' ')
                kept--;
        }
        memmove(to, text, kept);
        to += kept;
        if (slash != NULL)
            *to++ = '*';
        text += line;
        if (*text == '\n')
            *to++ = *text++;
    }
    *to = '\0';
}
