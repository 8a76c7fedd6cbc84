// Worklist: what does not fit a worker's queue, in segments that anybody may take whole.
//
// A segment is filled by one worker, put on that worker's list, and later taken by the same
// worker or by an idle one, who then owns it. One lock per list: it is taken once per segment,
// not once per item. Nothing is ever dropped: a full queue makes a segment, and a segment that
// cannot be allocated makes the mark fail.

#ifndef MARKER_WORKLIST_H
#define MARKER_WORKLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_memory.h"
#include "snapshot/error.h"

// Items of a segment, unless a small queue capacity asks for smaller ones.
#define SEGMENT_ITEMS 1024u

typedef struct WorkSegment {
    struct WorkSegment *next;
    uint32_t count; // items in use
    uint64_t items[];
} WorkSegment;

// Room for `items` items, count 0. NULL when memory is short. Freed with free().
WorkSegment *work_segment_new(uint32_t items);
// Frees a whole chain.
void work_segments_free(WorkSegment *first);

typedef struct Worklist {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards `first`
    WorkSegment *first;
    SharedU32 count; // segments on the list; written under the lock, read by anybody
    bool is_shared;  // false: one worker alone, no lock is taken
} Worklist;

// Errors: system.
NODISCARD bool worklist_init(Worklist *list, bool is_shared, Error *error);
// Frees the segments that are still on the list.
void worklist_release(Worklist *list);

// Consumes the segment, which must not be empty.
void worklist_put(Worklist *list, WorkSegment *segment);

// The segment that was put last, now the caller's; NULL when there is none.
WorkSegment *worklist_take(Worklist *list);

// How many segments there seem to be.
uint32_t worklist_size(const Worklist *list);

#endif
