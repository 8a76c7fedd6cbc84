// MarkWorker: see marker/mark_worker.h.
//
// The way of a reference and its object through a worker: found by scanning, it waits in its
// region (marker/reference_regions.h) until the worker comes by; there it is visited
// (marker/mark_visit.c), together with others whose part of the tables is in the cache now; an
// object that was claimed enters the pipe, where its payload is fetched while others go before
// it; leaving the pipe it is scanned (marker/mark_scan.c). The stack holds what cannot enter the
// pipe yet: spans, what was stolen, and what was claimed only to make room for references.
//
// Note [Pressure]
//
// Before each batch a worker makes sure that it has chunks for all references the batch may find.
// When the pool has none left, it visits references without scanning what they refer to: that
// empties chunks, and claimed objects go to the stack, which may spill. When it has no references
// of its own, it hands over those it holds for others and waits. It does not wait for ever: the
// pool has more chunks than all workers together may have in hand, so some hold references; their
// holders work, or are in the same situation and visit them; and an idle worker holds none, as
// it gives its chunks back.

#include "marker/mark_worker.h"

#include <stdlib.h>
#include <string.h>

#include "marker/mark_batch.h"
#include "marker/mark_chase.h"
#include "marker/mark_item.h"
#include "marker/mark_scan.h"
#include "marker/mark_visit.h"
#include "marker/parallel_mark_coordinator.h"

// References per region that are worth the way through all regions.
#define LOW_WATER_REFERENCES 64u
// In MARK_OWNED each worker has about this many regions, so that shares can be even.
#define REGIONS_PER_OWNER 16u
// Objects that are chased in one go.
#define CHASE_BATCH 64u
// Objects claimed in one go for hungry workers to scan.
#define FEED_ITEMS 64u
// A worker with less than this to do shares nothing: handing a list's next object from worker to
// worker would take longer than marking it.
#define LEAST_TO_SHARE 4u

// ---- life ----

bool mark_worker_pool_init(ChunkPool *pool, const HeapImage *image, uint32_t worker_count,
                           uint32_t queue_capacity, MarkMode mode, Error *error)
{
    ChunkPoolOptions options = {
        .worker_count = worker_count,
        .least_regions = mode == MARK_OWNED ? worker_count * REGIONS_PER_OWNER : 1,
        .chunk_references = queue_capacity < CHUNK_REFERENCES ? queue_capacity : CHUNK_REFERENCES,
        .batch_words = BATCH_WORDS,
    };

    return chunk_pool_init(pool, image, &options, error);
}

bool mark_worker_new(const MarkWorkerOptions *options, MarkWorker **out, Error *error)
{
    PerThreadMarkQueueOptions queue_options = {
        .capacity = options->queue_capacity,
        .is_shared = options->mode != MARK_ALONE,
        .outstanding = options->outstanding,
    };
    size_t bytes =
        (sizeof(MarkWorker) + SHARED_LINE_BYTES - 1) / SHARED_LINE_BYTES * SHARED_LINE_BYTES;
    MarkWorker *worker = aligned_alloc(SHARED_LINE_BYTES, bytes);
    ChunkPool *pool = options->pool;

    *out = NULL;
    if (worker == NULL)
        return error_set_memory(error, bytes, "a worker");
    memset(worker, 0, sizeof *worker);
    mark_view_init(&worker->view, options->image, options->target.white);
    worker->image = options->image;
    worker->index = options->index;
    worker->worker_count = options->worker_count;
    worker->mode = options->mode;
    worker->kind = options->kind;
    worker->white_blocks = options->target.white_blocks;
    worker->coordinator = options->coordinator;
    worker->ownership = options->ownership;
    worker->next_victim = options->index;
    worker->low_water = (uint64_t)LOW_WATER_REFERENCES * pool->region_count;
    // Workers begin in different places, so that they meet rarely.
    reference_regions_init(
        &worker->regions, pool,
        (uint32_t)((uint64_t)pool->region_count * options->index / options->worker_count));
    if (options->mode == MARK_OWNED) {
        memset(worker->regions.own, 0, sizeof worker->regions.own);
        for (uint32_t region = 0; region < pool->region_count; region++)
            if (options->ownership->workers[region] == options->index)
                worker->regions.own[region / 64] |= UINT64_C(1) << (region % 64);
    }
    if (!per_thread_mark_queue_new(&queue_options, &worker->queue, error)) {
        mark_worker_free(worker);
        return false;
    }
    *out = worker;
    return true;
}

void mark_worker_free(MarkWorker *worker)
{
    if (worker == NULL)
        return;
    per_thread_mark_queue_free(worker->queue);
    free(worker);
}

void mark_worker_report(const MarkWorker *worker, MarkResult *result)
{
    MarkWorkerStatistics *statistics = &result->statistics.workers[worker->index];

    *statistics = worker->statistics;
    statistics->overflow_segments = worker->queue->allocated_segments;
    result->totals.invalid_references += worker->invalid_references;
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        result->totals.roots[kind] += worker->roots[kind];
}

static void fail(MarkWorker *worker)
{
    worker->has_failed = true;
    if (worker->coordinator != NULL)
        coordinator_give_up(worker->coordinator);
}

static bool is_over(const MarkWorker *worker)
{
    return worker->has_failed ||
           (worker->coordinator != NULL &&
            (coordinator_attention(worker->coordinator) & ATTENTION_OVER) != 0);
}

// ---- stack and regions ----

// Makes room on the stack for all that one batch can push.
static void keep_room(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    bool spilled;

    if (per_thread_mark_queue_size(queue) <= queue->spill_above && queue->top <= STACK_ITEMS)
        return;
    if (!per_thread_mark_queue_spill(queue, &spilled))
        fail(worker);
    else if (spilled && worker->coordinator != NULL)
        coordinator_wake_one(worker->coordinator);
}

// Moves chunks that came in through the inbox to their regions. False: there were none.
static bool empty_inbox(MarkWorker *worker)
{
    ReferenceChunk *list = owner_inbox_take(&worker->queue->inbox);

    if (list == NULL)
        return false;
    while (list != NULL) {
        ReferenceChunk *chunk = list;
        list = chunk->next;
        worker->statistics.chunks_received++;
        reference_regions_attach(&worker->regions, chunk);
    }
    return true;
}

// Hands full chunks for regions of others over to them.
static void deliver(MarkWorker *worker)
{
    while (worker->regions.outgoing != NULL) {
        ReferenceChunk *chunk = worker->regions.outgoing;
        uint32_t owner = worker->ownership->workers[chunk->region];
        worker->regions.outgoing = chunk->next;
        worker->statistics.chunks_sent++;
        worker->regions.pending -= chunk->end - worker->regions.pool->first;
        if (owner_inbox_deliver(&worker->coordinator->workers[owner]->queue->inbox, chunk))
            coordinator_wake(worker->coordinator, owner);
    }
}

static void deliver_all(MarkWorker *worker)
{
    if (worker->mode != MARK_OWNED)
        return;
    reference_regions_flush(&worker->regions);
    deliver(worker);
}

// Visits up to `limit` references of one region; what they claim goes to `claimed`, which has
// room for as many. Returns how many were visited; 0: there are none.
static uint32_t visit_some(MarkWorker *worker, uint32_t limit, uint64_t *claimed,
                           uint32_t *claimed_count)
{
    uint32_t region = reference_regions_next(&worker->regions);
    const uint32_t *references;
    uint32_t count;

    *claimed_count = 0;
    if (region == NO_INDEX)
        return 0;
    references = reference_regions_newest(&worker->regions, region, limit, &count);
    // The next ones: they may have waited so long that they left the cache. Only an address, as
    // it may lie in front of the chunk.
    __builtin_prefetch(
        (const void *)((uintptr_t)references - 2 * BATCH_ITEMS * sizeof *references));
    *claimed_count = mark_visit_references(worker, region, references, count, claimed);
    reference_regions_drop(&worker->regions, region, count);
    return count;
}

// Claims objects and leaves them on the stack. False: there are no references.
static bool claim_only(MarkWorker *worker)
{
    uint64_t claimed[BATCH_ITEMS];
    uint32_t count;

    if (visit_some(worker, BATCH_ITEMS, claimed, &count) == 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        per_thread_mark_queue_push(worker->queue, claimed[i]);
    keep_room(worker);
    return true;
}

// Sees to it that there are chunks for a batch: see Note [Pressure]. False: there are none until
// others gave some back, or the mark is over.
static bool reserve_chunks(MarkWorker *worker)
{
    while (!reference_regions_reserve(&worker->regions)) {
        if (is_over(worker))
            return false;
        if (worker->mode == MARK_OWNED) {
            deliver_all(worker);
            (void)empty_inbox(worker);
        }
        if (!claim_only(worker)) {
            worker->is_stalled = true;
            return false;
        }
    }
    return true;
}

// Chunks of references among stolen items go to their regions; the rest stays on the stack.
static void unpack_chunks(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t kept = queue->base;

    for (uint32_t i = queue->base; i < queue->top; i++) {
        uint64_t item = queue->items[i];
        if (mark_item_tag(item) == MARK_ITEM_CHUNK_TAG)
            reference_regions_attach(&worker->regions,
                                     (ReferenceChunk *)(uintptr_t)mark_item_address(item));
        else
            queue->items[kept++] = item;
    }
    queue->top = kept;
}

// ---- sharing ----

// Puts something on the stack that can be shared as it is.
static void make_shareable(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t back = (worker->pipe_tail - worker->pipe_head) / 2;

    if (worker->mode == MARK_OWNED) {
        // Others may not claim in our pages, but they can scan what we claimed.
        while (per_thread_mark_queue_size(queue) < FEED_ITEMS && claim_only(worker))
            continue;
    }
    if (per_thread_mark_queue_size(queue) > 0)
        return;
    // What waits in the pipe cannot be shared; half of it, the newer half, goes back.
    queue->base = queue->top = 0;
    worker->pipe_tail -= back;
    for (uint32_t i = 0; i < back; i++)
        per_thread_mark_queue_push(queue, worker->pipe[(worker->pipe_tail + i) % PIPE_ITEMS]);
}

static bool share_chunk(MarkWorker *worker)
{
    ReferenceChunk *chunk;

    if (worker->mode == MARK_OWNED)
        return false;
    chunk = reference_regions_detach(&worker->regions);
    if (chunk == NULL)
        return false;
    if (steal_queue_push(&worker->queue->stealable, mark_item_chunk(chunk)))
        return true;
    reference_regions_attach(&worker->regions, chunk);
    return false;
}

// Lets hungry workers have some of the work.
static void feed_the_hungry(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    bool has_shared;

    if (worker->regions.pending + per_thread_mark_queue_size(queue) +
            (worker->pipe_tail - worker->pipe_head) <
        LEAST_TO_SHARE)
        return;
    deliver_all(worker);
    if (steal_queue_size(&queue->stealable) >= worker->worker_count)
        return;
    has_shared = share_chunk(worker);
    if (!has_shared || per_thread_mark_queue_size(queue) > 0) {
        make_shareable(worker);
        has_shared |= per_thread_mark_queue_share(queue) > 0;
    }
    if (has_shared)
        coordinator_wake_one(worker->coordinator);
}

// ---- batches ----

// Lets items from the stack into the pipe.
static uint32_t enter_from_stack(MarkWorker *worker, uint32_t limit)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t entered = 0;

    for (; entered < limit && queue->top > queue->base; entered++)
        mark_scan_enter(worker, &queue->items[--queue->top], 1);
    return entered;
}

// One batch: visit some references, scan some objects. False: there was nothing to do.
static bool work_batch(MarkWorker *worker)
{
    uint64_t claimed[BATCH_ITEMS];
    uint32_t visited = 0, claimed_count, count, waiting, limit;

    if (worker->mode != MARK_OWNED) {
        bool has_worked = mark_batch(worker);
        keep_room(worker);
        return has_worked;
    }
    (void)empty_inbox(worker);
    if (!reserve_chunks(worker))
        return false;
    // No more than the pipe has room for: a scan that finds much stops early, and leaves it full.
    limit = PIPE_ITEMS - (worker->pipe_tail - worker->pipe_head);
    if (limit > BATCH_ITEMS)
        limit = BATCH_ITEMS;
    while (visited < limit &&
           (count = visit_some(worker, limit - visited, claimed, &claimed_count)) > 0) {
        mark_scan_enter(worker, claimed, claimed_count);
        visited += count;
    }
    waiting = worker->pipe_tail - worker->pipe_head;
    if ((visited == 0 || worker->regions.pending < worker->low_water) &&
        waiting <= PIPE_ITEMS - BATCH_ITEMS)
        visited += enter_from_stack(worker, BATCH_ITEMS);
    waiting = worker->pipe_tail - worker->pipe_head;
    if (waiting == 0)
        return visited > 0;
    // As long as enough comes in, objects stay in the pipe as long as they can.
    if (visited >= BATCH_ITEMS)
        count =
            waiting > PIPE_ITEMS - 2 * BATCH_ITEMS ? waiting - (PIPE_ITEMS - 2 * BATCH_ITEMS) : 0;
    else
        count = waiting < BATCH_ITEMS ? waiting : BATCH_ITEMS;
    if (waiting > CHASE_ITEMS || worker->regions.pending > 0 ||
        mark_chase(worker, CHASE_BATCH) == 0)
        mark_scan_oldest(worker, count);
    for (uint32_t i = 0; i < worker->direct_count; i++)
        mark_visit_word(worker, worker->direct[i]);
    worker->direct_count = 0;
    if (worker->regions.outgoing != NULL)
        deliver(worker);
    keep_room(worker);
    return true;
}

// ---- steps ----

bool mark_worker_sees_work(const MarkWorker *worker)
{
    if (owner_inbox_is_pending(&worker->queue->inbox))
        return true;
    for (uint32_t i = 0; i < worker->worker_count; i++)
        if (i != worker->index &&
            per_thread_mark_queue_is_stealable(worker->coordinator->workers[i]->queue))
            return true;
    return false;
}

static bool steal(MarkWorker *worker)
{
    for (uint32_t i = 0; i < worker->worker_count; i++) {
        uint32_t victim = (worker->next_victim + i) % worker->worker_count;
        if (victim == worker->index)
            continue;
        PerThreadMarkQueue *queue = worker->coordinator->workers[victim]->queue;
        if (!per_thread_mark_queue_is_stealable(queue))
            continue;
        worker->statistics.steals_tried++;
        if (per_thread_mark_queue_steal(worker->queue, queue)) {
            unpack_chunks(worker);
            worker->statistics.steals_won++;
            // Whoever had work may have more.
            worker->next_victim = victim;
            return true;
        }
    }
    return false;
}

static MarkStep idle_step(MarkWorker *worker)
{
    ParallelMarkCoordinator *coordinator = worker->coordinator;

    if ((coordinator_attention(coordinator) & ATTENTION_OVER) != 0)
        return MARK_STEP_FINISHED;
    if (!mark_worker_sees_work(worker))
        return MARK_STEP_IDLE;
    // See Note [Termination]: counted on before anything is taken.
    coordinator_count_on(coordinator);
    if (empty_inbox(worker) || steal(worker)) {
        worker->is_idle = false;
        coordinator_found_work(coordinator);
        return MARK_STEP_WORKED;
    }
    coordinator_count_off(coordinator);
    return MARK_STEP_IDLE;
}

// Nothing is left on stack, in pipe and regions. False: something came up after all.
static bool become_idle(MarkWorker *worker)
{
    deliver_all(worker);
    if (empty_inbox(worker))
        return false;
    reference_regions_return(&worker->regions);
    worker->is_idle = true;
    coordinator_became_idle(worker->coordinator);
    return true;
}

MarkStep mark_worker_step(MarkWorker *worker, uint32_t batches)
{
    if (worker->is_idle)
        return idle_step(worker);
    for (uint32_t i = 0; i < batches; i++) {
        if (!work_batch(worker)) {
            if (is_over(worker))
                return MARK_STEP_FINISHED;
            if (worker->is_stalled) {
                worker->is_stalled = false;
                return MARK_STEP_STALLED;
            }
            if (per_thread_mark_queue_refill(worker->queue)) {
                unpack_chunks(worker);
                continue;
            }
            if (worker->mode == MARK_ALONE)
                return MARK_STEP_FINISHED;
            if (become_idle(worker))
                return MARK_STEP_WORKED;
        }
        if (worker->coordinator != NULL) {
            uint32_t attention = coordinator_attention(worker->coordinator);
            if ((attention & ATTENTION_OVER) != 0)
                return MARK_STEP_FINISHED;
            if (attention != 0)
                feed_the_hungry(worker);
        } else if (worker->has_failed) {
            return MARK_STEP_FINISHED;
        }
    }
    return MARK_STEP_WORKED;
}

// ---- roots ----

static void start_from_roots(MarkWorker *worker)
{
    for (uint64_t i = 0; i < worker->image->root_count && !worker->has_failed; i++) {
        mark_visit_root(worker, i);
        keep_room(worker);
    }
}

// Scans the dirty live objects of one old page.
static void start_from_old_page(MarkWorker *worker, uint32_t page)
{
    const HeapImage *image = worker->image;
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);
    uint64_t first = heap_image_first_word(image, page);

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        uint64_t bits = heap_image_dirty_word(image, page, word) & image->live[first + word];
        for (; bits != 0; bits &= bits - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (block_size - payload < 8 || heap_image_is_under_construction(image, page, slot))
                continue;
            // Scanned like any span, but never marked.
            per_thread_mark_queue_push(
                worker->queue,
                mark_item_span(heap_image_object_address(image, page, slot) + payload));
            keep_room(worker);
        }
    }
}

void mark_worker_start(MarkWorker *worker)
{
    start_from_roots(worker);
    if (worker->kind != MARK_MINOR)
        return;
    for (uint32_t page = 0; page < worker->image->page_count && !worker->has_failed; page++)
        if (heap_image_generation(worker->image, page) > 0 &&
            (worker->ownership == NULL ||
             page_ownership_worker(worker->ownership, worker->image->pages[page].address) ==
                 worker->index))
            start_from_old_page(worker, page);
}
