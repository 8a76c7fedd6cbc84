// ProcessCopy: a stopped process as plain data: its mappings, its threads with their
// registers, and the bytes of its private writable memory.
//
// The one border between "how we got at a process" (ptrace and process_vm_readv, a core file;
// pre-copy or fork later) and "what we find in it" (find/heap_search.h).
// Whoever fills it takes everything that the analysis may want to see, because the process
// runs on afterwards: reading later would see another heap.

#ifndef SNAPSHOT_CAPTURE_COPY_PROCESS_COPY_H
#define SNAPSHOT_CAPTURE_COPY_PROCESS_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/pause_certificate.h"

// One line of /proc/PID/maps.
typedef struct ProcessMapping {
    uint64_t start;
    uint64_t end;
    uint64_t file_offset;
    uint64_t inode;
    bool is_readable;
    bool is_writable;
    bool is_executable;
    bool is_private;
    char *name; // path, "[heap]", "[stack]", ...; "" for anonymous memory; owned
} ProcessMapping;

// Contiguous bytes that were copied. Pages that were never touched are not in any range:
// they read as zero.
typedef struct ProcessRange {
    uint64_t address; // page-aligned
    uint64_t bytes;
    const uint8_t *data; // into the staging memory of the copy
} ProcessRange;

// Registers of one thread as words that may be roots; the number names the register in
// snapshots (docs/format.md): general registers first, then vector registers.
typedef struct ProcessRegister {
    uint32_t number;
    uint64_t value;
} ProcessRegister;

typedef struct ProcessThread {
    uint32_t tid;
    char name[64]; // comm
    uint64_t stack_pointer;
    uint64_t program_counter;
    uint64_t control_block; // fs_base
    uint32_t register_count;
    ProcessRegister *registers; // owned
} ProcessThread;

typedef struct ProcessCopy {
    int pid;
    char executable[256]; // file name without folders
    const char *method;   // how it was copied: "stop", "fork", "precopy", "core"; static
    // Of a core file. Mapped files are opened by the names in the core then, not as the process
    // sees them, and only where they are the very files.
    bool is_core;
    const char *executable_mapping_name; // whose file the executable is, or NULL; of `mappings`
    char *executable_path;               // what to read as that file instead, or NULL; owned
    uint32_t mapping_count;
    ProcessMapping *mappings; // ascending by start; all mappings, copied or not; owned
    uint64_t range_count;
    ProcessRange *ranges; // ascending, disjoint; owned
    uint32_t thread_count;
    ProcessThread *threads; // ascending by tid, main thread first; owned
    uint64_t copied_bytes;
    uint64_t pause_ns;            // first interrupt to last detach, of the longest stop
    PauseCertificate certificate; // of a running process
    int64_t captured_at_ns;       // since 1970, UTC, at the first interrupt
    uint64_t unreadable_bytes;    // private writable memory that could not be read
    uint64_t lost_count;
    ProcessRange *lost; // parts of it whose place is known; without data; owned
    void *staging;      // owned mapping that the ranges point into
    uint64_t staging_bytes;
    // Owned; NULL: none. Ranges point into it, too, and then only instructions of this process may
    // read them (packed_pages.h).
    struct PackedPages *packed;
} ProcessCopy;

void process_copy_release(ProcessCopy *copy);

// What was found out about the threads is for nothing: they are stopped anew.
void process_copy_drop_threads(ProcessCopy *copy);

// The bytes at [address, address + bytes), or NULL when not all of them were copied as one range.
const uint8_t *process_copy_bytes(const ProcessCopy *copy, uint64_t address, uint64_t bytes);

// The mapping that holds `address`, or NULL.
const ProcessMapping *process_copy_find_mapping(const ProcessCopy *copy, uint64_t address);
// Its index, or UINT32_MAX.
uint32_t process_copy_mapping_index(const ProcessCopy *copy, uint64_t address);

// Private writable memory, the only memory that is copied?
bool mapping_is_private_writable(const ProcessMapping *mapping);
// Backed by a file, and not anonymous, "[heap]", "[stack]" or "[anon:...]"?
bool mapping_is_file(const ProcessMapping *mapping);
bool mapping_is_stack(const ProcessMapping *mapping); // the main thread's
bool mapping_is_heap(const ProcessMapping *mapping);  // the kernel's "[heap]", which brk() extends

#endif
