// UTF-8 (RFC 3629) in text that nobody has checked.

#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

// Length of the UTF-8 sequence at `text`, or 0 when it is not well-formed (overlong forms,
// surrogates and values above U+10FFFF included).
size_t utf8_length(const unsigned char *text);

#endif
