// MarkWorker: see marker/mark_worker.h.
//
// The way of an object through a worker: its reference is visited (marker/mark_visit.c), which
// claims it and puts it on the stack; from there it enters the pipe, where its payload is
// fetched while PIPE_ITEMS others go before it; a batch of objects leaves the pipe to be scanned;
// the words that pass the filter have their mark words fetched, and are visited when the batch
// is through. So each of the two random accesses that an object costs has a fetch that began
// long before.
//
// Note [Senders that wait]
//
// Inboxes are bounded, so a delivery can be refused. The sender then works through its own inbox
// until there is room. It cannot wait for ever: visiting references from an inbox delivers
// nothing, it only claims, so every worker that waits empties its own inbox, and the inbox it
// waits for belongs to a worker that either waits, and so empties it, or works, and so empties it
// before its next batch.

#include "marker/mark_worker.h"

#include <stdlib.h>
#include <string.h>

#include "marker/mark_item.h"
#include "marker/mark_visit.h"
#include "marker/parallel_mark_coordinator.h"

// Lines of an object that are fetched ahead; the hardware sees the rest coming.
#define PREFETCH_BYTES 256u
#define LINE_BYTES 64u

// ---- life ----

bool mark_worker_new(const MarkWorkerOptions *options, MarkWorker **out, Error *error)
{
    PerThreadMarkQueueOptions queue_options = {
        .capacity = options->queue_capacity,
        .is_shared = options->mode != MARK_ALONE,
        .outstanding = options->outstanding,
    };
    MarkWorker *worker =
        aligned_alloc(SHARED_LINE_BYTES, (sizeof *worker + SHARED_LINE_BYTES - 1) /
                                             SHARED_LINE_BYTES * SHARED_LINE_BYTES);

    *out = NULL;
    if (worker == NULL)
        return error_set_memory(error, sizeof *worker, "a worker");
    memset(worker, 0, sizeof *worker);
    mark_view_init(&worker->view, options->image, options->target.white, options->owners);
    worker->image = options->image;
    worker->index = options->index;
    worker->worker_count = options->worker_count;
    worker->mode = options->mode;
    worker->kind = options->kind;
    worker->white_blocks = options->target.white_blocks;
    worker->coordinator = options->coordinator;
    worker->next_victim = options->index;
    if (!per_thread_mark_queue_new(&queue_options, &worker->queue, error)) {
        mark_worker_free(worker);
        return false;
    }
    if (options->mode == MARK_OWNED) {
        worker->outboxes = calloc(options->worker_count, sizeof *worker->outboxes);
        worker->outbox_limit =
            worker->queue->segment_items < INBOX_BATCH ? worker->queue->segment_items : INBOX_BATCH;
        if (worker->outboxes == NULL) {
            mark_worker_free(worker);
            return error_set_memory(error, options->worker_count * sizeof(Outbox), "outboxes");
        }
    }
    *out = worker;
    return true;
}

void mark_worker_free(MarkWorker *worker)
{
    if (worker == NULL)
        return;
    per_thread_mark_queue_free(worker->queue);
    free(worker->outboxes);
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

// ---- sharing ----

static void fail(MarkWorker *worker)
{
    worker->has_failed = true;
    if (worker->coordinator != NULL)
        coordinator_give_up(worker->coordinator);
}

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

// Visits some references that others left in the inbox. False: there were none.
static bool empty_inbox(MarkWorker *worker)
{
    WorkSegment *emptied;
    uint32_t count =
        owner_inbox_take(&worker->queue->inbox, worker->inbox_words, INBOX_BATCH, &emptied);

    per_thread_mark_queue_keep(worker->queue, emptied);
    if (count == 0)
        return false;
    mark_visit_words(worker, worker->inbox_words, count);
    keep_room(worker);
    return true;
}

static void deliver(MarkWorker *worker, uint32_t receiver)
{
    ParallelMarkCoordinator *coordinator = worker->coordinator;
    Outbox *outbox = &worker->outboxes[receiver];
    OwnerInbox *inbox = &coordinator->workers[receiver]->queue->inbox;
    WorkSegment *spare = NULL;
    InboxAnswer answer;

    while (!worker->has_failed) {
        answer = owner_inbox_deliver(inbox, outbox->references, outbox->count, &spare);
        if (answer == INBOX_TAKEN || answer == INBOX_TAKEN_FIRST) {
            if (answer == INBOX_TAKEN_FIRST)
                coordinator_wake(coordinator, receiver);
            break;
        }
        if (answer == INBOX_WANTS_SEGMENT) {
            spare = per_thread_mark_queue_segment(worker->queue);
            if (spare == NULL)
                fail(worker);
        } else if (!empty_inbox(worker)) {
            // See Note [Senders that wait].
            if (coordinator_attention(coordinator) & ATTENTION_OVER)
                break;
            shared_yield();
        }
    }
    per_thread_mark_queue_keep(worker->queue, spare);
    outbox->count = 0;
}

static void deliver_all(MarkWorker *worker)
{
    if (worker->outboxes == NULL)
        return;
    for (uint32_t receiver = 0; receiver < worker->worker_count; receiver++)
        if (worker->outboxes[receiver].count > 0)
            deliver(worker, receiver);
}

// Keeps the words for this worker's own pages, and sends the others to their owners.
static void route_words(MarkWorker *worker, uint32_t first)
{
    const MarkView *view = &worker->view;
    uint32_t kept = first;

    for (uint32_t i = first; i < worker->word_count; i++) {
        uint64_t word = worker->words[i];
        uint32_t index =
            word_is_in_window(&view->range, word) ? mark_view_index(view, word) : NO_INDEX;
        uint32_t owner = index == NO_INDEX ? worker->index : view->owners[index];
        if (owner == worker->index) {
            worker->words[kept++] = word;
            continue;
        }
        Outbox *outbox = &worker->outboxes[owner];
        outbox->references[outbox->count++] = word;
        if (outbox->count == worker->outbox_limit)
            deliver(worker, owner);
    }
    worker->word_count = kept;
}

// Lets hungry workers have some of the work.
static void feed_the_hungry(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;

    deliver_all(worker);
    // What waits in the pipe cannot be shared; so when the stack is empty, half of the pipe,
    // the newer half, goes back to it.
    if (per_thread_mark_queue_size(queue) == 0) {
        uint32_t back = (worker->pipe_tail - worker->pipe_head) / 2;
        queue->base = 0;
        queue->top = back;
        worker->pipe_tail -= back;
        for (uint32_t i = 0; i < back; i++)
            queue->items[i] = worker->pipe[(worker->pipe_tail + i) % PIPE_ITEMS];
    }
    if (steal_queue_size(&queue->stealable) < queue->segment_items &&
        per_thread_mark_queue_share(queue) > 0)
        coordinator_wake_one(worker->coordinator);
}

// ---- scanning ----

// Fetches the mark words of words [first, word_count).
static void prefetch_mark_words(MarkWorker *worker, uint32_t first)
{
    const MarkView *view = &worker->view;

    for (uint32_t i = first; i < worker->word_count; i++) {
        uint64_t word = worker->words[i];
        uint32_t index =
            word_is_in_window(&view->range, word) ? mark_view_index(view, word) : NO_INDEX;
        // Never fetch by a number that was not looked at: it costs a walk through page tables.
        shared_u64_prefetch(&view->white[index == NO_INDEX ? 0 : index]);
    }
}

static void scan_words(MarkWorker *worker, const uint8_t *bytes, uint32_t count)
{
    uint32_t first = worker->word_count;

    worker->statistics.scanned_words += count;
    worker->word_count +=
        worker->view.filter(&worker->view.range, bytes, count, worker->words + worker->word_count);
    if (worker->mode == MARK_OWNED)
        route_words(worker, first);
    prefetch_mark_words(worker, first);
}

// Scans one piece of a span and puts the rest back.
static void scan_span(MarkWorker *worker, uint64_t address)
{
    Span span = span_at(worker->image, address);
    uint64_t count = span.length / 8;

    if (count > PIECE_WORDS) {
        count = PIECE_WORDS;
        worker->queue->items[worker->queue->top++] = mark_item_span(address + 8 * count);
    }
    scan_words(worker, span.bytes, (uint32_t)count);
}

static void scan_object(MarkWorker *worker, uint64_t item)
{
    const MarkView *view = &worker->view;
    const SlotClass *class = &view->classes[mark_item_tag(item)];
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)mark_item_address(item);
    const HeapLayout *layout = &worker->image->layout;

    if (view->checks_construction && class->payload_offset > 0 &&
        (heap_layout_read(bytes, layout->weak_count) & layout->under_construction_bit) != 0)
        return;
    scan_words(worker, bytes + class->payload_offset,
               (class->block_size - class->payload_offset) / 8);
}

static void scan_item(MarkWorker *worker, uint64_t item)
{
    if (mark_item_tag(item) > PAGE_TAG_COMPLEX)
        scan_object(worker, item);
    else
        scan_span(worker, mark_item_address(item));
}

static void prefetch_item(const MarkWorker *worker, uint64_t item)
{
    const SlotClass *class = &worker->view.classes[mark_item_tag(item)];
    const uint8_t *bytes =
        (const uint8_t *)(uintptr_t)(mark_item_address(item) + class->payload_offset);
    uint32_t length = class->block_size - class->payload_offset;

    // A span has block_size 0 here: its address need not be where its bytes are.
    for (uint32_t offset = 0; offset < length && offset < PREFETCH_BYTES; offset += LINE_BYTES)
        __builtin_prefetch(bytes + offset);
}

static void fill_pipe(MarkWorker *worker)
{
    PerThreadMarkQueue *queue = worker->queue;

    while (worker->pipe_tail - worker->pipe_head < PIPE_ITEMS && queue->top > queue->base) {
        uint64_t item = queue->items[--queue->top];
        prefetch_item(worker, item);
        worker->pipe[worker->pipe_tail++ % PIPE_ITEMS] = item;
    }
}

// One batch. False: stack and pipe are empty.
static bool work_batch(MarkWorker *worker)
{
    if (worker->mode == MARK_OWNED)
        (void)empty_inbox(worker);
    fill_pipe(worker);
    if (worker->pipe_head == worker->pipe_tail)
        return false;
    for (uint32_t i = 0; i < BATCH_ITEMS && worker->pipe_head != worker->pipe_tail &&
                         worker->word_count <= WORD_BUFFER - PIECE_WORDS;
         i++)
        scan_item(worker, worker->pipe[worker->pipe_head++ % PIPE_ITEMS]);
    mark_visit_words(worker, worker->words, worker->word_count);
    worker->word_count = 0;
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
        coordinator_found_work(coordinator, worker->index);
        return MARK_STEP_WORKED;
    }
    coordinator_count_off(coordinator, worker->index);
    return MARK_STEP_IDLE;
}

MarkStep mark_worker_step(MarkWorker *worker, uint32_t batches)
{
    if (worker->is_idle)
        return idle_step(worker);
    for (uint32_t i = 0; i < batches; i++) {
        if (worker->has_failed)
            return MARK_STEP_FINISHED;
        if (!work_batch(worker) && !per_thread_mark_queue_refill(worker->queue)) {
            if (worker->mode == MARK_ALONE)
                return MARK_STEP_FINISHED;
            deliver_all(worker);
            // Waiting to deliver may have brought new work.
            if (per_thread_mark_queue_size(worker->queue) > 0 || empty_inbox(worker))
                continue;
            worker->is_idle = true;
            coordinator_count_off(worker->coordinator, worker->index);
            return MARK_STEP_WORKED;
        }
        uint32_t attention =
            worker->coordinator == NULL ? 0 : coordinator_attention(worker->coordinator);
        if ((attention & ATTENTION_OVER) != 0)
            return MARK_STEP_FINISHED;
        if (attention != 0)
            feed_the_hungry(worker);
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
            worker->queue->items[worker->queue->top++] =
                mark_item_span(heap_image_object_address(image, page, slot) + payload);
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
            (worker->view.owners == NULL ||
             page_ownership_worker(&worker->coordinator->ownership, worker->image, page) ==
                 worker->index))
            start_from_old_page(worker, page);
}
