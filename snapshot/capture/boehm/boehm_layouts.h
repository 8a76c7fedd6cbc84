// BoehmLayout: where the builds of the Boehm collector keep what describes their heap.
//
// GC_arrays is one struct that holds nearly all of the collector's state; its offsets differ from
// build to build. Offsets are in bytes from its start; 0 where a build keeps the thing elsewhere
// (nothing that is used here lies at its start, where the size of the heap is).
//
// Source: the collector's own sources (include/private/gc_priv.h, pthread_support.h), tags 7.2 to
// 8.2.12. What never changed in them: boehm_index_internal.h.

#ifndef SNAPSHOT_CAPTURE_BOEHM_BOEHM_LAYOUTS_H
#define SNAPSHOT_CAPTURE_BOEHM_BOEHM_LAYOUTS_H

#include <stdint.h>

typedef struct BoehmLayout {
    const char *builds; // "8.2.2 to 8.2.6, threads"
    uint32_t bytes;     // of GC_arrays
    uint32_t large_free;
    uint32_t all_nils;
    uint32_t top_index;
    uint32_t valid_offsets;
    uint32_t normal_lists; // free lists of kind 1, and of kind 0, whose objects hold no pointers
    uint32_t atomic_lists;
    uint32_t root_sets; // and the bytes of the table
    uint32_t root_set_bytes;
    uint32_t root_hash;
    uint32_t exclusions;
    uint32_t exclusion_bytes;
    uint32_t root_set_count;  // u32
    uint32_t exclusion_count; // u64
    uint32_t heap_sections;   // a pointer to pairs of start and bytes
    uint32_t heap_section_count;
    uint32_t mark_state;  // u32
    uint32_t descriptors; // a pointer to pairs of bitmap and "more follows"
    uint32_t descriptor_count;
    uint32_t links; // two tables of {head, count, u32 log2 size}: short and long weak links
    uint32_t finalizers;
    uint32_t finalizer_log;
    uint32_t finalizer_count;
    uint32_t finalize_now;
    uint32_t kind_bytes;   // of a record of GC_obj_kinds
    uint32_t thread_bytes; // of a thread's record; 0: built without threads
    uint32_t thread_flags; // from here on offsets in that record
    uint32_t thread_blocked;
    uint32_t thread_stack_pointer;
    uint32_t thread_stack_end;
    uint32_t thread_lists;      // free lists: 25 words for each kind, the last for GCJ objects
    uint32_t thread_list_bytes; // of all of them
} BoehmLayout;

// All known layouts by number; NULL behind the last one.
const BoehmLayout *boehm_layout(uint32_t index);

#endif
