// The child that reads debug information: for functions whose mangling hides the type (rudo-gc's
// `GcBox<T>` in the old one) or whose symbols were stripped, debug information may have the type.
// The name is recorded as if the symbol had it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "snapshot/capture/debug/dwarf_names.h"
#include "snapshot/capture/names/module_search_internal.h"
#include "snapshot/capture/names/rust_symbol.h"

// The old mangling leaves out the type parameter.
static const char hidden_box[] = "rudo_gc::ptr::GcBox<T>::";

static bool is_hidden(const char *readable)
{
    return strncmp(readable, hidden_box, strlen(hidden_box)) == 0;
}

// "trace_fn_for<shop::Order>" -> "<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for", as the new
// mangling would have it. NULL: the name does not fit the symbol, or memory is short.
static char *full_name(const char *readable, const char *name)
{
    const char *method = readable + strlen(hidden_box);
    size_t method_length = strlen(method), length = strlen(name);
    char *full = NULL;

    if (strncmp(name, method, method_length) != 0 || length < method_length + 3 ||
        name[method_length] != '<' || name[length - 1] != '>')
        return NULL;
    if (asprintf(&full, "<rudo_gc::ptr::GcBox%s>::%s", name + method_length, method) < 0)
        return NULL;
    return full;
}

// A symbol that hides its type, without the suffix that LLVM appends to make it unique.
typedef struct HiddenName {
    char *symbol; // owned
    FunctionNames *function;
    uint32_t name; // index
} HiddenName;

// The functions that are looked for in debug information.
typedef struct HiddenSearch {
    ModuleSearch *search;
    uint32_t address_count;
    uint64_t *addresses; // of functions with hidden names or none, ascending; owned
    uint32_t name_count;
    HiddenName *names; // ascending by symbol; owned
} HiddenSearch;

static int compare_hidden(const void *left, const void *right)
{
    const HiddenName *a = left, *b = right;

    return strcmp(a->symbol, b->symbol);
}

static bool hidden_search_init(HiddenSearch *hidden, ModuleSearch *search)
{
    size_t names = 0;

    *hidden = (HiddenSearch){.search = search};
    for (uint32_t i = 0; i < search->function_count; i++)
        names += search->functions[i].count;
    hidden->addresses = calloc((size_t)search->function_count + 1, sizeof *hidden->addresses);
    hidden->names = calloc(names + 1, sizeof *hidden->names);
    if (hidden->addresses == NULL || hidden->names == NULL)
        return false;
    for (uint32_t i = 0; i < search->function_count; i++) {
        FunctionNames *function = &search->functions[i];
        bool is_wanted = function->count == 0;

        for (uint32_t n = 0; n < function->count; n++) {
            char *symbol;
            if (!is_hidden(function->names[n].readable))
                continue;
            symbol = strndup(function->names[n].mangled, strcspn(function->names[n].mangled, "."));
            if (symbol == NULL)
                return false;
            hidden->names[hidden->name_count++] = (HiddenName){symbol, function, n};
            is_wanted = true;
        }
        if (is_wanted)
            hidden->addresses[hidden->address_count++] = function->address;
    }
    qsort(hidden->names, hidden->name_count, sizeof *hidden->names, compare_hidden);
    return true;
}

static void hidden_search_release(HiddenSearch *hidden)
{
    for (uint32_t i = 0; i < hidden->name_count; i++)
        free(hidden->names[i].symbol);
    free(hidden->names);
    free(hidden->addresses);
}

// Compares a symbol without LLVM's suffix with one that may have it.
static int compare_symbol(const char *symbol, const char *linkage_name)
{
    size_t length = strcspn(linkage_name, ".");
    int order = strncmp(symbol, linkage_name, length);

    return order != 0 || symbol[length] == '\0' ? order : 1;
}

static bool is_before(const void *names, uint64_t index, const void *linkage_name)
{
    return compare_symbol(((const HiddenName *)names)[index].symbol, linkage_name) < 0;
}

// Gives the symbols of a function their full names. Functions that were merged into another have no
// address of their own, but perhaps a declaration.
static void add_full_names(const HiddenSearch *hidden, const DwarfFunction *found)
{
    uint64_t i = search_first(hidden->names, hidden->name_count, is_before, found->linkage_name);

    for (; i < hidden->name_count &&
           compare_symbol(hidden->names[i].symbol, found->linkage_name) == 0;
         i++) {
        char **readable = &hidden->names[i].function->names[hidden->names[i].name].readable;
        char *full = is_hidden(*readable) ? full_name(*readable, found->name) : NULL;
        if (full == NULL)
            continue;
        free(*readable);
        *readable = full;
    }
}

// Adds the name of a function whose symbols were stripped.
static void add_stripped(FunctionNames *function, const DwarfFunction *found)
{
    const char *symbol = found->linkage_name != NULL ? found->linkage_name : found->name;
    char *readable = rust_symbol_demangle(symbol);
    char *full = readable != NULL && is_hidden(readable) ? full_name(readable, found->name) : NULL;

    if (full != NULL) {
        free(readable);
        readable = full;
    }
    function_names_add(function, symbol, readable);
}

static void visit_function(void *context, const DwarfFunction *found)
{
    const HiddenSearch *hidden = context;
    const ModuleSearch *search = hidden->search;

    if (found->linkage_name != NULL)
        add_full_names(hidden, found);
    if (found->address == 0)
        return;
    for (uint32_t i = module_search_position(search, found->address);
         i < search->function_count && search->functions[i].address == found->address; i++)
        if (search->functions[i].count == 0)
            add_stripped(&search->functions[i], found);
}

// This child looks for neither variables nor code.
static const AddressList no_addresses;

static void write_names_of(const NameRequest *request, ModuleSearch *search, ByteBuffer *buffer,
                           GuardedChild *child)
{
    ModuleFiles files = module_files_open(request->copy, &request->modules[search->module]);
    HiddenSearch hidden = {0};

    if (files.own == NULL)
        return;
    search->globals = search->tls = search->code = &no_addresses;
    module_search_visit_symbols(&files, search);
    if (hidden_search_init(&hidden, search) && hidden.address_count > 0) {
        DwarfFile *dwarf = dwarf_file_open(module_files_with_debug_info(&files), files.package);

        if (dwarf != NULL)
            dwarf_names_visit(dwarf, hidden.addresses, hidden.address_count, visit_function,
                              &hidden);
        dwarf_file_close(dwarf);
        for (uint32_t i = 0; i < search->function_count; i++)
            if (search->functions[i].count > 0)
                function_names_write(&search->functions[i], buffer, child);
    }
    hidden_search_release(&hidden);
    module_files_close(&files);
}

void hidden_names_write(void *context, GuardedChild *child)
{
    const NameRequest *request = context;
    ByteBuffer buffer = {0};

    for (uint32_t module = 0; module < request->details->module_count; module++) {
        ModuleSearch search;

        if (module_search_init(request, module, &search) && search.function_count > 0)
            write_names_of(request, &search, &buffer, child);
        module_search_release(&search);
    }
    byte_buffer_release(&buffer);
}
