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
        length = asprintf(&label, "%s+0x%" PRIx64, module, type->module_offset);
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

int type_function_order(const SnapshotDetails *details, const SnapshotType *a, uint64_t a_address,
                        const SnapshotType *b, uint64_t b_address)
{
    const char *a_module = type_module_name(details, a), *b_module = type_module_name(details, b);
    int order;

    if ((a_module == NULL) != (b_module == NULL))
        return a_module != NULL ? -1 : 1;
    if (a_module != NULL) {
        order = strcmp(a_module, b_module);
        if (order != 0)
            return order;
        if (a->module_offset != b->module_offset)
            return a->module_offset < b->module_offset ? -1 : 1;
    }
    return (a_address > b_address) - (a_address < b_address);
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

static bool has_meaning(const SnapshotType *function, SymbolMeaning meaning)
{
    for (uint32_t i = 0; function != NULL && i < function->symbol_count; i++)
        if (symbol_name(function->symbols[i]).meaning == meaning)
            return true;
    return false;
}

bool type_is_certain(const SnapshotType *function)
{
    return has_meaning(function, SYMBOL_TYPE) && !has_meaning(function, SYMBOL_HIDDEN) &&
           !has_meaning(function, SYMBOL_PLAIN);
}

bool type_may_be_no_op(const SnapshotType *function)
{
    return has_meaning(function, SYMBOL_NO_OP);
}

bool type_is_no_op(const SnapshotType *function)
{
    return type_may_be_no_op(function) && !has_meaning(function, SYMBOL_TYPE) &&
           !has_meaning(function, SYMBOL_HIDDEN) && !has_meaning(function, SYMBOL_PLAIN);
}

// ---- sets of names ----

// True when `name` is among the types that `function` names.
static bool names_type(const SnapshotType *function, const SymbolName *name, uint32_t symbol_count)
{
    for (uint32_t i = 0; i < symbol_count; i++) {
        SymbolName other = symbol_name(function->symbols[i]);

        if (other.meaning == name->meaning && other.length == name->length &&
            memcmp(other.name, name->name, name->length) == 0)
            return true;
    }
    return false;
}

// True when the two functions name a type in common.
static bool have_common_type(const SnapshotType *trace, const SnapshotType *drop)
{
    for (uint32_t i = 0; i < trace->symbol_count; i++) {
        SymbolName name = symbol_name(trace->symbols[i]);

        if (name.meaning == SYMBOL_TYPE && names_type(drop, &name, drop->symbol_count))
            return true;
    }
    return false;
}

// Writes the names of `function` with this meaning, each once, without those of `earlier` (or
// NULL), which have been written before, and only those that `filter` (or NULL) has too. Returns
// the number of names written.
static uint32_t write_names(FILE *stream, const SnapshotType *function, SymbolMeaning meaning,
                            const SnapshotType *earlier, const SnapshotType *filter)
{
    uint32_t written = 0;

    for (uint32_t i = 0; i < function->symbol_count; i++) {
        SymbolName name = symbol_name(function->symbols[i]);

        if (name.meaning != meaning || names_type(function, &name, i) ||
            (earlier != NULL && names_type(earlier, &name, earlier->symbol_count)) ||
            (filter != NULL && !names_type(filter, &name, filter->symbol_count)))
            continue;
        if (ftell(stream) > 0)
            (void)fwrite(" | ", 1, 3, stream);
        (void)fwrite(name.name, 1, name.length, stream);
        written++;
    }
    return written;
}

// See Note [Sets of names]. The types that the trace function names are in its set, which may have
// more when it is open; likewise for the drop function. Returns type_readable_name()'s count.
static uint32_t write_set(FILE *stream, const SnapshotType *trace, const SnapshotType *drop)
{
    bool trace_has_types = has_meaning(trace, SYMBOL_TYPE);
    bool trace_is_open = has_meaning(trace, SYMBOL_HIDDEN);
    bool drop_has_types = has_meaning(drop, SYMBOL_TYPE);
    bool drop_is_open = has_meaning(drop, SYMBOL_HIDDEN);

    if (!trace_has_types && !drop_has_types) {
        // Programs in other languages may name a function after its type.
        if (trace != NULL)
            (void)write_names(stream, trace, SYMBOL_PLAIN, NULL, NULL);
        return 0;
    }
    if (trace_has_types && !trace_is_open) {
        bool narrows = drop_has_types && !drop_is_open && have_common_type(trace, drop);

        return write_names(stream, trace, SYMBOL_TYPE, NULL, narrows ? drop : NULL);
    }
    if (drop_has_types && !drop_is_open)
        return write_names(stream, drop, SYMBOL_TYPE, NULL, NULL);
    if (trace_has_types)
        (void)write_names(stream, trace, SYMBOL_TYPE, NULL, NULL);
    if (drop_has_types)
        (void)write_names(stream, drop, SYMBOL_TYPE, trace, NULL);
    (void)fwrite(" | ...", 1, strlen(" | ..."), stream);
    return TYPE_NAMES_OPEN;
}

bool type_readable_name(const SnapshotType *trace, const SnapshotType *drop, char **out,
                        uint32_t *count)
{
    char *names = NULL;
    size_t size = 0;
    FILE *stream;

    *out = NULL;
    *count = 0;
    stream = open_memstream(&names, &size);
    if (stream == NULL)
        return false;
    *count = write_set(stream, trace, drop);
    // A memory stream reports only here that memory was short.
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
