// Fuzz target: an executable, through everything that names are found out by.
//
// ElfFile and demangling run here; the rest, which needs libdw, in the children that a capture
// makes: whatever happens to them, the capture must be whole.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/debug/elf_file.h"
#include "snapshot/capture/names/rust_symbol.h"
#include "tests/support/made_executable.h"

// More than this is slow, and no different.
#define MAX_BYTES (UINT64_C(1) << 20)
#define MAX_DEMANGLED 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool visit(void *context, const ElfSymbol *symbol)
{
    uint32_t *visits = context;
    char *name = rust_symbol_demangle(symbol->name);

    if (name == NULL)
        abort();
    free(name);
    return ++*visits < MAX_DEMANGLED;
}

static void read_file(const uint8_t *data, size_t size)
{
    ElfSegment segments[ELF_MAX_SEGMENTS];
    char build_id[ELF_BUILD_ID_CHARS], link[ELF_DEBUG_LINK_CHARS];
    ElfFile *file = elf_file_open_memory(data, size);
    uint32_t visits = 0, checksum;

    if (file == NULL)
        return;
    if (elf_file_segments(file, segments) > ELF_MAX_SEGMENTS)
        abort();
    elf_file_build_id(file, build_id);
    if (strlen(build_id) >= ELF_BUILD_ID_CHARS)
        abort();
    if (elf_file_debug_link(file, link, &checksum) && strchr(link, '/') != NULL)
        abort();
    (void)elf_file_tls_bytes(file);
    (void)elf_file_has_section(file, ".debug_info");
    (void)elf_file_has_all_symbols(file);
    (void)elf_file_visit_symbols(file, visit, &visits);
    elf_file_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // Where the functions of the seeds are, and one that is none.
    static const uint64_t addresses[] = {0x1000, 0x1010, 0x1020, 0x1030,
                                         0x1040, 0x1050, 0x1060, 0x1008};
    static const MadeFunctions functions = {addresses, sizeof addresses / sizeof addresses[0]};
    MadeExecutable made;
    Error error = {0};

    if (size > MAX_BYTES)
        return 0;
    read_file(data, size);
    if (!made_executable_capture(&made, data, size, &functions, &error) ||
        made.counts.object_count != MADE_EXECUTABLE_OBJECTS)
        abort();
    made_executable_release(&made);
    return 0;
}
