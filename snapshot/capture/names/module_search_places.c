// The places that ModuleSearch names beside functions of types: variables in which root words lie,
// and the code of frames.

#include "snapshot/capture/names/module_search_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/names/rust_symbol.h"

// Of one module; a program has some thousands in all.
#define MAX_MODULE_VARIABLES (1u << 18)

// ---- variables ----

// The index of the first address at or behind `start`.
static uint64_t first_at(const AddressList *list, uint64_t start)
{
    return search_from_u64(list->items, list->count, start);
}

bool address_list_holds(const AddressList *list, uint64_t start, uint64_t bytes)
{
    uint64_t first = first_at(list, start);

    return first < list->count && list->items[first] - start < bytes;
}

void module_search_add_variable(ModuleSearch *search, const ElfSymbol *symbol)
{
    bool is_tls = symbol->kind == ELF_SYMBOL_TLS;
    uint64_t address = symbol->address + (is_tls ? -search->tls_bytes : search->base);
    Error unwanted;
    char *name;

    if (search->variable_count == MAX_MODULE_VARIABLES ||
        !address_list_holds(is_tls ? search->tls : search->globals, address, symbol->bytes))
        return;
    if (!array_reserve(&search->variables, &search->variable_capacity, search->variable_count + 1u,
                       sizeof *search->variables, "variables", &unwanted))
        return;
    if ((name = strdup(symbol->name)) != NULL)
        search->variables[search->variable_count++] =
            (Variable){address, symbol->bytes, is_tls, symbol->is_local, name};
}

// Of several symbols for one place, a global one comes first, then the shorter.
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

void module_search_write_variables(ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child)
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

// Of several symbols for one place, the innermost is better, then a global one, then the shorter.
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

void module_search_name_code(ModuleSearch *search, const ElfSymbol *symbol)
{
    uint64_t function = search->base + symbol->address;
    char *copy;

    for (uint64_t i = first_at(search->code, function);
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

void module_search_write_code_names(const ModuleSearch *search, ByteBuffer *buffer,
                                    GuardedChild *child)
{
    for (uint64_t i = first_at(search->code, search->code_start);
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
