// The quotes around a type in a limit: 'shop::Order', "fn(u8) -> u8".
//
// They only delimit: `total` and patterns mean the same with them. A quote opens where a type
// begins, and no type begins with one; so the lifetime of "Foo<'a>" opens none.

#ifndef ANALYSIS_CHECK_TYPE_QUOTES_H
#define ANALYSIS_CHECK_TYPE_QUOTES_H

#include <stdbool.h>
#include <stddef.h>

static inline bool type_quote_is(char character)
{
    return character == '\'' || character == '"';
}

// The place of the quote that closes the one at `open`: the first such one behind which the type
// ends, by ')', "->", a comment, or the text's end. 0: there is none.
size_t type_quote_end(const char *text, size_t open);

#endif
