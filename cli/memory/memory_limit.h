// MemoryLimit: how much memory a command may have resident, and what follows from it for the heap
// that it reads.
//
// The limit is --mem-limit, or what the machine and the control group leave. It counts resident
// memory as the kernel does, of the whole process, the program itself included. A heap of more than
// half of it is read in parts: see Note [Paged images]. Before each step that takes memory the
// session asks memory_limit_allows().
//
// Below MEMORY_LIMIT_LEAST the process itself takes too large a share to promise anything; there,
// the heap and what is computed from it are counted, and nothing else, so that tests of small heaps
// mean the same everywhere.

#ifndef CLI_MEMORY_MEMORY_LIMIT_H
#define CLI_MEMORY_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/file/snapshot_file.h"

#define MEMORY_LIMIT_LEAST (UINT64_C(256) << 20)

typedef struct MemoryLimit {
    uint64_t bytes;    // UINT64_MAX: none
    bool is_automatic; // from the machine or the control group
    HeapPagerOptions paging;
} MemoryLimit;

// option: --mem-limit; 0: as much as the machine and the control group leave.
void memory_limit_init(MemoryLimit *limit, int64_t option);

// How a snapshot is read within the limit. `options` borrow from `limit`.
void memory_limit_read_options(const MemoryLimit *limit, SnapshotReadOptions *options);

// About the bytes that a heap takes in memory as a whole, with its tables and a mark, and the
// program; bounded memory is enough to tell. Errors: those of snapshot_read_info().
NODISCARD bool memory_limit_whole_bytes(const MemoryLimit *limit, const char *path, uint64_t *bytes,
                                        Error *error);

// The bytes that are left for a step on this heap. counted: what the heap and what was computed
// from it take.
uint64_t memory_limit_left(const MemoryLimit *limit, const HeapImage *image, uint64_t counted);

#endif
