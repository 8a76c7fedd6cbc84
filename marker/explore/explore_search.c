// Searching schedules: see marker/explore/explore_search.h.

#include "marker/explore/explore_search.h"

#include <string.h>

#include "marker/explore/explore_isolation.h"

// A run with more operations than this counts as endless.
#define MAX_STEPS 60000u
// Schedules that one child runs: a fork takes as long as some dozens.
#define BATCH_SCHEDULES 4096u
#define QUEUE_OPERATIONS 8u
// PCT: depth 2, and these many from 3 on, in turn.
#define PCT_DEPTHS 4u
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

void explore_overflow_case(QueueCase *queue, ScheduleRandom *random)
{
    explore_queue_case(queue, random);
    queue->is_overflow = true;
    queue->capacity = 2;
    // Each push overflows the stack.
    queue->operations[0] = '+';
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
    if (subject->heap.is_unusual)
        mark->queue_capacity = 2u << schedule_random_below(random, 10);
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
    void (*make_queue[2])(QueueCase *, ScheduleRandom *) = {NULL};
    uint32_t kinds = 0;
    if (options->has_queues)
        make_queue[kinds++] = explore_queue_case;
    if (options->has_overflows)
        make_queue[kinds++] = explore_overflow_case;
    uint64_t turn = group % (kinds + options->has_marks);
    subject->explored.is_queue = turn < kinds;
    if (turn == kinds)
        return make_mark_case(subject, options, &random, error);
    make_queue[turn](&subject->explored.queue, &random);
    return true;
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
        chooser.depth = 3 + (uint32_t)(number / 4 % PCT_DEPTHS);
        break;
    }
    operation_chooser_start(&chooser);
    return chooser;
}

typedef struct RunRequest {
    SimRun *run;
    const ExploreCase *explored;
    SimOptions options;
    OperationChooser *chooser;
    IsolatedArea *area; // of an isolated run
} RunRequest;

static void run_isolated(void *context)
{
    RunRequest *request = context;

    request->area->result = explore_case_run(request->run, request->explored, &request->options);
    request->area->chooser = *request->chooser;
}

// The choices of a child's run, as if they had been recorded here.
static void take_choices(ChoiceMirror *mirror, ChoiceList *record, bool *is_short)
{
    const ChoiceList list = {.choices = mirror->choices, .count = mirror->count};

    if (record != NULL && !choice_list_copy(record, &list))
        *is_short = true;
}

// Runs the request in a child. A crash has the steps that were made up to it.
static CaseRun run_in_child(RunRequest *request)
{
    OperationChooser *chooser = request->chooser, before = *chooser;
    IsolatedArea *area = request->area;
    CaseRun result = {.outcome = SIM_STOPPED};

    chooser->mirror = &area->mirror;
    if (isolated_run(area, run_isolated, request, &result.violation)) {
        result = area->result;
        *chooser = area->chooser;
        chooser->record = before.record;
    } else {
        result.steps = area->mirror.step;
    }
    chooser->mirror = NULL;
    take_choices(&area->mirror, chooser->record, &chooser->is_short);
    return result;
}

static CaseRun run_with(SimRun *run, const ExploreSubject *subject, SimModel model,
                        OperationChooser *chooser, SimObserver *observe, void *observe_context)
{
    RunRequest request = {.run = run,
                          .explored = &subject->explored,
                          .options = {.model = model,
                                      .max_steps = MAX_STEPS,
                                      .choose = operation_choose,
                                      .choose_context = chooser,
                                      .observe = observe,
                                      .observe_context = observe_context,
                                      .stop_step = subject->stop_step},
                          .chooser = chooser};
    CaseRun result;

    if (subject->is_isolated && subject->stop_step == 0)
        request.area = isolated_area_new();
    result = request.area != NULL ? run_in_child(&request)
                                  : explore_case_run(run, &subject->explored, &request.options);
    isolated_area_free(request.area);
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

typedef struct Search {
    const ExploreOptions *options;
    SimRun *run;
    ExploreFinding *finding;
    uint64_t expected_steps; // about the length of a run of this case, for PCT
    IsolatedArea *area;
    uint64_t first; // schedule numbers of the batch
    uint64_t end;
} Search;

static bool is_first_of_case(uint64_t number)
{
    return number % EXPLORE_SCHEDULES_PER_CASE == 0;
}

// PCT needs the length of a run; it must depend on the case alone.
static void measure_case(Search *search, uint64_t number, ChoiceMirror *mirror)
{
    const ExploreOptions *options = search->options;
    OperationChooser chooser = {.policy = OPERATIONS_STICKY, .random = {number}, .mirror = mirror};

    operation_chooser_start(&chooser);
    chooser.random = seeded(options->seed, number - number % EXPLORE_SCHEDULES_PER_CASE);
    search->expected_steps =
        run_with(search->run, &search->finding->subject, options->model, &chooser, NULL, NULL)
            .steps;
}

static bool run_number(Search *search, uint64_t number, ChoiceMirror *mirror, CaseRun *result,
                       Error *error)
{
    OperationChooser chooser = make_chooser(search->options->seed, number, search->expected_steps,
                                            &search->finding->choices);

    chooser.mirror = mirror;
    *result = run_with(search->run, &search->finding->subject, search->options->model, &chooser,
                       NULL, NULL);
    return check_run(result, &chooser, error);
}

static bool run_numbers(Search *search, Error *error)
{
    IsolatedArea *area = search->area;

    for (uint64_t number = search->first; number < search->end; number++) {
        CaseRun result;
        area->number = number;
        if (number == search->first || is_first_of_case(number)) {
            if (!make_subject(&search->finding->subject, search->options, number, error))
                return false;
            measure_case(search, number, &area->mirror);
        }
        if (!run_number(search, number, &area->mirror, &result, error))
            return false;
        area->schedules++;
        area->steps += result.steps;
        if (result.violation.kind != VIOLATION_NONE) {
            area->has_found = true;
            return true;
        }
    }
    return true;
}

static void run_batch(void *context)
{
    Search *search = context;

    search->area->has_failed = !run_numbers(search, &search->area->error);
}

// Makes the finding of the schedule that a child has found again, here.
static bool take_finding(Search *search, uint64_t number, Error *error)
{
    CaseRun result;

    if (!make_subject(&search->finding->subject, search->options, number, error))
        return false;
    measure_case(search, number, NULL);
    if (!run_number(search, number, NULL, &result, error))
        return false;
    search->finding->violation = result.violation;
    search->finding->number = number;
    return true;
}

// The finding of a schedule that ended the child's process.
static bool take_crash(Search *search, const Violation *violation, Error *error)
{
    ExploreFinding *finding = search->finding;
    bool is_short = false;

    finding->violation = *violation;
    finding->number = search->area->number;
    if (!make_subject(&finding->subject, search->options, finding->number, error))
        return false;
    finding->subject.is_isolated = true;
    take_choices(&search->area->mirror, &finding->choices, &is_short);
    return !is_short || error_set_memory(error, 0, "exploring");
}

static bool search_batches(Search *search, bool *found, ExploreTotals *totals, Error *error)
{
    const ExploreOptions *options = search->options;
    IsolatedArea *area = search->area;

    for (uint64_t done = 0; done < options->schedules && !*found; done += BATCH_SCHEDULES) {
        uint64_t left = options->schedules - done;
        Violation crash;
        if (options->goes_on != NULL && !options->goes_on(options->goes_on_context, done))
            return true;
        search->first = options->first + done;
        search->end = search->first + (left < BATCH_SCHEDULES ? left : BATCH_SCHEDULES);
        area->schedules = area->steps = 0;
        bool is_whole = isolated_run(area, run_batch, search, &crash);
        totals->schedules += area->schedules;
        totals->steps += area->steps;
        if (is_whole && area->has_failed) {
            *error = area->error;
            return false;
        }
        *found = !is_whole || area->has_found;
        if (*found && !(is_whole ? take_finding(search, area->number, error)
                                 : take_crash(search, &crash, error)))
            return false;
    }
    return true;
}

bool explore_search(const ExploreOptions *options, ExploreFinding *finding, bool *found,
                    ExploreTotals *totals, Error *error)
{
    Search search = {
        .options = options, .run = sim_run_new(), .finding = finding, .area = isolated_area_new()};
    bool ok;

    *found = false;
    *totals = (ExploreTotals){.schedules = 0};
    memset(finding, 0, sizeof *finding);
    finding->model = options->model;
    ok = search.run != NULL && search.area != NULL
             ? search_batches(&search, found, totals, error)
             : error_set_memory(error, SIM_MAX_LOCATIONS, "exploring");
    if (!ok || !*found)
        explore_finding_release(finding);
    *found = *found && ok;
    isolated_area_free(search.area);
    sim_run_free(search.run);
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
    // How far a crashed run has followed the list is not known.
    if (result.violation.kind != VIOLATION_CRASH && chooser.departure == DEPARTURE_NONE &&
        chooser.next < choices->count) {
        chooser.departure = DEPARTURE_OVER;
        chooser.departed_at = chooser.next;
    }
    *departure = chooser.departure;
    *departed_at = chooser.departed_at;
    return result;
}
