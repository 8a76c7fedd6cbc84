// MarkWorker: one of 1..MAX_WORKERS markers, and the step function that all of them run.
//
// A worker works in steps and never waits inside a step for more work; its caller decides when the
// next step comes. The threads of ParallelMarkCoordinator call mark_worker_step() in a loop and
// sleep when it returns MARK_STEP_IDLE; a mark by one worker is the same loop without the sleeping.

#ifndef MARKER_MARK_WORKER_H
#define MARKER_MARK_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "marker/mark_view.h"
#include "marker/mark_words.h"
#include "marker/owner_outboxes.h"
#include "marker/page_ownership.h"
#include "marker/per_thread_mark_queue.h"
#include "shared_memory.h"

// How workers divide the marking. With more than one, any may claim any object.
typedef enum MarkMode {
    MARK_ALONE,  // one worker: claims need no read-modify-writes
    MARK_SHARED, // a reference is visited by the worker that finds it
    MARK_OWNED,  // a reference is sent to the owner of its page, as a rule
} MarkMode;

// Objects in the pipe: their lines are fetched while they wait to be scanned.
#define PIPE_ITEMS 64u
// Objects that are scanned in a row.
#define BATCH_ITEMS 16u
// A batch starts no further object once it has found this many words.
#define PIECE_WORDS 1024u
// References from other workers that a batch takes.
#define INCOMING_REFERENCES 64u
// Most references that a batch can find: those that let it start one more object, and that
// object's.
#define BATCH_REFERENCES (PIECE_WORDS + TAGGED_BLOCK_SIZE_MAX / 8)
// Most items that a batch can push: what it claims, and the pieces of spans.
#define BATCH_PUSHES (BATCH_REFERENCES + INCOMING_REFERENCES + 48 * BATCH_ITEMS)

struct ParallelMarkCoordinator;

// Places of the objects that a worker scanned, by which virtual time estimates the cost of fetching
// them. Near: in the page of the object scanned before, and at most NEAR_BYTES away.
typedef struct ScannedPlaces {
    uint64_t far_lines; // lines that had to be fetched for objects that were not near
    uint64_t near_items;
    uint64_t lone_far_items; // followed one by one (see Note [A chain] in marker/mark_batch.c)
    uint64_t lone_near_items;
    uint64_t last; // address of the item scanned last
} ScannedPlaces;

#define NEAR_BYTES 1024u

// A reference to the start of a slot in a page of an odd class: see Note [Odd pages] in
// marker/mark_words.h.
typedef struct OddReference {
    uint64_t word;
    uint32_t index; // of the mark word
    uint8_t bit;    // number in it
    uint8_t class;
    bool is_sure; // a live object is there
} OddReference;

// Mark words of odd pages that are fetched at a time.
#define ODD_REFERENCES 64u

typedef struct MarkWorker {
    MarkView view;
    const HeapImage *image;
    PerThreadMarkQueue *queue;
    uint32_t index;
    uint32_t worker_count;
    MarkMode mode;
    bool is_idle;    // has no work, is not counted in `outstanding`
    bool has_failed; // memory was short
    bool counts_places;
    // Read by all workers; NULL in a mark by one worker.
    struct ParallelMarkCoordinator *coordinator;
    const PageOwnership *ownership;
    uint32_t next_victim;

    uint32_t pipe_head; // items pipe[pipe_head..pipe_tail), modulo PIPE_ITEMS
    uint32_t pipe_tail;
    uint64_t pipe[PIPE_ITEMS];
    // Of the batch under way; see marker/mark_granules_inline.h.
    uint64_t granules[BATCH_REFERENCES + INCOMING_REFERENCES + WORD_FILTER_SLACK];
    OddReference odd[ODD_REFERENCES]; // found and not visited yet
    // MARK_OWNED only.
    ReferenceChunk *incoming; // taken from the inbox, not visited yet
    OwnerOutboxes outboxes;

    ScannedPlaces places; // if counts_places: for the virtual time of a scheduled mark

    // Results of this worker alone; read by others behind the end barrier.
    SharedU64 *white_blocks; // bit per foreign block that is not marked
    MarkKind kind;
    MarkWorkerStatistics statistics;
    uint64_t roots[ROOT_KIND_COUNT];
    uint64_t invalid_references;
    uint64_t complex_references; // visited by mark_visit.c
} MarkWorker;

typedef enum MarkStep {
    MARK_STEP_WORKED,   // call again
    MARK_STEP_IDLE,     // nothing to do right now; others still work
    MARK_STEP_FINISHED, // no work is left anywhere, or the mark was given up
} MarkStep;

typedef struct MarkWorkerOptions {
    const HeapImage *image;
    uint32_t index;
    uint32_t worker_count;
    MarkMode mode;
    MarkKind kind;
    uint32_t queue_capacity;
    MarkTarget target;
    ChunkPool *pool;                // NULL but in MARK_OWNED
    const PageOwnership *ownership; // NULL in MARK_ALONE, like the next two
    struct ParallelMarkCoordinator *coordinator;
    SharedU32 *outstanding; // the coordinator's
    bool counts_places;
} MarkWorkerOptions;

// Everything in `options` is borrowed. Errors: memory, system. The caller owns `*out`.
NODISCARD bool mark_worker_new(const MarkWorkerOptions *options, MarkWorker **out, Error *error);
void mark_worker_free(MarkWorker *worker);

// Makes the pool for `worker_count` workers in MARK_OWNED.
NODISCARD bool mark_worker_pool_init(ChunkPool *pool, uint32_t worker_count,
                                     uint32_t queue_capacity, Error *error);

// Takes this worker's share of the roots and, in a minor mark, of the dirty old objects.
void mark_worker_start(MarkWorker *worker);

// Does at most `batches` batches of work, or makes one attempt to find some.
MarkStep mark_worker_step(MarkWorker *worker, uint32_t batches);

// True when an idle worker could receive or steal work.
bool mark_worker_sees_work(const MarkWorker *worker);

// True when no work is left with the worker or on its way to it. To be called when all workers have
// stopped.
bool mark_worker_is_done(const MarkWorker *worker);

// Adds the worker's counts to the totals, and its statistics to the result's.
void mark_worker_report(const MarkWorker *worker, MarkResult *result);

#endif
