// Naming types: see analysis/type_name.h.

#include "analysis/type_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *type_label(const SnapshotDetails *details, uint64_t type_word)
{
    const SnapshotType *type = snapshot_details_find_type(details, type_word);
    char *label = NULL;
    int length;

    if (type != NULL && type->module < details->module_count)
        length = asprintf(&label, "%s+0x%" PRIx64, details->modules[type->module].name,
                          type->module_offset);
    else
        length = asprintf(&label, "type 0x%" PRIx64, type_word);
    return length < 0 ? NULL : label;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t end_length = strlen(end);

    return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

size_t type_name_of_symbol(const char *symbol, const char **start)
{
    static const char box[] = "::ptr::GcBox<", tail[] = ">>::trace_fn_for";
    static const char legacy[] = "rudo_gc::ptr::GcBox<T>::";
    size_t length = strlen(symbol);
    const char *type;

    *start = symbol;
    if (strncmp(symbol, legacy, strlen(legacy)) == 0)
        return 0;
    if (strncmp(symbol, "<rudo_gc", strlen("<rudo_gc")) != 0 || !ends_with(symbol, length, tail))
        return length;
    type = strstr(symbol, box);
    if (type == NULL || type + strlen(box) + strlen(tail) > symbol + length)
        return length;
    *start = type + strlen(box);
    return (size_t)(symbol + length - *start) - strlen(tail);
}

// Was the name of symbol `index` given by an earlier one?
static bool is_repeated(const SnapshotType *type, uint32_t index, const char *name, size_t length)
{
    for (uint32_t i = 0; i < index; i++) {
        const char *earlier;

        if (type_name_of_symbol(type->symbols[i], &earlier) == length &&
            memcmp(earlier, name, length) == 0)
            return true;
    }
    return false;
}

bool type_readable_name(const SnapshotType *type, char **out)
{
    char *names = NULL;
    size_t size = 0;
    FILE *stream;

    *out = NULL;
    if (type == NULL || type->symbol_count == 0)
        return true;
    stream = open_memstream(&names, &size);
    if (stream == NULL)
        return false;
    for (uint32_t i = 0; i < type->symbol_count; i++) {
        const char *name;
        size_t length = type_name_of_symbol(type->symbols[i], &name);

        if (length == 0 || is_repeated(type, i, name, length))
            continue;
        if (ftell(stream) > 0)
            (void)fwrite(" | ", 1, 3, stream);
        (void)fwrite(name, 1, length, stream);
    }
    // Only here can a memory stream say that it ran out of memory.
    if (fclose(stream) != 0) {
        free(names);
        return false;
    }
    if (size > 0)
        *out = names;
    else
        free(names);
    return true;
}
