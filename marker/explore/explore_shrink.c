// Shrinking: see marker/explore/explore_shrink.h.
//
// Any violation counts: the same error may lose an object in one run, and claim one twice in a
// shorter one. A smaller case is tried first with the present choices (impossible ones are
// skipped), then with new ones. When no smaller case is left, the schedule is made shorter: whole
// stretches of one worker are left out, or moved next to another stretch of the same worker. After
// the end of the list the run goes on without preemption, so a shorter list means fewer switches.

#include "marker/explore/explore_shrink.h"

#include <stdlib.h>
#include <string.h>

#include "marker/explore/explore_trace.h"

// Maximum number of rounds; each but the last makes the case or the schedule smaller.
#define MAX_ROUNDS 60u
#define ISOLATED_SHARE 20u
// Queue cases that are tried in place of a mark.
#define QUEUE_CASES 16u
#define QUEUE_EFFORT 4u

typedef struct Shrink {
    SimRun *run;
    ExploreFinding *finding;
    uint64_t effort;
    ChoiceList trial;    // the schedule that is tried
    ChoiceList recorded; // the choices of its run
    bool is_short;
} Shrink;

static void adopt(Shrink *shrink, const Violation *violation)
{
    ChoiceList swapped = shrink->finding->choices;

    shrink->finding->choices = shrink->recorded;
    shrink->recorded = swapped;
    shrink->finding->violation = *violation;
}

// ---- smaller cases ----

// Returns whether the finding's subject, as it is now, still has a violation, and adopts its
// choices then.
static bool still_violates(Shrink *shrink)
{
    ExploreFinding *finding = shrink->finding;
    Violation violation;
    CaseRun result = explore_follow(shrink->run, &finding->subject, finding->model,
                                    &finding->choices, &shrink->recorded, NULL, NULL);

    if (result.violation.kind != VIOLATION_NONE) {
        adopt(shrink, &result.violation);
        return true;
    }
    // Schedules of queues are short, so more of them are tried.
    (void)explore_subject_search(shrink->run, &finding->subject, finding->model, finding->number,
                                 finding->subject.explored.is_queue ? QUEUE_EFFORT * shrink->effort
                                                                    : shrink->effort,
                                 &violation, &shrink->recorded);
    if (violation.kind == VIOLATION_NONE)
        return false;
    adopt(shrink, &violation);
    return true;
}

static bool try_queue(Shrink *shrink, const QueueCase *smaller)
{
    QueueCase *queue = &shrink->finding->subject.explored.queue;
    QueueCase before = *queue;

    *queue = *smaller;
    if (still_violates(shrink))
        return true;
    *queue = before;
    return false;
}

static bool shrink_queue_once(Shrink *shrink)
{
    const QueueCase *queue = &shrink->finding->subject.explored.queue;
    QueueCase smaller = *queue;
    size_t length = strlen(queue->operations);

    smaller.thieves--;
    if (queue->thieves > 1 && try_queue(shrink, &smaller))
        return true;
    smaller = *queue;
    smaller.steals--;
    if (queue->steals > 1 && try_queue(shrink, &smaller))
        return true;
    for (size_t i = 0; i < length; i++) {
        smaller = *queue;
        memmove(smaller.operations + i, smaller.operations + i + 1, length - i);
        if (try_queue(shrink, &smaller))
            return true;
    }
    smaller = *queue;
    smaller.capacity = 2;
    return queue->capacity > 2 && try_queue(shrink, &smaller);
}

// An error of a queue that a mark showed is easier to read in a case of that queue.
static bool try_queue_alone(Shrink *shrink, void (*make_case)(QueueCase *, ScheduleRandom *))
{
    ExploreFinding *finding = shrink->finding;
    ExploreCase *explored = &finding->subject.explored;
    ScheduleRandom random = {finding->number};
    Violation violation = {.kind = VIOLATION_NONE};

    if (explored->is_queue)
        return false;
    explored->is_queue = true;
    for (uint32_t i = 0; i < QUEUE_CASES && violation.kind == VIOLATION_NONE; i++) {
        make_case(&explored->queue, &random);
        (void)explore_subject_search(shrink->run, &finding->subject, finding->model,
                                     finding->number, shrink->effort, &violation,
                                     &shrink->recorded);
    }
    if (violation.kind == VIOLATION_NONE)
        explored->is_queue = false;
    else
        adopt(shrink, &violation);
    return explored->is_queue;
}

static bool try_heap(Shrink *shrink, const ExploreHeap *smaller)
{
    ExploreSubject *subject = &shrink->finding->subject;
    ExploreHeap before = subject->heap;
    Error error;

    if (explore_subject_set_heap(subject, smaller, &error) && still_violates(shrink))
        return true;
    if (!explore_subject_set_heap(subject, &before, &error))
        shrink->is_short = true;
    return false;
}

static bool try_workers(Shrink *shrink)
{
    MarkCase *mark = &shrink->finding->subject.explored.mark;

    if (mark->workers == 2)
        return false;
    mark->workers--;
    if (still_violates(shrink))
        return true;
    mark->workers++;
    return false;
}

// Stealing is simpler than sending references to owners.
static bool try_policy(Shrink *shrink)
{
    MarkCase *mark = &shrink->finding->subject.explored.mark;

    if (mark->policy == MARK_POLICY_STEAL)
        return false;
    mark->policy = MARK_POLICY_STEAL;
    if (still_violates(shrink))
        return true;
    mark->policy = MARK_POLICY_OWNER;
    return false;
}

// Leaves out smaller and smaller parts of the heap, each time the violation stays.
static bool shrink_nodes(Shrink *shrink)
{
    const ExploreHeap *heap = &shrink->finding->subject.heap;
    bool has_shrunk = false;

    for (uint32_t part = (heap->node_count + 1) / 2; part > 0; part /= 2)
        for (uint32_t end = heap->node_count; end > 0 && !shrink->is_short;) {
            ExploreHeap smaller = *heap;
            uint32_t first = end > part ? end - part : 0;
            for (uint32_t node = end; node > first; node--)
                explore_heap_remove_node(&smaller, node - 1);
            if (smaller.root_count > 0 && try_heap(shrink, &smaller))
                has_shrunk = true;
            end = first < heap->node_count ? first : heap->node_count;
        }
    return has_shrunk;
}

static bool shrink_edges(Shrink *shrink)
{
    const ExploreHeap *heap = &shrink->finding->subject.heap;
    bool has_shrunk = false;

    for (uint32_t node = 0; node < heap->node_count; node++)
        for (uint32_t edge = heap->nodes[node].edge_count; edge-- > 0 && !shrink->is_short;) {
            ExploreHeap smaller = *heap;
            explore_heap_remove_edge(&smaller, node, edge);
            has_shrunk |= try_heap(shrink, &smaller);
        }
    return has_shrunk;
}

// As shrink_nodes(): there may be thousands.
static bool shrink_roots(Shrink *shrink)
{
    const ExploreHeap *heap = &shrink->finding->subject.heap;
    bool has_shrunk = false;

    for (uint32_t part = (heap->root_count + 1) / 2; part > 0; part /= 2)
        for (uint32_t end = heap->root_count; end > 0 && !shrink->is_short;) {
            ExploreHeap smaller = *heap;
            uint32_t first = end > part ? end - part : 0;
            for (uint32_t root = end; root > first; root--)
                explore_heap_remove_root(&smaller, root - 1);
            if (smaller.root_count > 0 && try_heap(shrink, &smaller))
                has_shrunk = true;
            end = first < heap->root_count ? first : heap->root_count;
        }
    return has_shrunk;
}

// What a heap has beside its graph, all at once.
static bool shrink_shape(Shrink *shrink)
{
    ExploreHeap smaller = shrink->finding->subject.heap;

    if (!smaller.is_unusual)
        return false;
    smaller.is_unusual = smaller.has_odd_slots = smaller.is_sparse = smaller.has_stray = false;
    for (uint32_t i = 0; i < smaller.node_count; i++) {
        smaller.nodes[i].is_tiny = smaller.nodes[i].is_far = false;
        smaller.nodes[i].is_free = smaller.nodes[i].is_open = false;
        smaller.nodes[i].words = 0;
    }
    return try_heap(shrink, &smaller);
}

static void shrink_case(Shrink *shrink)
{
    uint32_t rounds = 0;
    bool has_shrunk = true;

    (void)try_queue_alone(shrink, explore_queue_case);
    // A crash stays a mark: whole programs can follow its schedule.
    if (!shrink->finding->subject.is_isolated)
        (void)try_queue_alone(shrink, explore_overflow_case);
    while (has_shrunk && !shrink->is_short && rounds++ < MAX_ROUNDS) {
        if (shrink->finding->subject.explored.is_queue) {
            has_shrunk = shrink_queue_once(shrink);
            continue;
        }
        has_shrunk = try_workers(shrink);
        has_shrunk |= try_policy(shrink);
        has_shrunk |= shrink_nodes(shrink);
        has_shrunk |= shrink_roots(shrink);
        has_shrunk |= shrink_edges(shrink);
        has_shrunk |= shrink_shape(shrink);
    }
}

// ---- shorter schedules ----

// Compared by lines first, then by operations.
typedef struct Length {
    uint32_t lines;
    uint64_t steps;
} Length;

static bool is_shorter(Length a, Length b)
{
    return a.lines < b.lines || (a.lines == b.lines && a.steps < b.steps);
}

// Runs shrink->trial; adopts the run when it is shorter than `*length`.
static bool try_schedule(Shrink *shrink, Length *length)
{
    ExploreFinding *finding = shrink->finding;
    CaseRun result = explore_follow(shrink->run, &finding->subject, finding->model, &shrink->trial,
                                    &shrink->recorded, NULL, NULL);
    Length shorter;

    if (result.violation.kind == VIOLATION_NONE)
        return false;
    shorter.steps = result.steps;
    shorter.lines = explore_trace(shrink->run, &finding->subject, finding->model, &shrink->recorded,
                                  NULL, NULL, &result);
    if (result.violation.kind == VIOLATION_NONE || !is_shorter(shorter, *length))
        return false;
    *length = shorter;
    adopt(shrink, &result.violation);
    return true;
}

// The end of the stretch of one entity that begins at `start`.
static uint32_t stretch_end(const ChoiceList *list, uint32_t start)
{
    uint32_t end = start + 1;

    while (end < list->count && list->choices[end].entity == list->choices[start].entity)
        end++;
    return end;
}

static void cut(ChoiceList *list, uint32_t start, uint32_t end)
{
    memmove(list->choices + start, list->choices + end,
            (list->count - end) * sizeof *list->choices);
    list->count -= end - start;
}

// Moves [start, end) behind the next stretch.
static void move_back(ChoiceList *list, uint32_t start, uint32_t end)
{
    uint32_t next_end = stretch_end(list, end);

    for (; end > start; end--) {
        SimChoice choice = list->choices[end - 1];
        memmove(list->choices + end - 1, list->choices + end, (next_end - end) * sizeof choice);
        list->choices[--next_end] = choice;
    }
}

// Finds one shorter schedule. False: there is none.
static bool shorten_once(Shrink *shrink, Length *length)
{
    const ChoiceList *list = &shrink->finding->choices;

    for (uint32_t start = 0, end; start < list->count; start = end) {
        end = stretch_end(list, start);
        for (uint32_t way = 0; way < 4; way++) {
            if (!choice_list_copy(&shrink->trial, list)) {
                shrink->is_short = true;
                return false;
            }
            if (way == 0)
                cut(&shrink->trial, start, end);
            else if (way == 1 && end < list->count)
                move_back(&shrink->trial, start, end);
            else if (way == 2 && end - start > 1)
                cut(&shrink->trial, start + (end - start) / 2, end);
            else if (way == 3)
                shrink->trial.count = start; // no choice from here on
            else
                continue;
            if (try_schedule(shrink, length))
                return true;
        }
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->choices[i].option == 0)
            continue;
        if (!choice_list_copy(&shrink->trial, list)) {
            shrink->is_short = true;
            return false;
        }
        shrink->trial.choices[i].option = 0;
        if (try_schedule(shrink, length))
            return true;
    }
    return false;
}

// Searches short schedules of the smallest case anew.
static void search_shorter(Shrink *shrink, Length *length)
{
    ExploreFinding *finding = shrink->finding;
    Violation violation;

    for (uint64_t seed = 1; seed <= 8; seed++) {
        (void)explore_subject_search(shrink->run, &finding->subject, finding->model, ~seed,
                                     shrink->effort, &violation, &shrink->trial);
        if (violation.kind != VIOLATION_NONE)
            (void)try_schedule(shrink, length);
    }
}

static void shrink_schedule(Shrink *shrink)
{
    ExploreFinding *finding = shrink->finding;
    Length length;
    CaseRun result;
    uint32_t rounds = 0;

    length.lines = explore_trace(shrink->run, &finding->subject, finding->model, &finding->choices,
                                 NULL, NULL, &result);
    length.steps = result.steps;
    search_shorter(shrink, &length);
    while (!shrink->is_short && rounds++ < 20 * MAX_ROUNDS && shorten_once(shrink, &length))
        continue;
}

bool explore_shrink(ExploreFinding *finding, uint64_t effort, Error *error)
{
    // An isolated run is a process.
    Shrink shrink = {.run = sim_run_new(),
                     .finding = finding,
                     .effort = finding->subject.is_isolated ? effort / ISOLATED_SHARE : effort};

    if (shrink.run == NULL)
        return error_set_memory(error, 0, "exploring");
    shrink_case(&shrink);
    shrink_schedule(&shrink);
    choice_list_release(&shrink.trial);
    choice_list_release(&shrink.recorded);
    sim_run_free(shrink.run);
    return !shrink.is_short || error_set_memory(error, 0, "exploring");
}
