// Symbols of a module: see module_symbols.h. The child sends a record for each, of which nothing is
// trusted: it may have gone wrong.

#include "snapshot/capture/names/module_symbols.h"

#include <string.h>

#include "snapshot/capture/names/guarded_child.h"

#define CPU_SECONDS 5u
#define WALL_SECONDS 20u
#define MEMORY_BYTES (UINT64_C(512) << 20)
#define OUTPUT_BYTES (UINT64_C(64) << 10)

typedef struct SymbolsRequest {
    const ProcessCopy *copy;
    const MappedModule *module;
    uint64_t base;
    const char *const *names;
    uint32_t count;
} SymbolsRequest;

typedef struct SymbolRecord {
    uint64_t number; // of the name
    uint64_t address;
} SymbolRecord;

typedef struct SymbolSearch {
    const SymbolsRequest *request;
    GuardedChild *child;
} SymbolSearch;

// In the child.
static bool visit_symbol(void *context, const ElfSymbol *symbol)
{
    const SymbolSearch *search = context;

    for (uint32_t i = 0; symbol->kind != ELF_SYMBOL_TLS && i < search->request->count; i++)
        if (strcmp(symbol->name, search->request->names[i]) == 0) {
            const SymbolRecord record = {i, symbol->address + search->request->base};

            return guarded_child_write(search->child, &record, sizeof record);
        }
    return true;
}

// In the child.
static void read_symbols(void *context, GuardedChild *child)
{
    const SymbolsRequest *request = context;
    ElfFile *file = module_file_open_mapped(request->copy, request->module);
    SymbolSearch search = {request, child};

    if (file == NULL)
        return;
    (void)elf_file_visit_symbols(file, visit_symbol, &search);
    elf_file_free(file);
}

bool module_symbols_find(const ProcessCopy *copy, const MappedModule *module, uint64_t base,
                         const char *const *names, uint32_t count, const Cancel *cancel,
                         uint64_t *addresses, Error *error)
{
    SymbolsRequest request = {copy, module, base, names, count};
    char root[MODULE_ROOT_CHARS];
    const GuardedWork work = {
        .run = read_symbols,
        .context = &request,
        .root = root,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = OUTPUT_BYTES,
        .cancel = *cancel,
    };
    ByteBuffer output = {0};
    GuardedEnd end;
    bool ok;

    memset(addresses, 0, count * sizeof *addresses);
    module_files_root(copy, root);
    ok = guarded_child_run(&work, &output, &end, error);
    for (size_t at = 0; ok && output.length - at >= sizeof(SymbolRecord);
         at += sizeof(SymbolRecord)) {
        SymbolRecord record;

        memcpy(&record, output.bytes + at, sizeof record);
        if (record.number < count && addresses[record.number] == 0)
            addresses[record.number] = record.address;
    }
    byte_buffer_release(&output);
    return ok;
}
