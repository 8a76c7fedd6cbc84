// Text in XML: see formats/xml_text.h.

#include "formats/xml_text.h"

#include <string.h>

#include "base/utf8.h"

// XML has no U+FFFE and U+FFFF; hidden characters would make one name look like another.
static bool is_forbidden(size_t length, uint32_t code)
{
    return length == 0 || (utf8_is_hidden(code) && code != '\n') || code == 0xFFFE ||
           code == 0xFFFF;
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
        uint32_t code = 0;
        size_t length = utf8_decode(text, SIZE_MAX, &code);
        const char *entity = is_forbidden(length, code) ? "?" : entity_of(*text);

        if (!sink.write(sink.context, entity != NULL ? entity : text,
                        entity != NULL ? strlen(entity) : length, error))
            return false;
        text += length > 0 ? length : 1;
    }
    return true;
}
