// Scheduled marks: whatever the schedule, the result is the serial one; the same schedule is the
// same run, wherever the image lies; observers see all of it.
//
// timeout: 300

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "marker/mark.h"
#include "marker/schedule/mark_schedule.h"
#include "marker/schedule/schedule_recording.h"
#include "base/checksum.h"
#include "tests/support/dose.h"
#include "tests/support/made_heap.h"
#include "tests/support/random_heap.h"

static MarkResult *mark(const HeapImage *image, MarkOptions options, const MarkSchedule *schedule)
{
    MarkResult *result;
    Error error;

    options.driver = &schedule->driver;
    cr_assert(mark_reachable(image, &options, &result, &error), "%s", error.message);
    return result;
}

static void expect_same_run(const MarkResult *a, const MarkResult *b)
{
    const MarkStatistics *left = &a->statistics, *right = &b->statistics;

    cr_expect_str_eq(left->schedule.digest, right->schedule.digest);
    cr_expect_eq(left->schedule.steps, right->schedule.steps);
    cr_expect_eq(left->schedule.virtual_ns, right->schedule.virtual_ns);
    cr_expect_eq(memcmp(left->workers, right->workers, sizeof left->workers), 0);
    cr_expect_eq(memcmp(&a->totals, &b->totals, sizeof a->totals), 0);
}

static void expect_same_marks(const MarkResult *got, const MarkResult *wanted)
{
    cr_expect_eq(memcmp(got->marked, wanted->marked, got->word_count * 8), 0);
    cr_expect_eq(memcmp(got->marked_blocks, wanted->marked_blocks, got->block_word_count * 8), 0);
    cr_expect_eq(memcmp(&got->totals, &wanted->totals, sizeof got->totals), 0);
}

// A tree of `count` objects in class 64, below one root.
static MadeHeap *make_tree(uint32_t count)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t *objects = calloc(count, sizeof *objects);
    uint64_t page = 0;
    uint32_t slot = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (page == 0 || slot == made_heap_slots(heap, page)) {
            page = made_heap_page(heap, UINT64_C(0x10000000) + (uint64_t)i * 4096, 64, 1 + i % 3);
            slot = 0;
        }
        objects[i] = made_heap_object(heap, page, slot++);
        if (i > 0)
            made_heap_refer(heap, objects[(i - 1) / 2], (i - 1) % 2, objects[i]);
    }
    made_heap_root(heap, ROOT_GLOBAL, objects[0]);
    free(objects);
    return heap;
}

Test(scheduled_mark, every_schedule_marks_what_the_serial_marker_marks)
{
    for (uint64_t seed = 1; seed <= test_dose(12); seed++) {
        RandomHeapOptions heap_options = random_heap_options(seed, 400);
        RandomHeap *heap = random_heap_new(&heap_options);
        HeapImage *image = random_heap_image(heap, false);
        MarkKind kind = seed % 4 == 0 ? MARK_MINOR : MARK_MAJOR;
        MarkResult *wanted;
        Error error;

        cr_assert(mark_reachable_serial(image, kind, &wanted, &error));
        for (int policy = 0; policy < SCHEDULE_POLICY_COUNT; policy++) {
            MarkSchedule schedule = mark_schedule_default();
            MarkOptions options = {
                .workers = 1 + (uint32_t)((seed * 7 + (uint64_t)policy * 5) % MAX_VIRTUAL_WORKERS),
                .kind = kind,
                .policy =
                    (seed + (uint64_t)policy) % 2 == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER,
                .queue_capacity = 2u << (seed % 5),
            };
            schedule.policy = (SchedulePolicy)policy;
            schedule.seed = seed;
            schedule.quantum = 1 + (uint32_t)(seed % MAX_QUANTUM);
            MarkResult *got = mark(image, options, &schedule);
            expect_same_marks(got, wanted);
            mark_result_free(got);
        }
        mark_result_free(wanted);
        heap_image_free(image);
        random_heap_free(heap);
    }
}

// Layouts of all page sizes: pages above 4 KiB must lie at multiples of their size in an arena,
// too.
static HeapLayout layout_with_pages(uint32_t bytes)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    Error error;

    layout.page_size = bytes;
    cr_assert(heap_layout_check(&layout, &error), "%s", error.message);
    return layout;
}

Test(scheduled_mark, the_same_schedule_is_the_same_run_wherever_the_image_lies)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        RandomHeapOptions heap_options = random_heap_options(seed, 600);
        HeapLayout layout = layout_with_pages(LAYOUT_MIN_PAGE_SIZE << seed % 5);
        heap_options.layout = &layout;
        RandomHeap *heap = random_heap_new(&heap_options);
        HeapImage *image = random_heap_image(heap, false);
        // One page of ours between the arenas: the second begins at another place of its 64 KiB.
        HeapImage *relocated = random_heap_image(heap, true);
        void *between = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        HeapImage *again_relocated = random_heap_image(heap, true);
        MarkSchedule schedule = mark_schedule_default();
        MarkOptions options = {.workers = 6,
                               .policy = seed % 2 == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER,
                               .queue_capacity = 2u << (seed % 4)};
        const HeapImage *const others[] = {image, relocated, again_relocated};

        schedule.seed = seed;
        schedule.policy = (SchedulePolicy)(seed / 5 % SCHEDULE_POLICY_COUNT);
        MarkResult *first = mark(image, options, &schedule);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            MarkResult *other = mark(others[i], options, &schedule);
            expect_same_run(first, other);
            mark_result_free(other);
        }
        mark_result_free(first);
        heap_image_free(image);
        heap_image_free(relocated);
        heap_image_free(again_relocated);
        (void)munmap(between, 4096);
        random_heap_free(heap);
    }
}

static uint64_t statistics_hash(const MarkStatistics *statistics)
{
    char text[4096];
    int length =
        snprintf(text, sizeof text, "%s %" PRIu64 " %" PRIu64 "\n", statistics->schedule.digest,
                 statistics->schedule.steps, statistics->schedule.virtual_ns);

    for (uint32_t i = 0; i < statistics->worker_count; i++) {
        const MarkWorkerStatistics *worker = &statistics->workers[i];
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                           " %" PRIu64 "\n",
                           worker->marked, worker->scanned_words, worker->edges, worker->steals_won,
                           worker->overflow_segments, worker->steps, worker->busy_virtual_ns);
    }
    return checksum_xxh64(text, (size_t)length);
}

// The same numbers from gcc and from clang, from each CPU: both compilers' builds run this. (What
// --stats writes is in tests/cli/golden/mark_schedule.sh.) A change to the marker or to the costs
// may change them: then take those that are printed.
Test(scheduled_mark, the_run_is_the_same_from_every_compiler)
{
    static const uint64_t known = UINT64_C(0x63ba2e552fa29b24);
    RandomHeapOptions heap_options = random_heap_options(23, 20000);
    RandomHeap *heap = random_heap_new(&heap_options);
    HeapImage *image = random_heap_image(heap, false);
    uint64_t hashes[2 * SCHEDULE_POLICY_COUNT];
    uint64_t all;

    for (int way = 0; way < 2 * SCHEDULE_POLICY_COUNT; way++) {
        MarkOptions options = {.workers = 11, .queue_capacity = 16};
        MarkSchedule schedule = mark_schedule_default();
        MarkResult *result;

        options.policy = way < SCHEDULE_POLICY_COUNT ? MARK_POLICY_STEAL : MARK_POLICY_OWNER;
        schedule.policy = (SchedulePolicy)(way % SCHEDULE_POLICY_COUNT);
        result = mark(image, options, &schedule);
        hashes[way] = statistics_hash(&result->statistics);
        mark_result_free(result);
    }
    all = checksum_xxh64(hashes, sizeof hashes);
    cr_expect_eq(all, known, "0x%016" PRIx64, all);
    for (int way = 0; way < 2 * SCHEDULE_POLICY_COUNT && all != known; way++)
        fprintf(stderr, "%s, %s: 0x%016" PRIx64 "\n",
                way < SCHEDULE_POLICY_COUNT ? "steal" : "owner",
                schedule_policy_name((SchedulePolicy)(way % SCHEDULE_POLICY_COUNT)), hashes[way]);
    heap_image_free(image);
    random_heap_free(heap);
}

Test(scheduled_mark, seeds_and_policies_differ)
{
    MadeHeap *heap = make_tree(3000);
    HeapImage *image = made_heap_image(heap, false);
    MarkOptions options = {.workers = 4};
    char digests[SCHEDULE_POLICY_COUNT + 2][MARK_DIGEST_CHARS];
    uint32_t count = 0, different = 0;

    for (int policy = -2; policy < SCHEDULE_POLICY_COUNT; policy++) {
        MarkSchedule schedule = mark_schedule_default();
        schedule.policy = policy < 0 ? SCHEDULE_RANDOM : (SchedulePolicy)policy;
        schedule.seed = policy < 0 ? (uint64_t)(100 - policy) : 1;
        MarkResult *result = mark(image, options, &schedule);
        memcpy(digests[count++], result->statistics.schedule.digest, MARK_DIGEST_CHARS);
        mark_result_free(result);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_new = true;
        for (uint32_t j = 0; j < i; j++)
            is_new = is_new && strcmp(digests[i], digests[j]) != 0;
        different += is_new;
    }
    // Round robin and longest idle may be the same where no worker sleeps.
    cr_expect_geq(different, count - 1);
    heap_image_free(image);
    made_heap_free(heap);
}

Test(scheduled_mark, work_spreads_over_virtual_workers)
{
    MadeHeap *heap = make_tree(20000);
    HeapImage *image = made_heap_image(heap, false);

    for (int policy = 0; policy < SCHEDULE_POLICY_COUNT; policy++) {
        MarkSchedule schedule = mark_schedule_default();
        MarkOptions options = {.workers = 4, .policy = MARK_POLICY_STEAL};
        uint32_t busy = 0;
        // A few preemptions are not enough to let all workers work.
        if (policy == SCHEDULE_PREEMPTION || policy == SCHEDULE_PCT)
            continue;
        schedule.policy = (SchedulePolicy)policy;
        MarkResult *result = mark(image, options, &schedule);
        for (uint32_t i = 0; i < 4; i++)
            busy += result->statistics.workers[i].marked > 1000;
        cr_expect_geq(busy, 3, "%s: %u workers", schedule_policy_name(schedule.policy), busy);
        mark_result_free(result);
    }
    heap_image_free(image);
    made_heap_free(heap);
}

// ---- observers and sources ----

typedef struct Watch {
    uint64_t steps;
    uint64_t claimed;
    uint64_t woken;
    uint64_t slept;
    uint64_t ends[MAX_VIRTUAL_WORKERS];
    uint64_t stop_at; // 0: never
} Watch;

static bool watch_step(void *context, const ScheduleStep *step, Error *error)
{
    Watch *watch = context;

    cr_expect_eq(step->number, watch->steps);
    cr_expect_lt(step->outcome, STEP_OUTCOME_COUNT);
    cr_expect_geq(step->start_ns, watch->ends[step->worker]);
    cr_expect_gt(step->end_ns, step->start_ns);
    watch->ends[step->worker] = step->end_ns;
    watch->steps++;
    watch->claimed += step->claimed;
    watch->slept += step->outcome == STEP_SLEPT;
    watch->woken += (uint64_t)__builtin_popcountll(step->woken_mask);
    if (watch->steps == watch->stop_at)
        return error_set(error, ERROR_INTERRUPTED, "that is enough");
    return true;
}

Test(scheduled_mark, observers_see_every_step)
{
    MadeHeap *heap = make_tree(2000);
    HeapImage *image = made_heap_image(heap, false);
    MarkSchedule schedule = mark_schedule_default();
    Watch watch = {0};

    schedule.policy = SCHEDULE_CLOCK;
    schedule.observer = (ScheduleObserver){.saw_step = watch_step, .context = &watch};
    MarkResult *result = mark(image, (MarkOptions){.workers = 64}, &schedule);
    cr_expect_eq(watch.steps, result->statistics.schedule.steps);
    cr_expect_eq(watch.claimed, 2000);
    cr_expect_gt(watch.slept, 0);
    cr_expect_eq(watch.slept, watch.woken);
    for (uint32_t i = 0; i < 64; i++)
        cr_expect_leq(watch.ends[i], result->statistics.schedule.virtual_ns);
    mark_result_free(result);
    heap_image_free(image);
    made_heap_free(heap);
}

Test(scheduled_mark, an_observer_can_end_the_mark)
{
    MadeHeap *heap = make_tree(2000);
    HeapImage *image = made_heap_image(heap, false);
    MarkSchedule schedule = mark_schedule_default();
    Watch watch = {.stop_at = 20};
    MarkOptions options = {.workers = 3, .driver = &schedule.driver};
    MarkResult *result;
    Error error;

    schedule.observer = (ScheduleObserver){.saw_step = watch_step, .context = &watch};
    cr_expect(!mark_reachable(image, &options, &result, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED);
    cr_expect_null(result);
    cr_expect_eq(watch.steps, 20);
    heap_image_free(image);
    made_heap_free(heap);
}

static bool always_worker_1(void *context, uint64_t number, uint64_t runnable_mask,
                            ScheduledChoice *choice, Error *error)
{
    (void)context;
    (void)runnable_mask;
    (void)number;
    (void)error;
    *choice = (ScheduledChoice){.worker = 1, .quantum = 16};
    return true;
}

Test(scheduled_mark, a_source_that_names_a_sleeper_is_refused)
{
    MadeHeap *heap = make_tree(2000);
    HeapImage *image = made_heap_image(heap, false);
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions options = {.workers = 2, .driver = &schedule.driver};
    MarkResult *result;
    Error error;

    schedule.source = (ScheduleSource){.next = always_worker_1};
    cr_expect(!mark_reachable(image, &options, &result, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    heap_image_free(image);
    made_heap_free(heap);
}

Test(scheduled_mark, a_recording_is_followed_and_a_departure_is_reported)
{
    MadeHeap *heap = make_tree(500);
    HeapImage *image = made_heap_image(heap, false);
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions options = {.workers = 3, .policy = MARK_POLICY_STEAL, .driver = &schedule.driver};
    ScheduleRecording recording;
    ScheduleFollower follower;
    MarkResult *first, *second;
    Error error;

    schedule_recording_init(&recording, image, &options);
    schedule.observer = schedule_recorder(&recording);
    first = mark(image, options, &schedule);
    cr_assert_eq(recording.step_count, first->statistics.schedule.steps);
    schedule_follower_init(&follower, &recording);
    schedule_follow(&follower, &schedule);
    second = mark(image, options, &schedule);
    cr_expect(schedule_follower_finish(&follower, &error), "%s", error.message);
    cr_expect_str_eq(first->statistics.schedule.digest, second->statistics.schedule.digest);
    mark_result_free(first);
    mark_result_free(second);

    // Each way to depart, at each step.
    for (uint64_t i = 0; i < recording.step_count; i += 1 + i / 8)
        for (int way = 0; way < 6; way++) {
            RecordedStep kept = recording.steps[i];
            RecordedStep *step = &recording.steps[i];
            if (way == 0)
                step->outcome = step->outcome == STEP_STARTED ? STEP_FOUND : STEP_STARTED;
            else if (way == 1)
                step->claimed++;
            else if (way == 2)
                step->edges++;
            else if (way == 3)
                step->scanned_words++;
            else if (way == 4)
                step->victim = step->victim == 0 ? 1 : 0;
            else
                step->worker = 3; // there are three
            schedule_follower_init(&follower, &recording);
            schedule_follow(&follower, &schedule);
            cr_expect(!mark_reachable(image, &options, &second, &error));
            cr_expect(follower.has_departed);
            cr_expect_eq(follower.next, i);
            recording.steps[i] = kept;
        }
    schedule_recording_release(&recording);
    heap_image_free(image);
    made_heap_free(heap);
}

Test(scheduled_mark, schedules_that_cannot_be_are_refused)
{
    MadeHeap *heap = make_tree(10);
    HeapImage *image = made_heap_image(heap, false);

    for (int wrong = 0; wrong < 7; wrong++) {
        MarkSchedule schedule = mark_schedule_default();
        MarkOptions options = {.workers = 2, .driver = &schedule.driver};
        MarkResult *result;
        Error error;

        if (wrong == 0)
            schedule.policy = SCHEDULE_POLICY_COUNT;
        else if (wrong == 1)
            schedule.quantum = 0;
        else if (wrong == 2)
            schedule.quantum = MAX_QUANTUM + 1;
        else if (wrong == 3)
            schedule.depth = 0;
        else if (wrong == 4)
            schedule.preemptions = MAX_SCHEDULE_DEPTH + 1;
        else if (wrong == 5)
            schedule.depth = MAX_SCHEDULE_DEPTH + 1;
        else
            options.workers = MAX_VIRTUAL_WORKERS + 1;
        cr_expect(!mark_reachable(image, &options, &result, &error));
        cr_expect_eq(error.code, ERROR_USAGE);
    }
    heap_image_free(image);
    made_heap_free(heap);
}

Test(scheduled_mark, schedules_at_the_ends_of_their_ranges_mark)
{
    const MarkSchedule usual = mark_schedule_default();
    const struct {
        SchedulePolicy policy;
        uint32_t quantum, depth, preemptions, workers;
    } ends[] = {
        {SCHEDULE_RANDOM, 1, 1, 0, 1},
        {SCHEDULE_RANDOM, MAX_QUANTUM, 1, 0, MAX_VIRTUAL_WORKERS},
        {SCHEDULE_PCT, 1, 1, 0, 2},
        {SCHEDULE_PCT, MAX_QUANTUM, MAX_SCHEDULE_DEPTH, 0, MAX_VIRTUAL_WORKERS},
        {SCHEDULE_PREEMPTION, 1, 1, 0, 2},
        {SCHEDULE_PREEMPTION, MAX_QUANTUM, 1, MAX_SCHEDULE_DEPTH, 3},
    };
    MadeHeap *heap = make_tree(200);
    HeapImage *image = made_heap_image(heap, false);

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        MarkSchedule schedule = usual;
        MarkResult *result;

        schedule.policy = ends[i].policy;
        schedule.quantum = ends[i].quantum;
        schedule.depth = ends[i].depth;
        schedule.preemptions = ends[i].preemptions;
        result = mark(image, (MarkOptions){.workers = ends[i].workers}, &schedule);
        cr_expect_eq(result->totals.marked_objects, 200);
        mark_result_free(result);
    }
    heap_image_free(image);
    made_heap_free(heap);
}
