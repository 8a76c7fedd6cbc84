// Hidden names, in the child: where the mangling hides the type (rudo-gc's `GcBox<T>` in the old
// one), or the symbols were stripped, debug information may tell it. The symbol is written as if it
// had told it itself.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/names/dwarf_names.h"
#include "snapshot/capture/names/module_search_internal.h"
#include "snapshot/capture/names/rust_symbol.h"

// Where the old mangling leaves the type of a generic type out.
static const char hidden_box[] = "rudo_gc::ptr::GcBox<T>::";

static bool is_hidden(const char *readable)
{
    return strncmp(readable, hidden_box, strlen(hidden_box)) == 0;
}

// "trace_fn_for<shop::Order>" -> "<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for", as the new
// mangling would have it. NULL: the name does not fit the symbol, or memory is short.
static char *told_name(const char *readable, const char *name)
{
    const char *method = readable + strlen(hidden_box);
    size_t method_length = strlen(method), length = strlen(name);
    char *told = NULL;

    if (strncmp(name, method, method_length) != 0 || length < method_length + 3 ||
        name[method_length] != '<' || name[length - 1] != '>')
        return NULL;
    if (asprintf(&told, "<rudo_gc::ptr::GcBox%s>::%s", name + method_length, method) < 0)
        return NULL;
    return told;
}

// A symbol that hides its type, without what LLVM appends to make it unique.
typedef struct HiddenName {
    char *symbol; // owned
    FunctionNames *function;
    uint32_t name; // index
} HiddenName;

// What debug information is asked for.
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
            if (!is_hidden(function->readable[n]))
                continue;
            symbol = strndup(function->mangled[n], strcspn(function->mangled[n], "."));
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

// Compares a symbol without what LLVM appends with one that may have it.
static int compare_symbol(const char *symbol, const char *linkage_name)
{
    size_t length = strcspn(linkage_name, ".");
    int order = strncmp(symbol, linkage_name, length);

    return order != 0 || symbol[length] == '\0' ? order : 1;
}

// Functions that were merged into another have no address of their own, but perhaps a declaration.
static void tell_names(const HiddenSearch *hidden, const DwarfFunction *found)
{
    uint32_t low = 0, high = hidden->name_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_symbol(hidden->names[middle].symbol, found->linkage_name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < hidden->name_count &&
           compare_symbol(hidden->names[low].symbol, found->linkage_name) == 0;
         low++) {
        char **readable = &hidden->names[low].function->readable[hidden->names[low].name];
        char *told = is_hidden(*readable) ? told_name(*readable, found->name) : NULL;
        if (told == NULL)
            continue;
        free(*readable);
        *readable = told;
    }
}

// A function whose symbols were stripped.
static void add_unheard_of(FunctionNames *function, const DwarfFunction *found)
{
    const char *symbol = found->linkage_name != NULL ? found->linkage_name : found->name;
    char *readable = rust_symbol_demangle(symbol);
    char *told = readable != NULL && is_hidden(readable) ? told_name(readable, found->name) : NULL;

    if (told != NULL) {
        free(readable);
        readable = told;
    }
    function_names_add(function, symbol, readable);
}

static void visit_function(void *context, const DwarfFunction *found)
{
    const HiddenSearch *hidden = context;
    const ModuleSearch *search = hidden->search;

    if (found->linkage_name != NULL)
        tell_names(hidden, found);
    if (found->address == 0)
        return;
    for (uint32_t i = module_search_position(search, found->address);
         i < search->function_count && search->functions[i].address == found->address; i++)
        if (search->functions[i].count == 0)
            add_unheard_of(&search->functions[i], found);
}

// Variables and code are not looked for.
static const AddressList no_addresses;

static void say_hidden_names_of(const CaptureAnalysis *analysis, ModuleSearch *search,
                                ByteBuffer *buffer, GuardedChild *child)
{
    ModuleFiles files = module_files_open(analysis, search->module);
    HiddenSearch hidden = {0};

    if (files.own == NULL)
        return;
    search->globals = search->tls = search->code = &no_addresses;
    module_search_visit_symbols(&files, search);
    if (hidden_search_init(&hidden, search) && hidden.address_count > 0) {
        bool has_own = elf_file_has_section(files.own, ".debug_info");
        ElfFile *file = has_own || files.debug == NULL ? files.own : files.debug;

        dwarf_names_visit(file, hidden.addresses, hidden.address_count, visit_function, &hidden);
        for (uint32_t i = 0; i < search->function_count; i++)
            if (search->functions[i].count > 0)
                function_names_say(&search->functions[i], buffer, child);
    }
    hidden_search_release(&hidden);
    module_files_close(&files);
}

void capture_say_hidden_names(void *context, GuardedChild *child)
{
    const CaptureAnalysis *analysis = context;
    ByteBuffer buffer = {0};

    for (uint32_t module = 0; module < analysis->details->module_count; module++) {
        ModuleSearch search;

        if (module_search_init(analysis, module, &search) && search.function_count > 0)
            say_hidden_names_of(analysis, &search, &buffer, child);
        module_search_release(&search);
    }
    byte_buffer_release(&buffer);
}
