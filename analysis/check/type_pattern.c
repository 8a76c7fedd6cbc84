// TypePattern: see analysis/check/type_pattern.h.

#include "analysis/check/type_pattern.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

bool type_pattern_is_glob(const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*' || *pattern == '?')
            return true;
        if (*pattern == '\\' && pattern[1] != '\0')
            pattern++;
    }
    return false;
}

// The length of the character at `text`; bytes that are not UTF-8 count as one each.
static size_t character_length(const char *text)
{
    size_t length = utf8_length(text);

    return length > 0 ? length : 1;
}

// Does the glob fit the `length` characters at `text`? Of the stars only the last one is tried
// again, so that the time is the product of both lengths at most.
static bool glob_fits(const char *glob, const char *text, size_t length)
{
    const char *end = text + length, *star = NULL, *star_text = NULL;

    for (;;) {
        bool is_escaped = *glob == '\\' && glob[1] != '\0';

        if (*glob == '*') {
            star = ++glob;
            star_text = text;
            continue;
        }
        if (*glob == '\0' && text == end)
            return true;
        if (*glob == '?' && text < end) {
            glob++;
            text += character_length(text);
            continue;
        }
        if (*glob != '\0' && *glob != '?' && text < end && glob[is_escaped] == *text) {
            glob += is_escaped + 1;
            text++;
            continue;
        }
        if (star == NULL || star_text >= end)
            return false;
        star_text += character_length(star_text);
        text = star_text;
        glob = star;
    }
}

// Objects without a type and foreign blocks are listed among the types, but are not of one.
static bool is_type(const char *label)
{
    return strcmp(label, "no type") != 0 && strcmp(label, "foreign block") != 0;
}

TypeFit type_pattern_fit(const char *pattern, const char *label)
{
    size_t whole = strlen(label);

    if (!type_pattern_is_glob(pattern))
        return type_fit(label, pattern);
    if (!is_type(label))
        return TYPE_FIT_NONE;
    if (strcmp(label, pattern) == 0 || glob_fits(pattern, label, whole))
        return TYPE_FIT_WHOLE;
    for (const char *name = label, *next; name != NULL; name = next) {
        const char *separator = strstr(name, " | ");
        size_t length = separator != NULL ? (size_t)(separator - name) : strlen(name);

        next = separator != NULL ? separator + 3 : NULL;
        if (length != whole && glob_fits(pattern, name, length))
            return TYPE_FIT_WHOLE;
    }
    return TYPE_FIT_NONE;
}

uint64_t type_pattern_select(const char *pattern, NameList labels, bool *is_selected)
{
    TypeFit best = TYPE_FIT_NONE;
    uint64_t count = 0;

    for (uint64_t i = 0; i < labels.count; i++) {
        TypeFit fit = type_pattern_fit(pattern, labels.name(labels.context, i));

        best = fit > best ? fit : best;
    }
    for (uint64_t i = 0; i < labels.count; i++) {
        is_selected[i] = best != TYPE_FIT_NONE &&
                         type_pattern_fit(pattern, labels.name(labels.context, i)) == best;
        count += is_selected[i];
    }
    return count;
}
