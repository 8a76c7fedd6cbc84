// MarkWorker: see marker/mark_worker.h.
//
// The way of an object through a worker: scanning another object finds a reference to it; the
// worker that visits the reference claims the object (marker/mark_batch.c; in MARK_OWNED, the
// reference is usually sent to the owner of its page first). The claimed object waits on the stack,
// enters the pipe, where its payload is fetched while others go before it, and is scanned when it
// leaves the pipe. Objects that do not fit the stack wait in segments, those that hungry workers
// may take in the StealQueue.

#include "marker/mark_worker.h"

#include <stdlib.h>
#include <string.h>

#include "marker/mark_batch.h"
#include "marker/mark_item.h"
#include "marker/mark_visit.h"
#include "marker/parallel_mark_coordinator.h"

// Batches between two checks for hungry workers.
#define BATCHES_IN_A_ROW 16u
// A worker with fewer items shares none: handing a list's next object from worker to worker would
// take longer than marking it.
#define LEAST_TO_SHARE 4u

_Static_assert(BATCH_PUSHES <= STACK_SLACK, "the stack has room for all pushes of a batch");

// ---- life ----

bool mark_worker_pool_init(ChunkPool *pool, uint32_t worker_count, uint32_t queue_capacity,
                           Error *error)
{
    ChunkPoolOptions options = {
        .worker_count = worker_count,
        .chunk_references = queue_capacity < CHUNK_REFERENCES ? queue_capacity : CHUNK_REFERENCES,
        .batch_references = BATCH_REFERENCES,
    };

    return chunk_pool_init(pool, &options, error);
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

    *out = NULL;
    if (worker == NULL)
        return error_set_memory(error, bytes, "a worker");
    memset(worker, 0, sizeof *worker);
    mark_view_init(&worker->view, options->image, &options->target);
    worker->image = options->image;
    worker->index = options->index;
    worker->worker_count = options->worker_count;
    worker->mode = options->mode;
    worker->kind = options->kind;
    worker->white_blocks = options->target.white_blocks;
    worker->coordinator = options->coordinator;
    worker->ownership = options->ownership;
    worker->next_victim = options->index;
    worker->counts_places = options->counts_places;
    if (options->mode == MARK_OWNED)
        owner_outboxes_init(&worker->outboxes, options->pool, options->index,
                            options->worker_count);
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
    statistics->overflow_segments = worker->queue->slabs.taken;
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

// ---- references from other workers (MARK_OWNED) ----

// Takes all chunks from the inbox. False: it was empty.
static bool empty_inbox(MarkWorker *worker)
{
    ReferenceChunk *list = owner_inbox_take(&worker->queue->inbox);

    if (list == NULL)
        return false;
    while (list != NULL) {
        ReferenceChunk *chunk = list;
        list = chunk->next;
        worker->statistics.chunks_received++;
        chunk->next = worker->incoming;
        worker->incoming = chunk;
    }
    return true;
}

static void deliver(MarkWorker *worker)
{
    OwnerOutboxes *outboxes = &worker->outboxes;

    while (outboxes->outgoing != NULL) {
        ReferenceChunk *chunk = outboxes->outgoing;
        uint32_t owner = chunk->owner;
        outboxes->outgoing = chunk->next;
        worker->statistics.chunks_sent++;
        if (owner_inbox_deliver(&worker->coordinator->workers[owner]->queue->inbox, chunk))
            coordinator_wake(worker->coordinator, owner);
    }
}

static void deliver_all(MarkWorker *worker)
{
    owner_outboxes_flush(&worker->outboxes);
    deliver(worker);
}

static uint32_t work_owned(MarkWorker *worker)
{
    uint32_t done;

    (void)empty_inbox(worker);
    done = mark_batches(worker, 1);
    if (worker->outboxes.outgoing != NULL)
        deliver(worker);
    return done;
}

// ---- sharing ----

// Items in the pipe cannot be shared: moves the newer half of them back to the stack.
static void empty_half_of_the_pipe(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;
    uint32_t back = (worker->pipe_tail - worker->pipe_head) / 2;

    queue->base = queue->top = 0;
    worker->pipe_tail -= back;
    for (uint32_t i = 0; i < back; i++)
        per_thread_mark_queue_push(queue, worker->pipe[(worker->pipe_tail + i) % PIPE_ITEMS]);
}

// Shares some of the work with hungry workers.
static void feed_the_hungry(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;

    if (worker->mode == MARK_OWNED)
        deliver_all(worker);
    if (per_thread_mark_queue_size(queue) + (worker->pipe_tail - worker->pipe_head) <
            LEAST_TO_SHARE ||
        steal_queue_size(&queue->stealable) >= worker->worker_count)
        return;
    if (per_thread_mark_queue_size(queue) == 0)
        empty_half_of_the_pipe(worker);
    if (per_thread_mark_queue_share(queue) > 0)
        coordinator_wake_one(worker->coordinator);
}

// ---- steps ----

// Makes room on the stack for all pushes of one batch.
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

// Does at most `limit` batches and returns their number; 0: there was nothing to do.
static uint32_t work(MarkWorker *worker, uint32_t limit)
{
    uint32_t done;

    // Even when the pipe is not empty: it would run dry before each segment.
    if (per_thread_mark_queue_size(worker->queue) == 0)
        (void)per_thread_mark_queue_unspill(worker->queue);
    done = worker->mode == MARK_OWNED
               ? work_owned(worker)
               : mark_batches(worker, limit < BATCHES_IN_A_ROW ? limit : BATCHES_IN_A_ROW);
    keep_room(worker);
    return done;
}

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

bool mark_worker_is_done(const MarkWorker *worker)
{
    const PerThreadMarkQueue *queue = worker->queue;

    return per_thread_mark_queue_size(queue) == 0 && worker->pipe_head == worker->pipe_tail &&
           worker->incoming == NULL && worker->outboxes.open_count <= 1 &&
           worker->outboxes.outgoing == NULL && !per_thread_mark_queue_is_stealable(queue) &&
           !owner_inbox_is_pending(&queue->inbox);
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
            worker->statistics.steals_won++;
            // A worker that had work may have more.
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

// To be called when stack and pipe are empty. False: references have come in, so the worker goes
// on.
static bool become_idle(MarkWorker *worker)
{
    if (worker->mode == MARK_OWNED) {
        deliver_all(worker);
        if (empty_inbox(worker))
            return false;
        owner_outboxes_return(&worker->outboxes);
    }
    worker->is_idle = true;
    coordinator_became_idle(worker->coordinator);
    return true;
}

// To be called when there was nothing to do.
static MarkStep look_further(MarkWorker *worker)
{
    if (is_over(worker))
        return MARK_STEP_FINISHED;
    if (per_thread_mark_queue_refill(worker->queue))
        return MARK_STEP_WORKED;
    if (worker->mode == MARK_ALONE)
        return MARK_STEP_FINISHED;
    // Either way another step follows.
    return become_idle(worker) ? MARK_STEP_IDLE : MARK_STEP_WORKED;
}

MarkStep mark_worker_step(MarkWorker *worker, uint32_t batches)
{
    if (worker->is_idle)
        return idle_step(worker);
    while (batches > 0) {
        uint32_t done = work(worker, batches);
        if (done == 0) {
            MarkStep step = look_further(worker);
            if (step == MARK_STEP_WORKED)
                continue;
            return step == MARK_STEP_IDLE ? MARK_STEP_WORKED : step;
        }
        batches -= done;
        if (worker->has_failed)
            return MARK_STEP_FINISHED;
        if (worker->coordinator != NULL) {
            uint32_t attention = coordinator_attention(worker->coordinator);
            if ((attention & ATTENTION_OVER) != 0)
                return MARK_STEP_FINISHED;
            if (attention != 0)
                feed_the_hungry(worker);
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
            // Scanned like any span, but not marked.
            per_thread_mark_queue_push(
                worker->queue,
                mark_item_whole_span(heap_image_object_address(image, page, slot) + payload,
                                     (block_size - payload) / 8));
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
