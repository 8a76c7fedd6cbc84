// Debug information that was compressed with zstd, which libelf 0.188 cannot undo. One of the doors
// to libzstd. For a GuardedChild only: the sizes are the file's choice.

#ifndef SNAPSHOT_CAPTURE_DEBUG_ZSTD_SECTIONS_H
#define SNAPSHOT_CAPTURE_DEBUG_ZSTD_SECTIONS_H

#include "snapshot/capture/debug/elf_file.h"

// Is one of its sections of debug information compressed with zstd?
bool zstd_sections_present(ElfFile *file);

// A file in memory with all sections of debug information of `file`, those with zstd unpacked.
// NULL: they are damaged, too large, or memory is short. The caller frees it.
ElfFile *zstd_sections_unpack(ElfFile *file);

#endif
