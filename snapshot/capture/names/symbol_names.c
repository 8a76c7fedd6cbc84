// The child that reads symbols: names of the functions that object headers point to, of the
// variables that root words lie in, and of the functions in frames. One pass over the symbols of
// each module that has any of them.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/names/module_search_internal.h"

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

// Static TLS lies this far below a thread's control block at most.
#define MAX_STATIC_TLS_BYTES (UINT64_C(1) << 20)

// The distance of a root word from its thread's control block. False: it cannot be a thread-local
// variable. (Static TLS of all threads but the main one lies at the end of their stacks.)
static bool tls_distance(const NameRequest *request, const Root *root, uint64_t *distance)
{
    if (root->thread == NO_INDEX || (root->kind != ROOT_TLS && root->kind != ROOT_STACK))
        return false;
    *distance = root->address - request->copy->threads[root->thread].control_block;
    return -*distance <= MAX_STATIC_TLS_BYTES;
}

// The addresses of all roots in globals, or of all that may be in thread-local variables.
static AddressList root_addresses(const NameRequest *request, bool is_tls)
{
    AddressList list = {0, calloc(request->root_count + 1, sizeof *list.items)};

    for (uint64_t i = 0; list.items != NULL && i < request->root_count; i++) {
        const Root *root = &request->roots[i];
        uint64_t address = root->address;

        if (is_tls ? tls_distance(request, root, &address) : root->kind == ROOT_GLOBAL)
            list.items[list.count++] = address;
    }
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_words);
    return list;
}

// An address in the function of each frame, each once.
static AddressList code_addresses(const NameRequest *request)
{
    const SnapshotDetails *details = request->details;
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
            address_list_holds(search->globals, search->base + segments[i].address,
                               segments[i].memory_bytes))
            return true;
    return false;
}

static bool has_code_of_frames(const ModuleSearch *search)
{
    return address_list_holds(search->code, search->code_start,
                              search->code_end - search->code_start);
}

static void write_module(const NameRequest *request, ModuleSearch *search, ByteBuffer *buffer,
                         GuardedChild *child)
{
    ModuleFiles files;

    if (search->function_count == 0 && search->globals->count == 0 && search->tls->count == 0 &&
        !has_code_of_frames(search))
        return;
    files = module_files_open(request->copy, &request->modules[search->module]);
    if (files.own == NULL)
        return;
    if (strcmp(request->details->modules[search->module].name, request->copy->executable) == 0)
        search->tls_bytes = elf_file_tls_bytes(files.own);
    if (search->function_count > 0 || has_code_of_frames(search) ||
        has_root_in_segments(search, files.own)) {
        module_search_visit_symbols(&files, search);
        for (uint32_t i = 0; i < search->function_count; i++)
            function_names_write(&search->functions[i], buffer, child);
        module_search_write_variables(search, buffer, child);
        module_search_write_code_names(search, buffer, child);
        module_search_write_flags(search, buffer, child);
    }
    module_files_close(&files);
}

void symbol_names_write(void *context, GuardedChild *child)
{
    const NameRequest *request = context;
    AddressList globals = root_addresses(request, false);
    AddressList tls = root_addresses(request, true);
    AddressList code = code_addresses(request);
    CodeName *code_names = calloc(code.count + 1, sizeof *code_names);
    ByteBuffer buffer = {0};

    for (uint32_t module = 0; code_names != NULL && module < request->details->module_count;
         module++) {
        ModuleSearch search;

        if (module_search_init(request, module, &search)) {
            search.globals = &globals;
            search.tls = &tls;
            search.code = &code;
            search.code_names = code_names;
            write_module(request, &search, &buffer, child);
        }
        module_search_release(&search);
    }
    for (uint64_t i = 0; code_names != NULL && i < code.count; i++)
        free(code_names[i].name);
    free(code_names);
    free(globals.items);
    free(tls.items);
    free(code.items);
    byte_buffer_release(&buffer);
}
