// Symbols, in the child: names of the functions that object headers point to, and of the variables
// that root words lie in.
//
// Each module's symbols come from its own file or, where that was stripped, from its debug file.
// Compilers merge identical functions, so one address may have several symbols, and they are a set.
// Where the mangling hides the type (rudo-gc's `GcBox<T>` in the old one), debug information may
// tell it; then the symbol is written as if it had told it itself.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/capture_names_internal.h"
#include "snapshot/debug_file.h"
#include "snapshot/dwarf_names.h"
#include "snapshot/rust_symbol.h"

// Variables of one module that are looked at; a program has some thousands in all.
#define MAX_MODULE_VARIABLES (1u << 18)

// Mangled and readable names of one function.
typedef struct FunctionNames {
    uint64_t address; // as the file says
    NameTable table;
    uint32_t index; // in its table
    uint32_t count;
    char **mangled; // owned, like all strings
    char **readable;
} FunctionNames;

typedef struct Variable {
    uint64_t address; // in the process; thread-local: from the control block
    uint64_t bytes;
    bool is_thread_local;
    bool is_local;
    char *name; // mangled; owned
} Variable;

// Ascending.
typedef struct AddressList {
    uint64_t count;
    uint64_t *items; // owned
} AddressList;

// The function of a code address.
typedef struct CodeName {
    uint64_t function; // its address in the process
    uint64_t bytes;
    bool is_local;
    char *name; // mangled; NULL: none was found; owned
} CodeName;

// What is looked for in one module.
typedef struct ModuleSearch {
    uint32_t module;
    uint64_t base;
    uint32_t function_count;
    FunctionNames *functions;   // ascending by address; owned
    const AddressList *globals; // of root words in the process; borrowed
    const AddressList *tls;     // likewise, from their threads' control blocks
    const AddressList *code;    // addresses in the functions of frames; borrowed
    CodeName *code_names;       // of each of them; borrowed
    uint64_t code_start;        // of the module's mappings
    uint64_t code_end;
    uint64_t tls_bytes; // elf_file_tls_bytes() of the executable; 0 in other modules
    uint32_t variable_count;
    uint32_t variable_capacity;
    Variable *variables; // owned
} ModuleSearch;

// ---- functions ----

static void add_name(FunctionNames *function, const char *mangled, char *readable)
{
    size_t count = function->count + 1;
    char **names;
    char *copy = strdup(mangled);

    if (count > MAX_FUNCTION_NAMES || copy == NULL || readable == NULL)
        goto fail;
    if ((names = reallocarray(function->mangled, count, sizeof *names)) == NULL)
        goto fail;
    function->mangled = names;
    if ((names = reallocarray(function->readable, count, sizeof *names)) == NULL)
        goto fail;
    function->readable = names;
    function->mangled[function->count] = copy;
    function->readable[function->count++] = readable;
    return;

fail:
    free(copy);
    free(readable);
}

// The first function at or behind the address.
static uint32_t function_position(const ModuleSearch *search, uint64_t address)
{
    uint32_t low = 0, high = search->function_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (search->functions[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_functions_of(const CaptureAnalysis *analysis, ModuleSearch *search, NameTable table)
{
    const SnapshotDetails *details = analysis->details;
    const SnapshotType *functions = table == NAME_TABLE_TYPES ? details->types : details->drops;
    uint32_t count = table == NAME_TABLE_TYPES ? details->type_count : details->drop_count;

    for (uint32_t i = 0; i < count; i++)
        if (functions[i].module == search->module)
            search->functions[search->function_count++] =
                (FunctionNames){.address = functions[i].module_offset, .table = table, .index = i};
}

static int compare_functions(const void *left, const void *right)
{
    const FunctionNames *a = left, *b = right;

    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (int)a->table - (int)b->table;
}

static void say_function(const FunctionNames *function, ByteBuffer *buffer, GuardedChild *child)
{
    name_record_begin(buffer, NAME_OF_FUNCTION);
    byte_buffer_add_u32(buffer, function->table);
    byte_buffer_add_u32(buffer, function->index);
    for (uint32_t i = 0; i < function->count; i++)
        name_record_add_string(buffer, function->readable[i]);
    (void)name_record_end(buffer, child);
}

// ---- variables ----

// The index of the first address at or behind `start`.
static uint64_t first_address(const AddressList *list, uint64_t start)
{
    uint64_t low = 0, high = list->count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (list->items[middle] < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Is one of the addresses in [start, start + bytes)?
static bool holds_address(const AddressList *list, uint64_t start, uint64_t bytes)
{
    uint64_t first = first_address(list, start);

    return first < list->count && list->items[first] - start < bytes;
}

static void add_variable(ModuleSearch *search, const ElfSymbol *symbol)
{
    bool is_tls = symbol->kind == ELF_SYMBOL_TLS;
    uint64_t address = symbol->address + (is_tls ? -search->tls_bytes : search->base);
    char *name;

    if (search->variable_count == MAX_MODULE_VARIABLES ||
        !holds_address(is_tls ? search->tls : search->globals, address, symbol->bytes))
        return;
    if (search->variable_count == search->variable_capacity) {
        uint32_t capacity = search->variable_capacity == 0 ? 64 : 2 * search->variable_capacity;
        Variable *grown = reallocarray(search->variables, capacity, sizeof *grown);
        if (grown == NULL)
            return;
        search->variables = grown;
        search->variable_capacity = capacity;
    }
    if ((name = strdup(symbol->name)) != NULL)
        search->variables[search->variable_count++] =
            (Variable){address, symbol->bytes, is_tls, symbol->is_local, name};
}

// Of several symbols for one place, the one that is known outside, then the shorter comes first.
static int compare_variables(const void *left, const void *right)
{
    const Variable *a = left, *b = right;

    if (a->is_thread_local != b->is_thread_local)
        return a->is_thread_local ? 1 : -1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->is_local != b->is_local)
        return a->is_local ? 1 : -1;
    if (strlen(a->name) != strlen(b->name))
        return strlen(a->name) < strlen(b->name) ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void say_variables(ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child)
{
    if (search->variable_count > 1)
        qsort(search->variables, search->variable_count, sizeof *search->variables,
              compare_variables);
    for (uint32_t i = 0; i < search->variable_count; i++) {
        const Variable *variable = &search->variables[i];
        char *name;

        if (i > 0 && variable->address == variable[-1].address &&
            variable->is_thread_local == variable[-1].is_thread_local)
            continue;
        name = rust_symbol_demangle(variable->name);
        name_record_begin(buffer, NAME_OF_VARIABLE);
        byte_buffer_add_u64(buffer, variable->address);
        byte_buffer_add_u64(buffer, variable->bytes);
        byte_buffer_add_u32(buffer, search->module);
        byte_buffer_add_u32(buffer, variable->is_thread_local);
        name_record_add_string(buffer, name != NULL ? name : variable->name);
        free(name);
        (void)name_record_end(buffer, child);
    }
}

// ---- code ----

// Of several symbols for one place, the innermost, then the one that is known outside, then the
// shorter.
static bool is_better(const CodeName *name, uint64_t function, const ElfSymbol *symbol)
{
    if (name->name == NULL || function != name->function)
        return name->name == NULL || function > name->function;
    if (symbol->bytes != name->bytes)
        return symbol->bytes < name->bytes;
    if (symbol->is_local != name->is_local)
        return name->is_local;
    return strlen(symbol->name) < strlen(name->name);
}

static void name_code(ModuleSearch *search, const ElfSymbol *symbol)
{
    uint64_t function = search->base + symbol->address;
    char *copy;

    for (uint64_t i = first_address(search->code, function);
         i < search->code->count && search->code->items[i] - function < symbol->bytes; i++) {
        CodeName *name = &search->code_names[i];

        // A symbol that lies about its size names nothing in other modules.
        if (search->code->items[i] < search->code_start ||
            search->code->items[i] >= search->code_end || !is_better(name, function, symbol) ||
            (copy = strdup(symbol->name)) == NULL)
            continue;
        free(name->name);
        *name = (CodeName){function, symbol->bytes, symbol->is_local, copy};
    }
}

static void say_code_names(const ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child)
{
    for (uint64_t i = first_address(search->code, search->code_start);
         i < search->code->count && search->code->items[i] < search->code_end; i++) {
        const CodeName *code = &search->code_names[i];
        char *name = code->name == NULL ? NULL : rust_symbol_demangle(code->name);

        if (name == NULL)
            continue;
        name_record_begin(buffer, NAME_OF_CODE);
        byte_buffer_add_u64(buffer, search->code->items[i]);
        byte_buffer_add_u64(buffer, code->function);
        name_record_add_string(buffer, name);
        free(name);
        (void)name_record_end(buffer, child);
    }
}

// ---- one module ----

static bool visit_symbol(void *context, const ElfSymbol *symbol)
{
    ModuleSearch *search = context;

    for (uint32_t i = function_position(search, symbol->address);
         i < search->function_count && search->functions[i].address == symbol->address &&
         symbol->kind != ELF_SYMBOL_TLS;
         i++)
        add_name(&search->functions[i], symbol->name, rust_symbol_demangle(symbol->name));
    if (symbol->kind == ELF_SYMBOL_CODE)
        name_code(search, symbol);
    if (symbol->kind == ELF_SYMBOL_DATA ||
        (symbol->kind == ELF_SYMBOL_TLS && search->tls_bytes > 0))
        add_variable(search, symbol);
    return true;
}

// A module's file, and its debug file, if there is one and it is asked for.
typedef struct ModuleFiles {
    ElfFile *own;
    ElfFile *debug; // or NULL
} ModuleFiles;

int capture_open_debug_file(const CaptureAnalysis *analysis, uint32_t module, ElfFile *own)
{
    // The process of a core is gone, and its number may be somebody else's.
    return debug_file_find(own, capture_module_path(analysis, module),
                           analysis->copy->is_core ? 0 : analysis->copy->pid);
}

static ModuleFiles open_files(const CaptureAnalysis *analysis, uint32_t module)
{
    ModuleFiles files = {capture_open_module_mapped(analysis, module), NULL};
    int fd;

    if (files.own == NULL)
        return files;
    if (elf_file_has_all_symbols(files.own) && elf_file_has_section(files.own, ".debug_info"))
        return files;
    fd = capture_open_debug_file(analysis, module, files.own);
    files.debug = fd < 0 ? NULL : elf_file_open_mapped(fd);
    return files;
}

static void close_files(ModuleFiles *files)
{
    elf_file_free(files->debug);
    elf_file_free(files->own);
}

static bool search_init(const CaptureAnalysis *analysis, uint32_t module, ModuleSearch *search)
{
    const SnapshotDetails *details = analysis->details;
    size_t most = (size_t)details->type_count + details->drop_count + 1;

    *search = (ModuleSearch){
        .module = module,
        .base = details->modules[module].base,
        .code_start = analysis->copy->mappings[analysis->modules[module].first_mapping].start,
        .code_end = details->modules[module].end,
    };
    search->functions = calloc(most, sizeof *search->functions);
    if (search->functions == NULL)
        return false;
    add_functions_of(analysis, search, NAME_TABLE_TYPES);
    add_functions_of(analysis, search, NAME_TABLE_DROPS);
    qsort(search->functions, search->function_count, sizeof *search->functions, compare_functions);
    return true;
}

static void search_release(ModuleSearch *search)
{
    for (uint32_t i = 0; i < search->function_count; i++) {
        for (uint32_t n = 0; n < search->functions[i].count; n++) {
            free(search->functions[i].mangled[n]);
            free(search->functions[i].readable[n]);
        }
        free(search->functions[i].mangled);
        free(search->functions[i].readable);
    }
    for (uint32_t i = 0; i < search->variable_count; i++)
        free(search->variables[i].name);
    free(search->functions);
    free(search->variables);
}

static void visit_symbols_of(const ModuleFiles *files, ModuleSearch *search)
{
    bool has_own = elf_file_has_all_symbols(files->own);
    ElfFile *file = !has_own && files->debug != NULL && elf_file_has_all_symbols(files->debug)
                        ? files->debug
                        : files->own;

    (void)elf_file_visit_symbols(file, visit_symbol, search);
}

// ---- all modules ----

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

// Static TLS lies this far below a thread's control block at most.
#define MAX_STATIC_TLS_BYTES (UINT64_C(1) << 20)

// Where the word of a root lies from its thread's control block; false when it cannot be a
// thread-local variable. Static TLS of a thread that was made lies at the end of its stack.
static bool tls_distance(const CaptureAnalysis *analysis, const Root *root, uint64_t *distance)
{
    if (root->thread == NO_INDEX || (root->kind != ROOT_TLS && root->kind != ROOT_STACK))
        return false;
    *distance = root->address - analysis->copy->threads[root->thread].control_block;
    return -*distance <= MAX_STATIC_TLS_BYTES;
}

// Where all roots in globals, or all that may be in thread-local variables, lie.
static AddressList root_addresses(const CaptureAnalysis *analysis, bool is_tls)
{
    AddressList list = {0, calloc(analysis->root_count + 1, sizeof *list.items)};

    for (uint64_t i = 0; list.items != NULL && i < analysis->root_count; i++) {
        const Root *root = &analysis->roots[i];
        uint64_t address = root->address;

        if (is_tls ? tls_distance(analysis, root, &address) : root->kind == ROOT_GLOBAL)
            list.items[list.count++] = address;
    }
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_words);
    return list;
}

// Addresses in the functions of all frames.
static AddressList code_addresses(const CaptureAnalysis *analysis)
{
    const SnapshotDetails *details = analysis->details;
    AddressList list = {0};
    uint64_t total = 0, kept = 0;

    for (uint32_t i = 0; i < details->stack_count; i++)
        total += details->stacks[i].frame_count;
    list.items = calloc(total + 1, sizeof *list.items);
    for (uint32_t i = 0; list.items != NULL && i < details->stack_count; i++)
        for (uint32_t f = 0; f < details->stacks[i].frame_count; f++)
            list.items[list.count++] = frame_code_address(&details->stacks[i].frames[f]);
    if (list.count == 0)
        return list;
    qsort(list.items, list.count, sizeof *list.items, compare_words);
    for (uint64_t i = 0; i < list.count; i++)
        if (kept == 0 || list.items[i] != list.items[kept - 1])
            list.items[kept++] = list.items[i];
    list.count = kept;
    return list;
}

static bool has_root_in_segments(const ModuleSearch *search, ElfFile *file)
{
    ElfSegment segments[ELF_MAX_SEGMENTS];
    uint32_t count = elf_file_segments(file, segments);

    if (search->tls_bytes > 0 && search->tls->count > 0)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (segments[i].is_writable &&
            holds_address(search->globals, search->base + segments[i].address,
                          segments[i].memory_bytes))
            return true;
    return false;
}

static bool has_code_of_frames(const ModuleSearch *search)
{
    return holds_address(search->code, search->code_start, search->code_end - search->code_start);
}

static void say_module(const CaptureAnalysis *analysis, ModuleSearch *search, ByteBuffer *buffer,
                       GuardedChild *child)
{
    ModuleFiles files;

    if (search->function_count == 0 && search->globals->count == 0 && search->tls->count == 0 &&
        !has_code_of_frames(search))
        return;
    files = open_files(analysis, search->module);
    if (files.own == NULL)
        return;
    if (strcmp(analysis->details->modules[search->module].name, analysis->copy->executable) == 0)
        search->tls_bytes = elf_file_tls_bytes(files.own);
    if (search->function_count > 0 || has_code_of_frames(search) ||
        has_root_in_segments(search, files.own)) {
        visit_symbols_of(&files, search);
        for (uint32_t i = 0; i < search->function_count; i++)
            say_function(&search->functions[i], buffer, child);
        say_variables(search, buffer, child);
        say_code_names(search, buffer, child);
    }
    close_files(&files);
}

void capture_say_symbols(void *context, GuardedChild *child)
{
    const CaptureAnalysis *analysis = context;
    AddressList globals = root_addresses(analysis, false);
    AddressList tls = root_addresses(analysis, true);
    AddressList code = code_addresses(analysis);
    CodeName *code_names = calloc(code.count + 1, sizeof *code_names);
    ByteBuffer buffer = {0};

    for (uint32_t module = 0; code_names != NULL && module < analysis->details->module_count;
         module++) {
        ModuleSearch search;

        if (search_init(analysis, module, &search)) {
            search.globals = &globals;
            search.tls = &tls;
            search.code = &code;
            search.code_names = code_names;
            say_module(analysis, &search, &buffer, child);
        }
        search_release(&search);
    }
    for (uint64_t i = 0; code_names != NULL && i < code.count; i++)
        free(code_names[i].name);
    free(code_names);
    free(globals.items);
    free(tls.items);
    free(code.items);
    byte_buffer_release(&buffer);
}

// ---- debug information ----

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
    add_name(function, symbol, readable);
}

static void visit_function(void *context, const DwarfFunction *found)
{
    const HiddenSearch *hidden = context;
    const ModuleSearch *search = hidden->search;

    if (found->linkage_name != NULL)
        tell_names(hidden, found);
    if (found->address == 0)
        return;
    for (uint32_t i = function_position(search, found->address);
         i < search->function_count && search->functions[i].address == found->address; i++)
        if (search->functions[i].count == 0)
            add_unheard_of(&search->functions[i], found);
}

// Variables and code are not looked for.
static const AddressList no_addresses;

static void say_hidden_names_of(const CaptureAnalysis *analysis, ModuleSearch *search,
                                ByteBuffer *buffer, GuardedChild *child)
{
    ModuleFiles files = open_files(analysis, search->module);
    HiddenSearch hidden = {0};

    if (files.own == NULL)
        return;
    search->globals = search->tls = search->code = &no_addresses;
    visit_symbols_of(&files, search);
    if (hidden_search_init(&hidden, search) && hidden.address_count > 0) {
        bool has_own = elf_file_has_section(files.own, ".debug_info");
        ElfFile *file = has_own || files.debug == NULL ? files.own : files.debug;

        dwarf_names_visit(file, hidden.addresses, hidden.address_count, visit_function, &hidden);
        for (uint32_t i = 0; i < search->function_count; i++)
            if (search->functions[i].count > 0)
                say_function(&search->functions[i], buffer, child);
    }
    hidden_search_release(&hidden);
    close_files(&files);
}

void capture_say_hidden_names(void *context, GuardedChild *child)
{
    const CaptureAnalysis *analysis = context;
    ByteBuffer buffer = {0};

    for (uint32_t module = 0; module < analysis->details->module_count; module++) {
        ModuleSearch search;

        if (search_init(analysis, module, &search) && search.function_count > 0)
            say_hidden_names_of(analysis, &search, &buffer, child);
        search_release(&search);
    }
    byte_buffer_release(&buffer);
}
