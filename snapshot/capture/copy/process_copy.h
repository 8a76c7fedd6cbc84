// ProcessCopy: a process at one moment as plain data: its mappings, its threads with their
// registers, and the bytes of its private writable memory.
//
// It is the border between the ways to copy a process (live_process.h by pre-copy, fork or stop;
// exiting_process.h; capture_core.h) and the analysis of the copy (find/heap_search.h). It holds
// everything that the analysis needs, because the process runs on: reading its memory later would
// see another heap.

#ifndef SNAPSHOT_CAPTURE_COPY_PROCESS_COPY_H
#define SNAPSHOT_CAPTURE_COPY_PROCESS_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/resident_memory.h"
#include "snapshot/heap/pause_certificate.h"

#define PAGE_BYTES UINT64_C(4096) // of the kernel; pages of a heap may be larger

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
    bool is_shared_memory; // shared, without a file on disk, and searched for roots
    char *name;            // path, "[heap]", "[stack]", ...; "" for anonymous memory; owned
} ProcessMapping;

// Contiguous bytes that were copied. Pages that were never touched are in no range: they read as
// zero.
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

#define PROCESS_REGISTERS_NOTE_BYTES 200

typedef struct ProcessCopy {
    int pid;
    uint32_t machine;     // ELF number; 0: x86-64 (snapshot/heap/snapshot_machine.h)
    char executable[256]; // file name without folders
    const char *method;   // "precopy", "fork", "stop", "exit", "core"; static
    // Copied from a core file. Then mapped files are opened by the names in the core, not through
    // the process, and only if they are verified to be the same files.
    bool is_core;
    const char *executable_mapping_name; // the name of the executable's mappings, or NULL; borrowed
    char *executable_path;               // a file to read in its place, or NULL; owned
    // Why the core may lack words of registers; "".
    char registers_note[PROCESS_REGISTERS_NOTE_BYTES];
    uint32_t mapping_count;
    ProcessMapping *mappings; // ascending by start; all mappings, copied or not; owned
    uint64_t range_count;
    ProcessRange *ranges; // ascending, disjoint; owned
    uint32_t thread_count;
    ProcessThread *threads; // ascending by tid, main thread first; owned
    uint64_t copied_bytes;
    ResidentMemory resident;      // of a running process
    uint64_t pause_ns;            // first interrupt to last detach, of the longest stop
    PauseCertificate certificate; // of a running process
    int64_t captured_at_ns;       // since 1970, UTC, at the first interrupt
    uint64_t unreadable_bytes;    // private writable memory that could not be read
    uint64_t lost_count;
    ProcessRange *lost; // the parts of it whose addresses are known; without data; owned
    void *staging;      // owned mapping that the ranges point into
    uint64_t staging_bytes;
    // Compressed pages, into which ranges point as well; then only instructions of this process may
    // read them (packed_pages.h). Owned; NULL: none.
    struct PackedPages *packed;
} ProcessCopy;

void process_copy_release(ProcessCopy *copy);

// Discards the threads, before they are stopped again.
void process_copy_drop_threads(ProcessCopy *copy);

// The bytes of [address, address + bytes), or NULL unless one range holds all of them.
const uint8_t *process_copy_bytes(const ProcessCopy *copy, uint64_t address, uint64_t bytes);

// The mapping that holds `address`, or NULL.
const ProcessMapping *process_copy_find_mapping(const ProcessCopy *copy, uint64_t address);
// Its index, or UINT32_MAX.
uint32_t process_copy_mapping_index(const ProcessCopy *copy, uint64_t address);

// Chooses the mappings that are shared memory: writable and readable, without a file on disk. Where
// they are larger than 1 GiB altogether, only the first ones.
void process_mappings_choose_shared(ProcessMapping *mappings, uint32_t count);

// Private writable memory? Nothing else is copied but shared memory.
bool mapping_is_private_writable(const ProcessMapping *mapping);
// Backed by a file, and not anonymous, "[heap]", "[stack]" or "[anon:...]"?
bool mapping_is_file(const ProcessMapping *mapping);
bool mapping_is_stack(const ProcessMapping *mapping); // the main thread's
bool mapping_is_heap(const ProcessMapping *mapping);  // the kernel's "[heap]", which brk() extends

#endif
