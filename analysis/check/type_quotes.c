// Quotes around types: see analysis/check/type_quotes.h.

#include "analysis/check/type_quotes.h"

#include <string.h>

static bool ends_type(const char *text)
{
    size_t spaces = strspn(text, " \t\r");

    text += spaces;
    return *text == '\0' || *text == ')' || strncmp(text, "->", 2) == 0 ||
           (*text == '#' && spaces > 0);
}

size_t type_quote_end(const char *text, size_t open)
{
    for (size_t at = open + 1; text[at] != '\0'; at++)
        if (text[at] == text[open] && ends_type(text + at + 1))
            return at;
    return 0;
}
