// MadeProcess: a stopped process made of words, for tests of the capture analysis.
//
//     MadeProcess *process = made_process_new();
//     made_process_map(process, 0x10000000, 0x4000, "rw-p", "[heap]");
//     made_process_page(process, 0x20000000, 64, 0x7);      (maps nothing: map it before)
//     made_process_set(process, 0x10000010, 0x20000640);
//     made_process_thread(process, 1, 0x7fff0000, 0x30000000);
//     ... heap_search_new(made_process_copy(process), ...)
//     made_process_free(process);
//
// Only pages that were written are in the copy, as in a real one. Pids are so large that no
// process has them. Running out of memory, or writing outside mappings, aborts: test code.

#ifndef TESTS_SUPPORT_MADE_PROCESS_H
#define TESTS_SUPPORT_MADE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/copy/process_copy.h"

#define MADE_PROCESS_PID 0x7ffffff0
#define MADE_PROCESS_MAX_MAPPINGS 64
#define MADE_PROCESS_MAX_THREADS 8
#define MADE_PROCESS_MAX_REGISTERS 8

typedef struct MadeProcess MadeProcess;

MadeProcess *made_process_new(void);
void made_process_free(MadeProcess *process);

// Mappings may be added in any order, but must not overlap. Page-aligned. inode 0 unless the
// name begins with '/'.
void made_process_map(MadeProcess *process, uint64_t start, uint64_t bytes, const char *permissions,
                      const char *name);

// `bytes` of writable memory at `address`, inside one mapping; counts as touched.
uint8_t *made_process_bytes(MadeProcess *process, uint64_t address, uint64_t bytes);
void made_process_set(MadeProcess *process, uint64_t address, uint64_t word);

// A valid page of a small class; bit i of `allocated`: slot i.
void made_process_page(MadeProcess *process, uint64_t address, uint32_t block_size,
                       uint64_t allocated);
// A large object's head page; its tail stays untouched. header_size is 1584.
void made_process_large_object(MadeProcess *process, uint64_t address, uint32_t block_size);

// Chunks of glibc's malloc from `start` on, all in use, and a last one that ends at `end`. The
// user's bytes begin 16 behind the start of each.
void made_process_chunks(MadeProcess *process, uint64_t start, const uint64_t *sizes, size_t count,
                         uint64_t end);

// The address of slot `slot` in a page of that class.
uint64_t made_process_slot(uint64_t page, uint32_t block_size, uint32_t slot);

// Returns the thread's index. Thread ids: MADE_PROCESS_PID + index.
uint32_t made_process_thread(MadeProcess *process, uint64_t stack_pointer, uint64_t control_block);
void made_process_register(MadeProcess *process, uint32_t thread, uint32_t number, uint64_t value);

// Borrowed; valid until the process changes.
const ProcessCopy *made_process_copy(MadeProcess *process);

#endif
