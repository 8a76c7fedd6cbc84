// Text in XML documents.

#ifndef FORMATS_XML_TEXT_H
#define FORMATS_XML_TEXT_H

#include "formats/json/json_writer.h"
#include "base/error.h"

// Writes any text as the content of an element or of an attribute in double quotes. Characters that
// XML 1.0 cannot hold (most control characters, bytes that are not UTF-8) and hidden ones
// (utf8_is_hidden()) become '?'. Errors: those
// of the sink.
NODISCARD bool xml_text_write(JsonSink sink, const char *text, Error *error);

#endif
