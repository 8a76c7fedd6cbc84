// Replay: every way to mark a heap gives the serial marker's result.

#include <criterion/criterion.h>

#include "analysis/replay/heap_replay.h"
#include "tests/support/marked_heap.h"

Test(heap_replay, every_way_to_mark_random_heaps_agrees)
{
    const ReplayPlan plan = {.worker_count = 3,
                             .workers = {1, 3, 16},
                             .policy_count = 2,
                             .policies = {MARK_POLICY_STEAL, MARK_POLICY_OWNER},
                             .first_seed = 1,
                             .last_seed = 4};

    for (uint64_t seed = 31; seed < 41; seed++) {
        MarkedHeap marked = marked_heap_random(seed, 700);
        HeapReplay replay;
        Error error;

        cr_assert(heap_replay_run(marked.image, &plan, &replay, &error), "%s", error.message);
        cr_expect_not(replay.has_difference);
        cr_expect_eq(replay.marks, 4 * 3 * 2); // seeds, numbers of workers, policies
        cr_expect(replay.steps > replay.marks);
        heap_replay_release(&replay);
        marked_heap_release(&marked);
    }
}
