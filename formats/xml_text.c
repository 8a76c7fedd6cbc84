// Text in XML: see formats/xml_text.h.

#include "formats/xml_text.h"

#include <string.h>

#include "base/utf8.h"

// XML has no U+FFFE and U+FFFF.
static bool is_forbidden(const char *text, size_t length)
{
    return length == 0 || (length == 1 && (unsigned char)*text < ' ' && *text != '\n') ||
           (length == 3 && memcmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe);
}

static const char *entity_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

bool xml_text_write(JsonSink sink, const char *text, Error *error)
{
    while (*text != '\0') {
        size_t length = utf8_length(text);
        const char *entity = is_forbidden(text, length) ? "?" : entity_of(*text);

        if (!sink.write(sink.context, entity != NULL ? entity : text,
                        entity != NULL ? strlen(entity) : length, error))
            return false;
        text += length > 0 ? length : 1;
    }
    return true;
}
