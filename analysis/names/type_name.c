// Naming types: see analysis/names/type_name.h.

#include "analysis/names/type_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *type_label(const SnapshotDetails *details, uint64_t type_word)
{
    const SnapshotType *type = snapshot_details_find_type(details, type_word);
    const char *module = type_module_name(details, type);
    char *label = NULL;
    int length;

    if (module != NULL)
        length =
            asprintf(&label, "%.*s+0x%" PRIx64, TYPE_MODULE_BYTES, module, type->module_offset);
    else
        length = asprintf(&label, "type 0x%" PRIx64, type_word);
    return length < 0 ? NULL : label;
}

const char *type_module_name(const SnapshotDetails *details, const SnapshotType *function)
{
    return function != NULL && function->module < details->module_count
               ? details->modules[function->module].name
               : NULL;
}

// ---- symbols ----

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t end_length = strlen(end);

    return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

SymbolName symbol_name(const char *symbol)
{
    static const char box[] = "::ptr::GcBox<", hidden[] = "rudo_gc::ptr::GcBox<T>::";
    static const char *const tails[] = {">>::trace_fn_for", ">>::drop_fn_for"};
    size_t length = strlen(symbol);
    SymbolName plain = {SYMBOL_PLAIN, symbol, length};
    const char *type;

    if (begins_with(symbol, hidden))
        return (SymbolName){SYMBOL_HIDDEN, symbol, 0};
    if (!begins_with(symbol, "<rudo_gc") && !begins_with(symbol, "rudo_gc::ptr::GcBox<()>::"))
        return plain;
    if (ends_with(symbol, length, "::no_op_trace") || ends_with(symbol, length, "::no_op_drop"))
        return (SymbolName){SYMBOL_NO_OP, symbol, 0};
    type = strstr(symbol, box);
    for (size_t i = 0; type != NULL && i < sizeof tails / sizeof tails[0]; i++) {
        const char *name = type + strlen(box);

        if (!ends_with(symbol, length, tails[i]) || name + strlen(tails[i]) > symbol + length)
            continue;
        length -= (size_t)(name - symbol) + strlen(tails[i]);
        return (SymbolName){length > 0 ? SYMBOL_TYPE : SYMBOL_HIDDEN, name, length};
    }
    return plain;
}
