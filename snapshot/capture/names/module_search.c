// ModuleSearch: see snapshot/capture/names/module_search_internal.h.

#include "snapshot/capture/names/module_search_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/names/rust_symbol.h"

// ---- functions ----

void function_names_add(FunctionNames *function, const char *mangled, char *readable)
{
    char *copy = strdup(mangled);
    Error unwanted;

    if (function->count < MAX_FUNCTION_NAMES && copy != NULL && readable != NULL &&
        array_reserve(&function->names, &function->capacity, function->count + 1u,
                      sizeof *function->names, "names", &unwanted)) {
        function->names[function->count++] = (FunctionName){copy, readable};
        return;
    }
    free(copy);
    free(readable);
}

uint32_t module_search_position(const ModuleSearch *search, uint64_t address)
{
    return (uint32_t)search_from(search->functions, search->function_count, address, address);
}

static void add_functions_of(const NameRequest *request, ModuleSearch *search, NameTable table)
{
    const SnapshotDetails *details = request->details;
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

void function_names_write(const FunctionNames *function, ByteBuffer *buffer, GuardedChild *child)
{
    name_record_begin(buffer, NAME_OF_FUNCTION);
    byte_buffer_add_u32(buffer, function->table);
    byte_buffer_add_u32(buffer, function->index);
    for (uint32_t i = 0; i < function->count; i++)
        name_record_add_string(buffer, function->names[i].readable);
    (void)name_record_end(buffer, child);
}

// ---- symbols ----

static bool visit_symbol(void *context, const ElfSymbol *symbol)
{
    ModuleSearch *search = context;

    for (uint32_t i = module_search_position(search, symbol->address);
         i < search->function_count && search->functions[i].address == symbol->address &&
         symbol->kind != ELF_SYMBOL_TLS;
         i++)
        function_names_add(&search->functions[i], symbol->name, rust_symbol_demangle(symbol->name));
    if (symbol->kind == ELF_SYMBOL_CODE)
        module_search_name_code(search, symbol);
    if (symbol->kind == ELF_SYMBOL_DATA ||
        (symbol->kind == ELF_SYMBOL_TLS && search->tls_bytes > 0))
        module_search_add_variable(search, symbol);
    if (symbol->kind != ELF_SYMBOL_CODE)
        module_search_note_flag(search, symbol);
    return true;
}

bool module_search_init(const NameRequest *request, uint32_t module, ModuleSearch *search)
{
    const SnapshotDetails *details = request->details;
    size_t most = (size_t)details->type_count + details->drop_count + 1;

    *search = (ModuleSearch){
        .module = module,
        .base = details->modules[module].base,
        .code_start = request->copy->mappings[request->modules[module].first_mapping].start,
        .code_end = details->modules[module].end,
    };
    search->functions = calloc(most, sizeof *search->functions);
    if (search->functions == NULL)
        return false;
    add_functions_of(request, search, NAME_TABLE_TYPES);
    add_functions_of(request, search, NAME_TABLE_DROPS);
    qsort(search->functions, search->function_count, sizeof *search->functions, compare_functions);
    return true;
}

void module_search_release(ModuleSearch *search)
{
    for (uint32_t i = 0; i < search->function_count; i++) {
        for (uint32_t n = 0; n < search->functions[i].count; n++) {
            free(search->functions[i].names[n].mangled);
            free(search->functions[i].names[n].readable);
        }
        free(search->functions[i].names);
    }
    for (uint32_t i = 0; i < search->variable_count; i++)
        free(search->variables[i].name);
    free(search->functions);
    free(search->variables);
}

void module_search_visit_symbols(const ModuleFiles *files, ModuleSearch *search)
{
    bool has_own = elf_file_has_all_symbols(files->own);
    ElfFile *file = !has_own && files->debug != NULL && elf_file_has_all_symbols(files->debug)
                        ? files->debug
                        : files->own;

    (void)elf_file_visit_symbols(file, visit_symbol, search);
}
