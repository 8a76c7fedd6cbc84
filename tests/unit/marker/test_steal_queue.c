// StealQueue, one thread at a time. tests/stress/marker/stress_steal_queue.c tests it with many
// threads, tests/relacy/ with all interleavings.

#include "marker/steal_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/xorshift.h"

static void start(StealQueue *queue, uint32_t capacity)
{
    Error error = {0};

    cr_assert(steal_queue_init(queue, capacity, &error), "%s", error.message);
}

static void push(StealQueue *queue, uint64_t item)
{
    cr_assert(steal_queue_push(queue, item), "item %llu", (unsigned long long)item);
}

static void expect_pop(StealQueue *queue, uint64_t wanted)
{
    uint64_t item = 0;

    cr_assert(steal_queue_pop(queue, &item), "item %llu", (unsigned long long)wanted);
    cr_assert_eq(item, wanted);
}

static void expect_steal(StealQueue *queue, uint64_t wanted)
{
    uint64_t item = 0;

    cr_assert(steal_queue_steal(queue, &item), "item %llu", (unsigned long long)wanted);
    cr_assert_eq(item, wanted);
}

static void expect_empty(StealQueue *queue)
{
    uint64_t item = 77;

    cr_expect_eq(steal_queue_size(queue), 0);
    cr_expect_not(steal_queue_pop(queue, &item));
    cr_expect_not(steal_queue_steal(queue, &item));
    cr_expect_eq(steal_queue_size(queue), 0);
}

Test(steal_queue, the_capacity_is_a_power_of_two_from_two)
{
    const uint32_t impossible[] = {0, 1, 3, 5, 6, 1023, 1025, 0x80000001u, UINT32_MAX};
    const uint32_t possible[] = {2, 4, 1024, 65536};

    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        StealQueue queue;
        Error error = {0};
        cr_expect_not(steal_queue_init(&queue, impossible[i], &error), "%u", impossible[i]);
        cr_expect_eq(error.code, ERROR_USAGE);
        cr_expect_neq(error.message[0], '\0');
    }
    for (size_t i = 0; i < sizeof possible / sizeof possible[0]; i++) {
        StealQueue queue;
        start(&queue, possible[i]);
        steal_queue_release(&queue);
    }
}

Test(steal_queue, a_new_queue_is_empty)
{
    StealQueue queue;

    start(&queue, 8);
    expect_empty(&queue);
    expect_empty(&queue); // asking changed nothing
    push(&queue, 1);
    expect_pop(&queue, 1);
    expect_empty(&queue);
    steal_queue_release(&queue);
}

Test(steal_queue, the_owner_gets_the_newest_item)
{
    StealQueue queue;

    start(&queue, 8);
    for (uint64_t item = 1; item <= 8; item++)
        push(&queue, item);
    for (uint64_t item = 8; item >= 1; item--)
        expect_pop(&queue, item);
    expect_empty(&queue);
    steal_queue_release(&queue);
}

Test(steal_queue, a_thief_gets_the_oldest_item)
{
    StealQueue queue;

    start(&queue, 8);
    for (uint64_t item = 1; item <= 8; item++)
        push(&queue, item);
    for (uint64_t item = 1; item <= 8; item++)
        expect_steal(&queue, item);
    expect_empty(&queue);
    steal_queue_release(&queue);
}

Test(steal_queue, owner_and_thief_meet_in_the_middle)
{
    StealQueue queue;

    start(&queue, 4);
    for (uint64_t item = 1; item <= 4; item++)
        push(&queue, item);
    expect_steal(&queue, 1);
    expect_pop(&queue, 4);
    expect_steal(&queue, 2);
    expect_pop(&queue, 3);
    expect_empty(&queue);
    steal_queue_release(&queue);
}

Test(steal_queue, a_full_queue_says_no_and_loses_nothing)
{
    for (uint32_t capacity = 2; capacity <= 1024; capacity *= 2) {
        StealQueue queue;
        start(&queue, capacity);
        for (uint64_t item = 0; item < capacity; item++)
            push(&queue, 100 + item);
        for (int i = 0; i < 3; i++)
            cr_expect_not(steal_queue_push(&queue, 9999));
        cr_expect_eq(steal_queue_size(&queue), capacity);
        // Room for one, whether the owner made it or a thief.
        expect_pop(&queue, 100 + (uint64_t)capacity - 1);
        push(&queue, 1);
        cr_expect_not(steal_queue_push(&queue, 9999));
        expect_steal(&queue, 100);
        push(&queue, 2);
        cr_expect_not(steal_queue_push(&queue, 9999));
        expect_pop(&queue, 2);
        expect_pop(&queue, 1);
        for (uint64_t item = 1; item + 1 < capacity; item++)
            expect_steal(&queue, 100 + item);
        expect_empty(&queue);
        steal_queue_release(&queue);
    }
}

Test(steal_queue, the_last_item_goes_to_one_of_the_two)
{
    StealQueue queue;

    start(&queue, 2);
    for (uint64_t round = 0; round < 100; round++) {
        push(&queue, round);
        cr_expect_eq(steal_queue_size(&queue), 1);
        if (round % 2 == 0)
            expect_pop(&queue, round);
        else
            expect_steal(&queue, round);
        expect_empty(&queue);
    }
    steal_queue_release(&queue);
}

Test(steal_queue, any_word_may_be_an_item)
{
    const uint64_t items[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, INT64_MAX};
    StealQueue queue;

    start(&queue, 8);
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        push(&queue, items[i]);
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        expect_steal(&queue, items[i]);
    steal_queue_release(&queue);
}

Test(steal_queue, it_wraps_round_many_times)
{
    for (uint32_t capacity = 2; capacity <= 64; capacity *= 2) {
        StealQueue queue;
        uint64_t pushed = 0, stolen = 0;
        start(&queue, capacity);
        for (uint64_t round = 0; round < 1000; round++) {
            while (pushed - stolen < capacity)
                push(&queue, pushed++);
            cr_assert_not(steal_queue_push(&queue, 9999));
            for (uint64_t i = 0; i < 1 + round % capacity; i++)
                expect_steal(&queue, stolen++);
        }
        cr_expect_eq(steal_queue_size(&queue), pushed - stolen);
        steal_queue_release(&queue);
    }
}

// A deque as a plain array that is never short of room.
typedef struct Model {
    uint64_t items[40000];
    uint32_t first;
    uint32_t end;
} Model;

Test(steal_queue, it_does_what_a_plain_array_does)
{
    static const uint32_t capacities[] = {2, 4, 16, 1024};
    Model *model = malloc(sizeof *model);

    cr_assert_not_null(model);
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint32_t capacity = capacities[seed % 4];
        uint32_t pushes = (uint32_t)(20 + seed * 60 / 39); // per cent
        Xorshift random = xorshift_seeded(seed);
        StealQueue queue;
        *model = (Model){0};
        start(&queue, capacity);
        for (uint32_t step = 0; step < 20000; step++) {
            uint32_t size = model->end - model->first;
            uint64_t item = xorshift_next(&random);
            cr_assert_eq(steal_queue_size(&queue), size);
            if (xorshift_percent(&random, pushes)) {
                cr_assert_eq(steal_queue_push(&queue, item), size < capacity);
                if (size < capacity)
                    model->items[model->end++] = item;
            } else if (xorshift_percent(&random, 50)) {
                cr_assert_eq(steal_queue_pop(&queue, &item), size > 0);
                if (size > 0)
                    cr_assert_eq(item, model->items[--model->end]);
            } else {
                cr_assert_eq(steal_queue_steal(&queue, &item), size > 0);
                if (size > 0)
                    cr_assert_eq(item, model->items[model->first++]);
            }
        }
        steal_queue_release(&queue);
    }
    free(model);
}
