// Fitting names to types: see analysis/names/type_fit.h.

#include "analysis/names/type_fit.h"

#include <stdbool.h>
#include <string.h>

// True when `text` is the end of the name [start, start + length), after "::".
static bool is_end_of(const char *start, size_t length, const char *text)
{
    size_t text_length = strlen(text);

    return text_length + 2 < length &&
           memcmp(start + length - text_length, text, text_length) == 0 &&
           memcmp(start + length - text_length - 2, "::", 2) == 0;
}

// "type #7" and "shop+0x1f40" both mean "type #7 (trace shop+0x1f40)".
static bool is_unnamed_type(const char *label, const char *text)
{
    const char *trace = strstr(label, " (trace ");
    size_t length = strlen(text);

    if (trace == NULL || strncmp(label, "type #", 6) != 0)
        return false;
    if ((size_t)(trace - label) == length && memcmp(label, text, length) == 0)
        return true;
    trace += strlen(" (trace ");
    return strncmp(trace, text, length) == 0 && (trace[length] == ')' || trace[length] == ',');
}

TypeFit type_fit(const char *label, const char *text)
{
    TypeFit best = strcmp(label, text) == 0 ? TYPE_FIT_WHOLE : TYPE_FIT_NONE;

    if (best == TYPE_FIT_NONE && is_unnamed_type(label, text))
        best = TYPE_FIT_PART;
    while (best < TYPE_FIT_PART && *label != '\0') {
        const char *next = strstr(label, " | ");
        size_t length = next != NULL ? (size_t)(next - label) : strlen(label);

        if (strlen(text) == length && memcmp(label, text, length) == 0)
            best = TYPE_FIT_PART;
        else if (is_end_of(label, length, text))
            best = TYPE_FIT_END;
        label += next != NULL ? length + 3 : length;
    }
    return best;
}
