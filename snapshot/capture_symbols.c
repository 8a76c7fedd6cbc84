// Names for the functions that object headers point to, while the executable is at hand: every
// symbol that the module's file has at their addresses. Compilers merge identical functions, so
// there may be several, and they are a set.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture_analysis_internal.h"
#include "snapshot/rust_symbol.h"

// Merged functions have tens of names; a file could list millions at one address.
#define MAX_SYMBOLS 256u

// The functions of one module: neighbours in their table.
typedef struct FunctionRange {
    SnapshotType *functions;
    uint32_t count;
} FunctionRange;

typedef struct SymbolSearch {
    FunctionRange traces;
    FunctionRange drops;
    Error *error;
} SymbolSearch;

static bool add_symbol(SnapshotType *type, const char *symbol, Error *error)
{
    char **symbols;

    if (type->symbol_count == MAX_SYMBOLS)
        return true;
    symbols = realloc(type->symbols, (type->symbol_count + 1) * sizeof *symbols);
    if (symbols == NULL)
        return error_set_memory(error, (type->symbol_count + 1) * sizeof *symbols, "symbols");
    type->symbols = symbols;
    symbols[type->symbol_count] = rust_symbol_demangle(symbol);
    if (symbols[type->symbol_count] == NULL)
        return error_set_memory(error, strlen(symbol) + 1, "a symbol");
    type->symbol_count++;
    return true;
}

static bool add_to_range(const FunctionRange *range, uint64_t address, const char *name,
                         Error *error)
{
    uint32_t low = 0, high = range->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (range->functions[middle].module_offset < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low == range->count || range->functions[low].module_offset != address ||
           add_symbol(&range->functions[low], name, error);
}

static bool visit_symbol(void *context, uint64_t address, const char *name)
{
    SymbolSearch *search = context;

    return add_to_range(&search->traces, address, name, search->error) &&
           add_to_range(&search->drops, address, name, search->error);
}

static int compare_strings(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort_symbols(SnapshotType *type)
{
    uint32_t kept = 0;

    if (type->symbol_count == 0)
        return;
    qsort(type->symbols, type->symbol_count, sizeof *type->symbols, compare_strings);
    for (uint32_t i = 0; i < type->symbol_count; i++) {
        if (kept > 0 && strcmp(type->symbols[kept - 1], type->symbols[i]) == 0)
            free(type->symbols[i]);
        else
            type->symbols[kept++] = type->symbols[i];
    }
    type->symbol_count = kept;
}

// The functions that lie in `module`, of a table that ascends by address: modules do not overlap.
static FunctionRange functions_of(SnapshotType *functions, uint32_t count, uint32_t module)
{
    FunctionRange range = {functions, 0};
    uint32_t first = 0;

    while (first < count && functions[first].module != module)
        first++;
    range.functions = functions + first;
    while (first + range.count < count && functions[first + range.count].module == module)
        range.count++;
    return range;
}

static bool find_in_module(CaptureAnalysis *analysis, uint32_t module, Error *error)
{
    SnapshotDetails *details = analysis->details;
    SymbolSearch search = {
        .traces = functions_of(details->types, details->type_count, module),
        .drops = functions_of(details->drops, details->drop_count, module),
        .error = error,
    };
    ElfFile *file;
    bool ok;

    if (search.traces.count + search.drops.count == 0)
        return true;
    file = capture_open_module(analysis, module);
    ok = file == NULL || elf_file_visit_symbols(file, visit_symbol, &search);
    elf_file_free(file);
    for (uint32_t i = 0; i < search.traces.count; i++)
        sort_symbols(&search.traces.functions[i]);
    for (uint32_t i = 0; i < search.drops.count; i++)
        sort_symbols(&search.drops.functions[i]);
    return ok;
}

bool capture_find_symbols(CaptureAnalysis *analysis, Error *error)
{
    for (uint32_t module = 0; module < analysis->details->module_count; module++)
        if (!find_in_module(analysis, module, error))
            return false;
    return true;
}
