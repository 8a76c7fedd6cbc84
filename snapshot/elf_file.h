// ElfFile: the little we need of an executable or shared library: segments, build-id,
// symbols. One of the two doors to libelf.
//
// The file may be hostile: whatever is damaged reads as absent, and nothing is mapped, so
// that a file which shrinks while it is read cannot kill us.

#ifndef SNAPSHOT_ELF_FILE_H
#define SNAPSHOT_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/error.h"

#define ELF_BUILD_ID_CHARS 64 // lower-case hex and NUL; a longer one is cut
#define ELF_MAX_SEGMENTS 64

typedef struct ElfFile ElfFile;

// A PT_LOAD segment.
typedef struct ElfSegment {
    uint64_t file_offset;
    uint64_t address; // virtual, as the file says
    uint64_t memory_bytes;
    bool is_writable;
} ElfSegment;

// Consumes `fd`, whatever happens. NULL when it is not a 64-bit little-endian ELF file that
// can be run or loaded. The caller frees it with elf_file_free().
ElfFile *elf_file_open(int fd);
// The same for the beginning of a file that is in memory, and copied; what lies behind it reads
// as absent.
ElfFile *elf_file_open_memory(const uint8_t *bytes, size_t length);
void elf_file_free(ElfFile *file);

// Fills at most ELF_MAX_SEGMENTS; returns how many.
uint32_t elf_file_segments(ElfFile *file, ElfSegment segments[ELF_MAX_SEGMENTS]);

// "" when there is none.
void elf_file_build_id(ElfFile *file, char build_id[ELF_BUILD_ID_CHARS]);

// Called with every defined function or object symbol: of .symtab, or of .dynsym when there
// is no .symtab. `name` is borrowed for the call. False stops.
typedef bool (*ElfSymbolVisitor)(void *context, uint64_t address, const char *name);

// False when the visitor stopped.
bool elf_file_visit_symbols(ElfFile *file, ElfSymbolVisitor visitor, void *context);

#endif
