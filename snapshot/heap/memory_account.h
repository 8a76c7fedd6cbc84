// MemoryAccount: where the resident memory of a process was at its capture, in bytes.
//
// All parts but the first two are resident memory, disjoint, and what they do not explain of
// `resident` is memory that no part knows. Recorded with a running process, not with cores.

#ifndef SNAPSHOT_HEAP_MEMORY_ACCOUNT_H
#define SNAPSHOT_HEAP_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct MemoryAccount {
    bool is_recorded;  // false: all others are 0
    uint64_t resident; // the kernel's number (statm), while the process was stopped
    // GC pages.
    uint64_t objects; // slots of live objects, reachable or not
    uint64_t zombies;
    uint64_t free_slots;
    uint64_t page_headers; // with the unused ends of pages
    // Blocks of malloc that are in use.
    uint64_t owned_blocks;  // objects lead to them, and else at most stacks
    uint64_t shared_blocks; // objects lead to them, and other memory keeps them as well
    uint64_t rooted_blocks; // foreign blocks that only roots lead to
    uint64_t other_blocks;  // neither objects nor foreign blocks lead to them
    uint64_t free_blocks;   // free, but not returned to the system; malloc's own headers
    // The rest.
    uint64_t stacks;
    uint64_t variables; // global and thread-local ones, where they were written
    uint64_t files;     // code and other pages of files; shared memory
    uint64_t other;     // private memory whose use is not known
} MemoryAccount;

static inline uint64_t memory_account_explained(const MemoryAccount *account)
{
    return account->objects + account->zombies + account->free_slots + account->page_headers +
           account->owned_blocks + account->shared_blocks + account->rooted_blocks +
           account->other_blocks + account->free_blocks + account->stacks + account->variables +
           account->files + account->other;
}

#endif
