// The places where work waits: Worklist, PerThreadMarkQueue, ReferenceRegions, OwnerInbox. One
// thread here; what threads do to them is tests/stress/'s to show.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/owner_inbox.h"
#include "marker/page_ownership.h"
#include "marker/per_thread_mark_queue.h"
#include "marker/reference_regions.h"
#include "marker/worklist.h"
#include "tests/support/random_heap.h"

Test(worklist, segments_come_back_whole_and_the_newest_first)
{
    Worklist list;
    Error error;

    cr_assert(worklist_init(&list, true, &error));
    cr_expect_null(worklist_take(&list));
    for (uint64_t i = 0; i < 3; i++) {
        WorkSegment *segment = work_segment_new(4);
        segment->items[0] = i;
        segment->count = 1;
        worklist_put(&list, segment);
    }
    cr_expect_eq(worklist_size(&list), 3);
    WorkSegment *segment = worklist_take(&list);
    cr_expect_eq(segment->items[0], 2);
    cr_expect_eq(segment->count, 1);
    cr_expect_eq(worklist_size(&list), 2);
    work_segments_free(segment);
    worklist_release(&list); // frees the other two
}

static PerThreadMarkQueue *make_queue(uint32_t capacity, SharedU32 *outstanding)
{
    PerThreadMarkQueueOptions options = {
        .capacity = capacity, .is_shared = true, .outstanding = outstanding};
    PerThreadMarkQueue *queue;
    Error error;

    cr_assert(per_thread_mark_queue_new(&options, &queue, &error), "%s", error.message);
    return queue;
}

static void fill(PerThreadMarkQueue *queue, uint64_t count)
{
    for (uint64_t item = 0; item < count; item++) {
        bool spilled;
        per_thread_mark_queue_push(queue, item);
        if (per_thread_mark_queue_size(queue) > queue->spill_above)
            cr_assert(per_thread_mark_queue_spill(queue, &spilled));
    }
}

// Takes everything out; each item must come exactly once.
static void expect_all(PerThreadMarkQueue *queue, uint8_t *seen, uint64_t count)
{
    do {
        while (per_thread_mark_queue_size(queue) > 0) {
            uint64_t item = queue->items[--queue->top];
            cr_assert_lt(item, count);
            cr_expect_eq(seen[item], 0, "item %llu came twice", (unsigned long long)item);
            seen[item]++;
        }
    } while (per_thread_mark_queue_refill(queue));
}

static void expect_each_once(const uint8_t *seen, uint64_t count)
{
    for (uint64_t item = 0; item < count; item++)
        cr_expect_eq(seen[item], 1, "item %llu is lost", (unsigned long long)item);
}

Test(per_thread_mark_queue, what_does_not_fit_the_stack_comes_back_from_segments)
{
    SharedU32 outstanding;
    PerThreadMarkQueue *queue = make_queue(2, &outstanding);
    uint8_t seen[1000] = {0};

    fill(queue, 1000);
    cr_expect_gt(worklist_size(&queue->overflow), 400);
    cr_expect_gt(queue->allocated_segments, 400);
    expect_all(queue, seen, 1000);
    expect_each_once(seen, 1000);
    per_thread_mark_queue_free(queue);
}

Test(per_thread_mark_queue, thieves_get_half_of_what_is_shared_or_a_segment)
{
    SharedU32 outstanding;
    PerThreadMarkQueue *victim = make_queue(8, &outstanding);
    PerThreadMarkQueue *thief = make_queue(8, &outstanding);
    uint8_t seen[100] = {0};

    cr_expect_not(per_thread_mark_queue_steal(thief, victim));
    fill(victim, 100);
    cr_expect_eq(per_thread_mark_queue_share(victim), 8); // full
    cr_expect(per_thread_mark_queue_steal(thief, victim));
    cr_expect_eq(per_thread_mark_queue_size(thief), 4);
    expect_all(thief, seen, 100);
    while (per_thread_mark_queue_steal(thief, victim))
        expect_all(thief, seen, 100);
    cr_expect_not(per_thread_mark_queue_is_stealable(victim));
    expect_all(victim, seen, 100);
    expect_each_once(seen, 100);
    per_thread_mark_queue_free(victim);
    per_thread_mark_queue_free(thief);
}

// ---- regions ----

typedef struct RegionsFixture {
    RandomHeap *heap;
    HeapImage *image;
    ChunkPool pool;
} RegionsFixture;

static RegionsFixture make_fixture(uint32_t workers, uint32_t chunk_references)
{
    RandomHeapOptions heap_options = {.seed = 7, .objects = 20000, .owners = 4, .occupancy = 100};
    ChunkPoolOptions options = {.worker_count = workers,
                                .least_regions = 16 * workers,
                                .chunk_references = chunk_references,
                                .batch_words = 64};
    RegionsFixture fixture;
    Error error;

    fixture.heap = random_heap_new(&heap_options);
    fixture.image = random_heap_image(fixture.heap, false);
    cr_assert(chunk_pool_init(&fixture.pool, fixture.image, &options, &error));
    return fixture;
}

static void release_fixture(RegionsFixture *fixture)
{
    chunk_pool_release(&fixture->pool);
    heap_image_free(fixture->image);
    random_heap_free(fixture->heap);
}

static ReferenceRegions *make_regions(ChunkPool *pool)
{
    ReferenceRegions *regions = malloc(sizeof *regions);

    reference_regions_init(regions, pool, 0);
    return regions;
}

static void add(ReferenceRegions *regions, uint64_t place)
{
    ReferenceAppender appender = reference_appender(regions);

    cr_assert(reference_regions_reserve(regions));
    reference_append(&appender, place, 1);
    reference_append(&appender, UINT64_MAX, 0); // none: must change nothing
    regions->pending++;
}

// Takes everything out and adds it up.
static uint64_t drain(ReferenceRegions *regions, uint64_t *sum)
{
    uint64_t taken = 0;
    uint32_t region, count;

    while ((region = reference_regions_next(regions)) != NO_INDEX) {
        const uint32_t *references = reference_regions_newest(regions, region, 16, &count);
        for (uint32_t i = 0; i < count; i++) {
            cr_expect_eq(references[i] >> regions->place_shift, region);
            *sum += references[i];
        }
        reference_regions_drop(regions, region, count);
        taken += count;
    }
    cr_expect_eq(regions->pending, 0);
    return taken;
}

static uint64_t window_words(const RegionsFixture *fixture)
{
    return fixture->image->page_window.count << fixture->image->page_shift >> 3;
}

Test(reference_regions, each_reference_comes_back_once_from_its_region)
{
    for (uint32_t chunk = 1; chunk <= CHUNK_REFERENCES; chunk = 4 * chunk + 1) {
        RegionsFixture fixture = make_fixture(1, chunk);
        ReferenceRegions *regions = make_regions(&fixture.pool);
        uint64_t wanted = 0, got = 0, added = fixture.pool.chunk_count / 2;
        for (uint64_t i = 0; i < added; i++) {
            uint64_t place = i * 7919 % window_words(&fixture);
            add(regions, place);
            wanted += place;
        }
        cr_expect_eq(drain(regions, &got), added);
        cr_expect_eq(got, wanted);
        free(regions);
        release_fixture(&fixture);
    }
}

Test(reference_regions, an_empty_pool_says_so_and_fills_again)
{
    RegionsFixture fixture = make_fixture(1, 1);
    ReferenceRegions *regions = make_regions(&fixture.pool);
    ReferenceAppender appender = reference_appender(regions);
    uint64_t added = 0, sum = 0;

    while (reference_regions_reserve(regions)) {
        reference_append(&appender, added % window_words(&fixture), 1);
        regions->pending++;
        added++;
    }
    cr_expect_leq(added, fixture.pool.chunk_count);
    cr_expect_eq(drain(regions, &sum), added);
    cr_expect(reference_regions_reserve(regions));
    reference_regions_return(regions);
    cr_expect_eq(regions->cached, 0);
    free(regions);
    release_fixture(&fixture);
}

Test(reference_regions, detached_chunks_hold_what_the_giver_lost)
{
    RegionsFixture fixture = make_fixture(2, 8);
    ReferenceRegions *giver = make_regions(&fixture.pool);
    ReferenceRegions *taker = make_regions(&fixture.pool);
    uint64_t wanted = 0, got = 0, taken;
    ReferenceChunk *chunk;

    for (uint64_t i = 0; i < 200; i++) {
        uint64_t place = i * 104729 % window_words(&fixture);
        add(giver, place);
        wanted += place;
    }
    for (int i = 0; i < 1000 && (chunk = reference_regions_detach(giver)) != NULL; i++)
        reference_regions_attach(taker, chunk);
    cr_expect_leq(giver->pending, 1); // one reference cannot be halved
    taken = drain(giver, &got);
    taken += drain(taker, &got);
    cr_expect_eq(taken, 200);
    cr_expect_eq(got, wanted);
    free(giver);
    free(taker);
    release_fixture(&fixture);
}

Test(reference_regions, references_into_the_regions_of_others_are_flushed_to_outgoing)
{
    RegionsFixture fixture = make_fixture(2, 4);
    ReferenceRegions *regions = make_regions(&fixture.pool);
    uint64_t outgoing = 0, sum = 0;

    memset(regions->own, 0, sizeof regions->own);
    regions->own[0] = 1; // region 0 alone is ours
    for (uint64_t i = 0; i < 100; i++)
        add(regions, i * 7919 % window_words(&fixture));
    reference_regions_flush(regions);
    for (ReferenceChunk *chunk = regions->outgoing; chunk != NULL; chunk = chunk->next) {
        cr_expect_neq(chunk->region, 0);
        outgoing += chunk->end - fixture.pool.first;
    }
    regions->pending -= outgoing;
    cr_expect_gt(outgoing, 0);
    cr_expect_eq(drain(regions, &sum) + outgoing, 100);
    free(regions);
    release_fixture(&fixture);
}

Test(owner_inbox, everything_delivered_is_taken_and_counts_as_one_unit)
{
    ReferenceChunk *chunks[10];
    SharedU32 outstanding;
    OwnerInbox inbox;
    Error error;
    uint32_t taken = 0;

    shared_u32_store(&outstanding, 1, SHARED_RELAXED);
    cr_assert(owner_inbox_init(&inbox, 4, &outstanding, &error)); // 6 go to the overflow
    cr_expect_null(owner_inbox_take(&inbox));
    for (int i = 0; i < 10; i++) {
        chunks[i] = malloc(sizeof *chunks[i]);
        cr_expect_eq(owner_inbox_deliver(&inbox, chunks[i]), i == 0);
    }
    cr_expect_eq(shared_u32_load(&outstanding, SHARED_RELAXED), 2);
    cr_expect(owner_inbox_is_pending(&inbox));
    for (ReferenceChunk *chunk = owner_inbox_take(&inbox); chunk != NULL; chunk = chunk->next)
        taken++;
    cr_expect_eq(taken, 10);
    cr_expect_eq(shared_u32_load(&outstanding, SHARED_RELAXED), 1);
    cr_expect_not(owner_inbox_is_pending(&inbox));
    owner_inbox_release(&inbox);
    for (int i = 0; i < 10; i++)
        free(chunks[i]);
}

Test(page_ownership, shares_are_even_and_cover_every_worker)
{
    RegionsFixture fixture = make_fixture(4, CHUNK_REFERENCES);
    const HeapImage *image = fixture.image;
    uint64_t weights[4] = {0}, total = 0;
    PageOwnership ownership;
    Error error;

    cr_assert(page_ownership_init(&ownership, image, &fixture.pool, 4, &error));
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint32_t worker = page_ownership_worker(&ownership, image->pages[page].address);
        cr_assert_lt(worker, 4);
        weights[worker] += image->pages[page].slot_count;
        total += image->pages[page].slot_count;
    }
    for (int worker = 0; worker < 4; worker++)
        cr_expect(weights[worker] > total / 8 && weights[worker] < total / 2,
                  "worker %d has %llu of %llu", worker, (unsigned long long)weights[worker],
                  (unsigned long long)total);
    release_fixture(&fixture);
}
