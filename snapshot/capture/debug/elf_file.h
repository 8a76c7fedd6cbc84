// ElfFile: segments, build-id and symbols of an executable or shared library. One of the two doors
// to libelf.
//
// The file may be hostile: damaged parts read as absent. Nothing is mapped, unless requested, so
// that a file which shrinks while it is read cannot kill us.

#ifndef SNAPSHOT_CAPTURE_DEBUG_ELF_FILE_H
#define SNAPSHOT_CAPTURE_DEBUG_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

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

// Consumes `fd`, also on failure. NULL when it is not a 64-bit little-endian ELF file that
// can be run or loaded. The caller frees it with elf_file_free().
ElfFile *elf_file_open(int fd);
// The same for the beginning of a file, which is copied from memory; the rest of the file reads as
// absent.
ElfFile *elf_file_open_memory(const uint8_t *bytes, size_t length);
// The same for a whole file in memory, which is consumed: malloc'd.
ElfFile *elf_file_open_image(uint8_t *image, size_t length);
// The same for memory that stays the caller's, until the file is freed.
ElfFile *elf_file_open_borrowed(uint8_t *image, size_t length);
void elf_file_free(ElfFile *file);

// The same with the file mapped, so that only the parts of it that are read take memory. The
// process dies of SIGBUS if the file shrinks: for a GuardedChild only.
ElfFile *elf_file_open_mapped(int fd);

// Fills at most ELF_MAX_SEGMENTS, and returns their number.
uint32_t elf_file_segments(ElfFile *file, ElfSegment segments[ELF_MAX_SEGMENTS]);

// "" when the file has none.
void elf_file_build_id(ElfFile *file, char build_id[ELF_BUILD_ID_CHARS]);

// The debug file that was split off, by the section .gnu_debuglink: its name, without folders, and
// its checksum. False when the file lacks that section.
#define ELF_DEBUG_LINK_CHARS 256
bool elf_file_debug_link(ElfFile *file, char name[ELF_DEBUG_LINK_CHARS], uint32_t *checksum);

// The distance from the start of an executable's thread-local block up to the thread's control
// block, by the x86-64 ABI (the code has it as a constant). 0: it has no such block.
uint64_t elf_file_tls_bytes(ElfFile *file);

bool elf_file_has_section(ElfFile *file, const char *name);

// The bytes of a section as they lie in the file; borrowed.
typedef struct ElfSection {
    const uint8_t *bytes;
    size_t length;
    bool is_compressed; // they begin with an Elf64_Chdr
} ElfSection;

// False: the file lacks the section, or the section is empty.
bool elf_file_section(ElfFile *file, const char *name, ElfSection *out);
// Has it .symtab, and not .dynsym alone?
bool elf_file_has_all_symbols(ElfFile *file);

typedef enum ElfSymbolKind {
    ELF_SYMBOL_CODE,
    ELF_SYMBOL_DATA,
    ELF_SYMBOL_TLS, // `address` is the offset in the module's thread-local block
} ElfSymbolKind;

typedef struct ElfSymbol {
    const char *name; // borrowed for the call
    uint64_t address; // virtual, as the file says
    uint64_t bytes;
    ElfSymbolKind kind;
    bool is_local;
} ElfSymbol;

// Called with every defined function, object or thread-local symbol: of .symtab, or of .dynsym if
// the file lacks .symtab. False stops.
typedef bool (*ElfSymbolVisitor)(void *context, const ElfSymbol *symbol);

// False when the visitor stopped.
bool elf_file_visit_symbols(ElfFile *file, ElfSymbolVisitor visitor, void *context);

// For the files that use other libraries: libelf's handle, borrowed; and a new descriptor of the
// file, which the caller closes, or -1.
struct Elf;
struct Elf *elf_file_handle(ElfFile *file);
int elf_file_descriptor(const ElfFile *file);

#endif
