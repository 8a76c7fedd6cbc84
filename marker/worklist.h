// Worklist: items that do not fit a worker's queue, in segments that any worker may take whole.
//
// A segment is filled by one worker, put on that worker's list, and later taken by the same
// worker or by an idle one, which uses it again for its own items. One lock per list: it is taken
// once per segment, not once per item. Nothing is ever dropped: a full queue makes a segment, and a
// segment that cannot be allocated makes the mark fail.
//
// Segments come from slabs: a large mark needs thousands of them, and mapping each from the kernel
// took longer than its use. A slab belongs to the worker that made it, wherever its segments are,
// and is freed when the whole mark is over.

#ifndef MARKER_WORKLIST_H
#define MARKER_WORKLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_memory.h"
#include "base/error.h"

// Items of a segment, unless a small queue capacity asks for smaller ones.
#define SEGMENT_ITEMS 1024u

typedef struct WorkSegment {
    struct WorkSegment *next;
    uint32_t count; // items in use
    uint64_t items[];
} WorkSegment;

// One worker's source of segments.
typedef struct SegmentSlabs {
    struct SegmentSlab *newest; // owned, with those before it
    uint32_t segment_items;
    uint64_t taken; // segments
} SegmentSlabs;

// segment_items: room in each segment.
void segment_slabs_init(SegmentSlabs *slabs, uint32_t segment_items);
// Frees all segments, also those on lists of other workers.
void segment_slabs_release(SegmentSlabs *slabs);
// A segment with count 0, valid until segment_slabs_release(); NULL when memory is short.
WorkSegment *segment_slabs_take(SegmentSlabs *slabs);

typedef struct Worklist {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards `first`
    WorkSegment *first;
    SharedU32 count; // segments on the list; written under the lock, read by all workers
    bool is_shared;  // false: one worker alone, no lock is taken
} Worklist;

// Errors: system.
NODISCARD bool worklist_init(Worklist *list, bool is_shared, Error *error);
// Segments that are still on the list stay with their slabs.
void worklist_release(Worklist *list);

// Consumes the segment, which must not be empty.
void worklist_put(Worklist *list, WorkSegment *segment);

// Takes the segment that was put last; NULL when the list is empty.
WorkSegment *worklist_take(Worklist *list);

// The number of segments; an estimate while other workers use the list.
uint32_t worklist_size(const Worklist *list);

#endif
