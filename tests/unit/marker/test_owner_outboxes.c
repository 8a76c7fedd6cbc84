// OwnerOutboxes and the pool of chunks behind them; one thread at a time.

#include "marker/owner_outboxes.h"

#include <criterion/criterion.h>
#include <stdlib.h>

typedef struct Boxes {
    ChunkPool pool;
    OwnerOutboxes outboxes;
} Boxes;

// Worker 1 of `owners`.
static Boxes *make_boxes(uint32_t owners, uint32_t chunk_references, uint32_t batch_references)
{
    ChunkPoolOptions options = {.worker_count = owners,
                                .chunk_references = chunk_references,
                                .batch_references = batch_references};
    Boxes *boxes = aligned_alloc(SHARED_LINE_BYTES, sizeof *boxes);
    Error error = {0};

    cr_assert_not_null(boxes);
    cr_assert(chunk_pool_init(&boxes->pool, &options, &error), "%s", error.message);
    owner_outboxes_init(&boxes->outboxes, &boxes->pool, 1, owners);
    return boxes;
}

static void free_boxes(Boxes *boxes)
{
    chunk_pool_release(&boxes->pool);
    free(boxes);
}

// Counts the references that wait to be delivered, by owner, and takes the chunks back.
static uint64_t take_outgoing(OwnerOutboxes *outboxes, uint64_t *sums)
{
    uint64_t taken = 0;

    while (outboxes->outgoing != NULL) {
        ReferenceChunk *chunk = outboxes->outgoing;
        outboxes->outgoing = chunk->next;
        cr_expect_gt(chunk->count, 0);
        for (uint32_t i = 0; i < chunk->count; i++)
            sums[chunk->owner] += chunk->granules[i];
        taken += chunk->count;
        owner_outboxes_reuse(outboxes, chunk);
    }
    return taken;
}

Test(owner_outboxes, each_reference_goes_to_its_owner_once)
{
    for (uint32_t references = 1; references <= CHUNK_REFERENCES; references = 4 * references + 1) {
        Boxes *boxes = make_boxes(3, references, 10);
        uint64_t sums[3] = {0}, wanted[3] = {0}, taken = 0, added = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            uint32_t owner = (uint32_t)(i * 7 % 3);
            if (i % 10 == 0)
                cr_assert(owner_outboxes_reserve(&boxes->outboxes));
            owner_outboxes_add(&boxes->outboxes, owner, i, owner != 1);
            wanted[owner] += owner != 1 ? i : 0;
            added += owner != 1;
            taken += take_outgoing(&boxes->outboxes, sums);
        }
        owner_outboxes_flush(&boxes->outboxes);
        taken += take_outgoing(&boxes->outboxes, sums);
        cr_expect_eq(taken, added);
        for (uint32_t owner = 0; owner < 3; owner++)
            cr_expect_eq(sums[owner], wanted[owner]);
        owner_outboxes_return(&boxes->outboxes);
        cr_expect_eq(boxes->outboxes.spare_count, 0);
        free_boxes(boxes);
    }
}

Test(owner_outboxes, an_empty_pool_says_so_before_anything_is_lost)
{
    Boxes *boxes = make_boxes(2, 1, 4);
    ReferenceChunk *kept = NULL;
    uint64_t added = 0, counted = 0;

    while (owner_outboxes_reserve(&boxes->outboxes)) {
        for (int i = 0; i < 4; i++)
            owner_outboxes_add(&boxes->outboxes, 0, ++added, 1);
        while (boxes->outboxes.outgoing != NULL) {
            ReferenceChunk *chunk = boxes->outboxes.outgoing;
            boxes->outboxes.outgoing = chunk->next;
            chunk->next = kept;
            kept = chunk;
        }
        cr_assert_leq(added, boxes->pool.chunk_count);
    }
    cr_expect_gt(added, boxes->pool.chunk_count / 2, "most chunks can be on their way");
    for (ReferenceChunk *chunk = kept; chunk != NULL; chunk = chunk->next)
        counted += chunk->count;
    cr_expect_eq(counted, added);
    while (kept != NULL) {
        ReferenceChunk *chunk = kept;
        kept = chunk->next;
        owner_outboxes_reuse(&boxes->outboxes, chunk);
    }
    cr_expect(owner_outboxes_reserve(&boxes->outboxes));
    free_boxes(boxes);
}
