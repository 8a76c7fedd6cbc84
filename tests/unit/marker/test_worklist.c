// Where work waits: segments and Worklist, PerThreadMarkQueue, OwnerInbox, PageOwnership; one
// thread at a time. tests/stress/ has many threads at it.

#include "marker/worklist.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "marker/owner_inbox.h"
#include "marker/page_ownership.h"
#include "marker/per_thread_mark_queue.h"
#include "tests/support/made_heap.h"

// ---- Worklist ----

static WorkSegment *segment_of(SegmentSlabs *slabs, uint64_t first, uint32_t count)
{
    WorkSegment *segment = segment_slabs_take(slabs);

    cr_assert_not_null(segment);
    cr_assert_eq(segment->count, 0);
    cr_assert_leq(count, slabs->segment_items);
    while (segment->count < count) {
        segment->items[segment->count] = first + segment->count;
        segment->count++;
    }
    return segment;
}

Test(worklist, segments_come_out_whole_and_the_newest_first)
{
    for (int shared = 0; shared < 2; shared++) {
        SegmentSlabs slabs;
        Worklist list;
        Error error = {0};
        segment_slabs_init(&slabs, 100);
        cr_assert(worklist_init(&list, shared != 0, &error), "%s", error.message);
        cr_expect_eq(worklist_size(&list), 0);
        cr_expect_null(worklist_take(&list));
        for (uint32_t i = 0; i < 100; i++) {
            worklist_put(&list, segment_of(&slabs, 1000 * i, i + 1));
            cr_expect_eq(worklist_size(&list), i + 1);
        }
        for (uint32_t i = 100; i-- > 0;) {
            WorkSegment *segment = worklist_take(&list);
            cr_assert_not_null(segment);
            cr_expect_null(segment->next, "a segment leaves the list alone");
            cr_assert_eq(segment->count, i + 1);
            for (uint32_t item = 0; item <= i; item++)
                cr_assert_eq(segment->items[item], 1000 * (uint64_t)i + item);
            cr_expect_eq(worklist_size(&list), i);
        }
        cr_expect_null(worklist_take(&list));
        worklist_release(&list);
        segment_slabs_release(&slabs);
    }
}

// That nothing is left over is the leak checker's to see.
Test(worklist, segments_of_all_sizes_come_from_slabs_and_go_with_them)
{
    static const uint32_t sizes[] = {1, 2, 5, 64, SEGMENT_ITEMS};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        SegmentSlabs slabs;
        WorkSegment *segments[600];
        segment_slabs_init(&slabs, sizes[i]);
        for (uint32_t k = 0; k < 600; k++)
            segments[k] = segment_of(&slabs, k, sizes[i]);
        cr_expect_eq(slabs.taken, 600);
        for (uint32_t k = 0; k < 600; k++)
            for (uint32_t item = 0; item < sizes[i]; item++)
                cr_assert_eq(segments[k]->items[item], k + item, "segments overlap");
        segment_slabs_release(&slabs);
        segment_slabs_release(&slabs);
    }
}

// ---- PerThreadMarkQueue ----

static PerThreadMarkQueue *new_queue(uint32_t capacity, bool is_shared, SharedU32 *outstanding)
{
    PerThreadMarkQueueOptions options = {
        .capacity = capacity, .is_shared = is_shared, .outstanding = outstanding};
    PerThreadMarkQueue *queue = NULL;
    Error error = {0};

    cr_assert(per_thread_mark_queue_new(&options, &queue, &error), "%s", error.message);
    cr_assert_eq(per_thread_mark_queue_size(queue), 0);
    return queue;
}

static uint64_t pop(PerThreadMarkQueue *queue)
{
    cr_assert_gt(queue->top, queue->base);
    return queue->items[--queue->top];
}

// Pushes the items [first, first + count), spilling as the marker does.
static void fill(PerThreadMarkQueue *queue, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        bool spilled;
        per_thread_mark_queue_push(queue, first + i);
        if (queue->top > queue->spill_above)
            cr_assert(per_thread_mark_queue_spill(queue, &spilled));
        cr_assert_leq(per_thread_mark_queue_size(queue), STACK_ITEMS + STACK_SLACK);
    }
}

// Counts each item once in `seen`.
static void drain(PerThreadMarkQueue *queue, uint8_t *seen, uint64_t count)
{
    do {
        while (per_thread_mark_queue_size(queue) > 0) {
            uint64_t item = pop(queue);
            cr_assert_lt(item, count);
            cr_assert_eq(seen[item]++, 0, "item %llu came twice", (unsigned long long)item);
        }
    } while (per_thread_mark_queue_refill(queue));
}

static void expect_all_seen(const uint8_t *seen, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        cr_assert_eq(seen[i], 1, "item %llu was lost", (unsigned long long)i);
}

static uint8_t *new_seen(uint64_t count)
{
    uint8_t *seen = calloc(count, 1);

    cr_assert_not_null(seen);
    return seen;
}

Test(per_thread_mark_queue, an_impossible_capacity_is_refused)
{
    SharedU32 outstanding = {0};
    PerThreadMarkQueueOptions options = {
        .capacity = 3, .is_shared = true, .outstanding = &outstanding};
    PerThreadMarkQueue *queue = (PerThreadMarkQueue *)&options;
    Error error = {0};

    cr_expect_not(per_thread_mark_queue_new(&options, &queue, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_null(queue);
    per_thread_mark_queue_free(NULL);
}

Test(per_thread_mark_queue, the_newest_item_comes_first)
{
    SharedU32 outstanding = {0};
    PerThreadMarkQueue *queue = new_queue(QUEUE_CAPACITY, true, &outstanding);

    fill(queue, 0, 100);
    cr_expect_eq(per_thread_mark_queue_size(queue), 100);
    for (uint64_t item = 100; item-- > 0;)
        cr_assert_eq(pop(queue), item);
    cr_expect_not(per_thread_mark_queue_refill(queue));
    cr_expect_not(per_thread_mark_queue_is_stealable(queue));
    per_thread_mark_queue_free(queue);
}

Test(per_thread_mark_queue, what_is_too_much_spills_and_comes_back)
{
    static const uint32_t capacities[] = {2, 4, 64, QUEUE_CAPACITY, 8192};

    for (int shared = 0; shared < 2; shared++)
        for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
            SharedU32 outstanding = {0};
            PerThreadMarkQueue *queue = new_queue(capacities[i], shared != 0, &outstanding);
            const uint64_t count = 20000;
            uint8_t *seen = new_seen(count);
            fill(queue, 0, count);
            cr_expect_gt(worklist_size(&queue->overflow), 0);
            cr_expect_geq(queue->slabs.taken, worklist_size(&queue->overflow));
            drain(queue, seen, count);
            expect_all_seen(seen, count);
            cr_expect_eq(worklist_size(&queue->overflow), 0);
            free(seen);
            per_thread_mark_queue_free(queue);
        }
}

Test(per_thread_mark_queue, emptied_segments_are_used_again)
{
    PerThreadMarkQueue *queue = new_queue(2, false, NULL);
    uint64_t after_first = 0;

    for (int round = 0; round < 10; round++) {
        uint8_t *seen = new_seen(1000);
        fill(queue, 0, 1000);
        drain(queue, seen, 1000);
        expect_all_seen(seen, 1000);
        free(seen);
        if (round == 0)
            after_first = queue->slabs.taken;
    }
    cr_expect_eq(queue->slabs.taken, after_first);
    per_thread_mark_queue_free(queue);
}

Test(per_thread_mark_queue, the_owner_shares_its_oldest_items_as_far_as_there_is_room)
{
    SharedU32 outstanding = {0};
    PerThreadMarkQueue *owner = new_queue(4, true, &outstanding);
    PerThreadMarkQueue *thief = new_queue(4, true, &outstanding);

    cr_expect_eq(per_thread_mark_queue_share(owner), 0);
    cr_expect_not(per_thread_mark_queue_is_stealable(owner));
    cr_expect_not(per_thread_mark_queue_steal(thief, owner));
    for (uint64_t item = 0; item < 12; item++)
        per_thread_mark_queue_push(owner, item);
    cr_expect_eq(per_thread_mark_queue_share(owner), 4);
    cr_expect_eq(per_thread_mark_queue_share(owner), 0, "the steal queue is full");
    cr_expect_eq(per_thread_mark_queue_size(owner), 8);
    cr_expect(per_thread_mark_queue_is_stealable(owner));
    cr_assert(per_thread_mark_queue_steal(thief, owner));
    cr_expect_eq(per_thread_mark_queue_size(thief), 2, "half of what was offered");
    for (uint64_t item = 2; item-- > 0;)
        cr_expect_eq(pop(thief), item);
    for (uint64_t item = 12; item-- > 4;)
        cr_expect_eq(pop(owner), item);
    cr_assert(per_thread_mark_queue_refill(owner));
    cr_expect_eq(per_thread_mark_queue_size(owner), 2);
    per_thread_mark_queue_free(owner);
    per_thread_mark_queue_free(thief);
}

Test(per_thread_mark_queue, a_thief_takes_a_whole_segment_when_the_steal_queue_is_empty)
{
    SharedU32 outstanding = {0};
    PerThreadMarkQueue *owner = new_queue(2, true, &outstanding);
    PerThreadMarkQueue *thief = new_queue(2, true, &outstanding);

    fill(owner, 0, 100);
    uint32_t segments = worklist_size(&owner->overflow);
    cr_assert_gt(segments, 0);
    cr_expect(per_thread_mark_queue_is_stealable(owner));
    cr_assert(per_thread_mark_queue_steal(thief, owner));
    cr_expect_eq(per_thread_mark_queue_size(thief), owner->slabs.segment_items);
    cr_expect_eq(worklist_size(&owner->overflow), segments - 1);
    per_thread_mark_queue_free(thief);
    per_thread_mark_queue_free(owner);
}

Test(per_thread_mark_queue, between_owner_and_thief_nothing_is_lost_or_doubled)
{
    static const uint32_t capacities[] = {2, 8, QUEUE_CAPACITY};

    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        SharedU32 outstanding = {0};
        PerThreadMarkQueue *owner = new_queue(capacities[i], true, &outstanding);
        PerThreadMarkQueue *thief = new_queue(capacities[i], true, &outstanding);
        const uint64_t count = 10000;
        uint8_t *seen = new_seen(count);
        for (uint64_t done = 0; done < count; done += 500) {
            fill(owner, done, 500);
            (void)per_thread_mark_queue_share(owner);
            // A thief steals with an empty stack only.
            while (per_thread_mark_queue_size(thief) > 0)
                cr_assert_eq(seen[pop(thief)]++, 0);
            (void)per_thread_mark_queue_steal(thief, owner);
        }
        drain(owner, seen, count);
        drain(thief, seen, count);
        expect_all_seen(seen, count);
        free(seen);
        per_thread_mark_queue_free(owner);
        per_thread_mark_queue_free(thief);
    }
}

// ---- OwnerInbox ----

#define DELIVERIES 200u

static void check_inbox(uint32_t capacity, ReferenceChunk *chunks)
{
    SharedU32 outstanding;
    OwnerInbox inbox;
    Error error = {0};

    shared_u32_store(&outstanding, 5, SHARED_RELAXED);
    cr_assert(owner_inbox_init(&inbox, capacity, &outstanding, &error), "%s", error.message);
    cr_expect_not(owner_inbox_is_pending(&inbox));
    cr_expect_null(owner_inbox_take(&inbox));
    for (uint32_t count = 1; count <= DELIVERIES; count += 33) {
        uint8_t seen[DELIVERIES] = {0};
        uint32_t taken = 0;
        for (uint32_t i = 0; i < count; i++) {
            bool was_empty = owner_inbox_deliver(&inbox, &chunks[i]);
            cr_expect_eq(was_empty, i == 0);
            cr_expect_leq(inbox.count, capacity);
            cr_expect_eq(shared_u32_load(&outstanding, SHARED_RELAXED), 6, "one for all of them");
        }
        cr_expect(owner_inbox_is_pending(&inbox));
        for (ReferenceChunk *chunk = owner_inbox_take(&inbox); chunk != NULL; chunk = chunk->next) {
            cr_assert_eq(seen[chunk->owner]++, 0);
            taken++;
        }
        cr_expect_eq(taken, count);
        cr_expect_eq(shared_u32_load(&outstanding, SHARED_RELAXED), 5);
        cr_expect_not(owner_inbox_is_pending(&inbox));
        cr_expect_null(owner_inbox_take(&inbox));
    }
    owner_inbox_release(&inbox);
}

Test(owner_inbox, every_delivery_is_taken_once_and_counted_while_it_waits)
{
    ReferenceChunk *chunks = calloc(DELIVERIES, sizeof *chunks);

    cr_assert_not_null(chunks);
    for (uint32_t i = 0; i < DELIVERIES; i++)
        chunks[i].owner = i;
    check_inbox(1, chunks);
    check_inbox(2, chunks);
    check_inbox(INBOX_CHUNKS, chunks);
    free(chunks);
}

// ---- PageOwnership ----

#define BASE UINT64_C(0x200000000000)
#define PAGES 480u
#define OWNERS 6u
#define REGION_PAGES 8u // what so few pages are divided into for two workers

// Page i is of owner thread 1 + i / (PAGES / OWNERS), with `objects(i)` objects.
static HeapImage *owned_image(bool is_uneven)
{
    MadeHeap *heap = made_heap_new(NULL);
    HeapImage *image;

    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t page =
            made_heap_page(heap, BASE + UINT64_C(4096) * i, 64, 1 + i / (PAGES / OWNERS));
        uint32_t objects = is_uneven ? i % 8 * 4 : 30;
        for (uint32_t slot = 0; slot < objects; slot++)
            made_heap_object(heap, page, slot);
    }
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    return image;
}

static uint64_t live_objects(const HeapImage *image, uint32_t page)
{
    return (uint64_t)__builtin_popcountll(image->live[heap_image_first_word(image, page)]);
}

static void check_ownership(const HeapImage *image, uint32_t workers)
{
    uint64_t shares[MAX_WORKERS] = {0}, total = 0, most = 0;
    PageOwnership *ownership = malloc(sizeof *ownership);
    uint32_t changes = 0, last = 0;
    Error error = {0};

    cr_assert_not_null(ownership);
    cr_assert(page_ownership_init(ownership, image, workers, &error), "%s", error.message);
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t address = image->pages[page].address;
        uint32_t worker = page_ownership_worker(ownership, address);
        cr_assert_lt(worker, workers);
        cr_assert_eq(page_ownership_worker(ownership, address + 4095), worker);
        // Owner threads lie in the order of addresses here: their pages stay together when
        // workers do, too.
        changes += page > 0 && worker != last;
        last = worker;
        shares[worker] += live_objects(image, page);
        total += live_objects(image, page);
    }
    cr_expect_eq(changes, workers - 1, "%u workers: %u changes", workers, changes);
    for (uint32_t i = 0; i < workers; i++)
        most = shares[i] > most ? shares[i] : most;
    cr_expect_leq(most, total / workers + total / 20, "%u workers: one has %llu of %llu objects",
                  workers, (unsigned long long)most, (unsigned long long)total);
    free(ownership);
}

Test(page_ownership, every_page_has_one_worker_and_shares_are_equal)
{
    for (int uneven = 0; uneven < 2; uneven++) {
        HeapImage *image = owned_image(uneven != 0);
        for (uint32_t workers = 1; workers <= MAX_WORKERS; workers++)
            check_ownership(image, workers);
        heap_image_free(image);
    }
}

// Owners that alternate region by region: two workers get three owner threads each, whole.
Test(page_ownership, pages_of_one_owner_thread_stay_together)
{
    PageOwnership *ownership = malloc(sizeof *ownership);
    MadeHeap *heap = made_heap_new(NULL);
    HeapImage *image;
    Error error = {0};

    cr_assert_not_null(ownership);
    for (uint32_t i = 0; i < PAGES; i++)
        made_heap_object(
            heap,
            made_heap_page(heap, BASE + UINT64_C(4096) * i, 64, 1 + i / REGION_PAGES % OWNERS), 0);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    cr_assert(page_ownership_init(ownership, image, 2, &error), "%s", error.message);
    cr_assert_eq(UINT64_C(1) << ownership->region_shift, REGION_PAGES * UINT64_C(4096));
    for (uint32_t page = 0; page < image->page_count; page++)
        cr_expect_eq(page_ownership_worker(ownership, image->pages[page].address),
                     image->pages[page].owner_thread <= OWNERS / 2 ? 0 : 1);
    heap_image_free(image);
    free(ownership);
}
