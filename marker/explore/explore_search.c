// Searching schedules: see marker/explore/explore_search.h.

#include "marker/explore/explore_search.h"

#include <string.h>

// A run with more operations than this counts as endless.
#define MAX_STEPS 30000u
#define QUEUE_OPERATIONS 8u
#define QUEUE_THIEVES 2u
#define QUEUE_STEALS 3u

// ---- subjects ----

bool explore_subject_set_heap(ExploreSubject *subject, const ExploreHeap *heap, Error *error)
{
    MarkCase *mark = &subject->explored.mark;

    if (heap != &subject->heap)
        subject->heap = *heap;
    heap_image_free(subject->image);
    mark_result_free(subject->expected);
    subject->expected = NULL;
    if (!explore_heap_image(heap, &subject->image, error) ||
        !mark_reachable_serial(subject->image, mark->kind, &subject->expected, error))
        return false;
    mark->image = subject->image;
    mark->expected = subject->expected;
    return true;
}

void explore_subject_release(ExploreSubject *subject)
{
    heap_image_free(subject->image);
    mark_result_free(subject->expected);
    subject->image = NULL;
    subject->expected = NULL;
}

void explore_finding_release(ExploreFinding *finding)
{
    explore_subject_release(&finding->subject);
    choice_list_release(&finding->choices);
}

void explore_queue_case(QueueCase *queue, ScheduleRandom *random)
{
    *queue = (QueueCase){.capacity = schedule_random_below(random, 2) == 0 ? 2 : 4,
                         .thieves = QUEUE_THIEVES,
                         .steals = QUEUE_STEALS};
    for (uint32_t i = 0; i < QUEUE_OPERATIONS; i++)
        queue->operations[i] = "+-"[schedule_random_below(random, 5) >= 3];
}

static bool make_mark_case(ExploreSubject *subject, const ExploreOptions *options,
                           ScheduleRandom *random, Error *error)
{
    MarkCase *mark = &subject->explored.mark;

    mark->workers = 2 + (uint32_t)schedule_random_below(random, 3);
    mark->policy = schedule_random_below(random, 2) == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER;
    mark->kind = schedule_random_below(random, 4) == 0 ? MARK_MINOR : MARK_MAJOR;
    mark->queue_capacity = 2u << schedule_random_below(random, 2);
    if (options->workers != 0)
        mark->workers = options->workers;
    if (options->policy != MARK_POLICY_DEFAULT)
        mark->policy = options->policy;
    if (options->heap != NULL)
        subject->heap = *options->heap;
    else
        explore_heap_generate(&subject->heap, random, options->low_objects, options->high_objects);
    return explore_subject_set_heap(subject, &subject->heap, error);
}

// Mixed, so that the sequences of neighbouring numbers are independent.
static ScheduleRandom seeded(uint64_t seed, uint64_t number)
{
    ScheduleRandom random = {seed};

    random.state = schedule_random_next(&random) ^ number;
    random.state = schedule_random_next(&random);
    return random;
}

static bool make_subject(ExploreSubject *subject, const ExploreOptions *options, uint64_t number,
                         Error *error)
{
    uint64_t group = number / EXPLORE_SCHEDULES_PER_CASE;
    ScheduleRandom random = seeded(~options->seed, group);

    subject->explored.marker = options->marker;
    subject->explored.is_queue = options->has_queues && (!options->has_marks || group % 2 == 0);
    if (subject->explored.is_queue) {
        explore_queue_case(&subject->explored.queue, &random);
        return true;
    }
    return make_mark_case(subject, options, &random, error);
}

// ---- schedules ----

// Each kind of chooser finds errors that others miss: they take turns.
static OperationChooser make_chooser(uint64_t seed, uint64_t number, uint64_t expected_steps,
                                     ChoiceList *record)
{
    OperationChooser chooser = {
        .random = seeded(seed, number), .expected_steps = expected_steps, .record = record};

    switch (number % 4) {
    case 0:
        chooser.policy = OPERATIONS_RANDOM;
        break;
    case 1:
        chooser.policy = OPERATIONS_STICKY;
        break;
    case 2:
        chooser.policy = OPERATIONS_PCT;
        chooser.depth = 2;
        break;
    default:
        chooser.policy = OPERATIONS_PCT;
        chooser.depth = 3;
        break;
    }
    operation_chooser_start(&chooser);
    return chooser;
}

static CaseRun run_with(SimRun *run, const ExploreSubject *subject, SimModel model,
                        OperationChooser *chooser, SimObserver *observe, void *observe_context)
{
    SimOptions options = {.model = model,
                          .max_steps = MAX_STEPS,
                          .choose = operation_choose,
                          .choose_context = chooser,
                          .observe = observe,
                          .observe_context = observe_context};
    CaseRun result = explore_case_run(run, &subject->explored, &options);

    result.forced = chooser->forced;
    return result;
}

static bool check_run(const CaseRun *result, const OperationChooser *chooser, Error *error)
{
    if (result->outcome == SIM_NO_MEMORY || chooser->is_short)
        return error_set_memory(error, 0, "exploring");
    if (result->outcome == SIM_TOO_LARGE)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the heap is too large to explore: more than %u shared cells",
                         SIM_MAX_LOCATIONS);
    return true;
}

static bool search(const ExploreOptions *options, SimRun *run, ExploreFinding *finding, bool *found,
                   ExploreTotals *totals, Error *error)
{
    // About the length of a run of this case, for PCT.
    uint64_t expected_steps = 100;

    for (uint64_t i = 0; i < options->schedules; i++) {
        uint64_t number = options->first + i;
        if (i % 256 == 0 && options->goes_on != NULL &&
            !options->goes_on(options->goes_on_context, i))
            return true;
        if ((i == 0 || number % EXPLORE_SCHEDULES_PER_CASE == 0)) {
            ExploreSubject *subject = &finding->subject;
            if (!make_subject(subject, options, number, error))
                return false;
            // PCT needs the length of a run; it must depend on the case alone.
            OperationChooser chooser = {.policy = OPERATIONS_STICKY, .random = {number}};
            operation_chooser_start(&chooser);
            chooser.random = seeded(options->seed, number - number % EXPLORE_SCHEDULES_PER_CASE);
            expected_steps = run_with(run, subject, options->model, &chooser, NULL, NULL).steps;
        }
        OperationChooser chooser =
            make_chooser(options->seed, number, expected_steps, &finding->choices);
        CaseRun result = run_with(run, &finding->subject, options->model, &chooser, NULL, NULL);
        totals->schedules++;
        totals->steps += result.steps;
        if (!check_run(&result, &chooser, error))
            return false;
        if (result.violation.kind != VIOLATION_NONE) {
            finding->violation = result.violation;
            finding->number = number;
            *found = true;
            return true;
        }
    }
    return true;
}

bool explore_search(const ExploreOptions *options, ExploreFinding *finding, bool *found,
                    ExploreTotals *totals, Error *error)
{
    SimRun *run = sim_run_new();
    bool ok;

    *found = false;
    *totals = (ExploreTotals){.schedules = 0};
    memset(finding, 0, sizeof *finding);
    finding->model = options->model;
    if (run == NULL)
        return error_set_memory(error, SIM_MAX_LOCATIONS, "exploring");
    ok = search(options, run, finding, found, totals, error);
    if (!*found)
        explore_finding_release(finding);
    sim_run_free(run);
    return ok;
}

uint64_t explore_subject_search(SimRun *run, const ExploreSubject *subject, SimModel model,
                                uint64_t seed, uint64_t limit, Violation *violation,
                                ChoiceList *choices)
{
    uint64_t expected_steps = 100;

    violation->kind = VIOLATION_NONE;
    for (uint64_t i = 0; i < limit; i++) {
        OperationChooser chooser = make_chooser(seed, i, expected_steps, choices);
        CaseRun result = run_with(run, subject, model, &chooser, NULL, NULL);
        expected_steps = result.steps;
        if (result.violation.kind != VIOLATION_NONE && !chooser.is_short) {
            *violation = result.violation;
            return i + 1;
        }
    }
    return limit;
}

CaseRun explore_follow(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, ChoiceList *record, SimObserver *observe,
                       void *observe_context)
{
    OperationChooser chooser = {.policy = OPERATIONS_FOLLOW, .follow = choices, .record = record};

    operation_chooser_start(&chooser);
    return run_with(run, subject, model, &chooser, observe, observe_context);
}

CaseRun explore_follow_exactly(SimRun *run, const ExploreSubject *subject, SimModel model,
                               const ChoiceList *choices, Departure *departure,
                               uint32_t *departed_at)
{
    OperationChooser chooser = {.policy = OPERATIONS_FOLLOW, .follow = choices};
    CaseRun result;

    operation_chooser_start(&chooser);
    result = run_with(run, subject, model, &chooser, NULL, NULL);
    if (chooser.departure == DEPARTURE_NONE && chooser.next < choices->count) {
        chooser.departure = DEPARTURE_OVER;
        chooser.departed_at = chooser.next;
    }
    *departure = chooser.departure;
    *departed_at = chooser.departed_at;
    return result;
}
