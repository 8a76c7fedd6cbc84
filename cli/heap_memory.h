// Is there memory for a heap? Asked before it is read: what would pass the limit is not begun, and
// the error says how much would do.

#ifndef CLI_HEAP_MEMORY_H
#define CLI_HEAP_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/memory/memory_limit.h"

// Fails with ERROR_MEMORY: `what` would take `bytes` where `left` are left; `would_do` is a limit
// that suffices for the whole command.
bool heap_memory_refuse(const MemoryLimit *limit, const char *what, uint64_t bytes, uint64_t left,
                        uint64_t would_do, Error *error);

// For the whole heap in the file `path`, for commands that cannot do with a part of it? `jobs` such
// heaps share the limit. Errors: memory (no), those of reading the file.
NODISCARD bool heap_memory_check_whole(const MemoryLimit *limit, const char *path, uint32_t jobs,
                                       Error *error);

// For the tables of that heap, which are always resident, and a part of its pages? Errors: the
// same.
NODISCARD bool heap_memory_check_tables(const MemoryLimit *limit, const char *path, Error *error);

// Reads the heap at `path` for a command that needs a few of its objects: in parts, where it does
// not fit. Errors: those of snapshot_read(), and of heap_memory_check_tables().
NODISCARD bool heap_memory_read(const MemoryLimit *limit, const char *path, HeapImage **out,
                                Error *error);

// How many of `jobs` may hold a heap like that at `path` at once: at least 1.
uint32_t heap_memory_jobs(const MemoryLimit *limit, const char *path, uint32_t jobs);

// The most bytes of contents that a salvaged snapshot may have; option: --mem-limit, 0: none, which
// gives 0.
uint64_t heap_memory_salvaged(int64_t option);

#endif
