// Cases: see marker/explore/explore_case.h.

#include "marker/explore/explore_case.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *violation_kind_name(ViolationKind kind)
{
    static const char *const names[VIOLATION_KIND_COUNT] = {
        [VIOLATION_NONE] = "none",
        [VIOLATION_LOST] = "lost",
        [VIOLATION_TWICE] = "twice",
        [VIOLATION_UNREACHABLE] = "unreachable",
        [VIOLATION_LEFT_EARLY] = "left-early",
        [VIOLATION_DEADLOCK] = "deadlock",
        [VIOLATION_ENDLESS] = "endless",
        [VIOLATION_QUEUE] = "queue",
        [VIOLATION_COUNTS] = "counts",
        [VIOLATION_CRASH] = "crash",
    };

    return (unsigned)kind < VIOLATION_KIND_COUNT ? names[kind] : "unknown";
}

// Records a violation, unless one was recorded before.
static void PRINTF_LIKE(3, 4)
    violate(Violation *violation, ViolationKind kind, const char *format, ...)
{
    va_list arguments;

    if (violation->kind != VIOLATION_NONE)
        return;
    violation->kind = kind;
    va_start(arguments, format);
    (void)vsnprintf(violation->text, sizeof violation->text, format, arguments);
    va_end(arguments);
}

// ---- queues ----

// A worker got an item. Stops the run when it was wrong.
static void deliver(QueueContext *context, uint64_t item)
{
    QueueOracle *oracle = &context->oracle;

    sim_say("gets item", item);
    if (item == 0 || item > oracle->pushed)
        violate(&oracle->violation, VIOLATION_QUEUE,
                "the queue handed out %" PRIu64 ", which was never pushed", item);
    else if ((oracle->delivered >> item & 1) != 0)
        violate(&oracle->violation, VIOLATION_TWICE, "item %" PRIu64 " was handed out twice", item);
    else
        oracle->delivered |= UINT64_C(1) << item;
    if (oracle->violation.kind != VIOLATION_NONE)
        sim_stop();
}

typedef struct ThiefArgument {
    QueueContext *context;
    uint32_t thief;
} ThiefArgument;

// More than the stack keeps.
static void push_some(QueueContext *context, uint32_t who)
{
    QueueOracle *oracle = &context->oracle;

    for (uint32_t i = 0; i < EXPLORE_OVERFLOW_PUSHES && oracle->pushed < EXPLORE_MAX_ITEMS; i++) {
        oracle->pushed++;
        if (!context->explored->marker->overflow_push(context->queue, who, oracle->pushed)) {
            violate(&oracle->violation, VIOLATION_QUEUE, "the overflow list gave no segment");
            sim_stop();
        }
    }
}

static void pop_some(QueueContext *context, uint32_t who, uint32_t count)
{
    uint64_t item;

    for (uint32_t i = 0; i < count; i++) {
        if (!context->explored->marker->overflow_pop(context->queue, who, &item))
            return;
        deliver(context, item);
    }
}

// The thief's own stack overflows once, into the segment that it stole among others.
static void steal_segments(QueueContext *context, uint32_t who)
{
    bool has_pushed = false;

    for (uint32_t i = 0; i < context->explored->queue.steals; i++) {
        if (!context->explored->marker->overflow_steal(context->queue, who)) {
            sim_say("gets nothing", UINT64_MAX);
            continue;
        }
        if (!has_pushed)
            push_some(context, who);
        has_pushed = true;
        pop_some(context, who, EXPLORE_MAX_ITEMS + 1);
    }
}

static void *run_thief(void *argument)
{
    const ThiefArgument *thief = argument;
    QueueContext *context = thief->context;

    if (context->explored->queue.is_overflow) {
        steal_segments(context, 1 + thief->thief);
        return NULL;
    }
    const MarkerOperations *marker = context->explored->marker;
    uint8_t *last = &context->oracle.last_stolen[thief->thief];

    for (uint32_t i = 0; i < context->explored->queue.steals; i++) {
        uint64_t item = 0;
        sim_forget(i);
        if (!marker->queue_steal(context->queue, &item)) {
            sim_say("gets nothing", UINT64_MAX);
            continue;
        }
        deliver(context, item);
        // The oldest first, so one thief's items ascend.
        if (item < *last) {
            violate(&context->oracle.violation, VIOLATION_QUEUE,
                    "a thief got item %" PRIu64 " after a later one", item);
            sim_stop();
        }
        *last = (uint8_t)item;
    }
    sim_forget(UINT64_MAX);
    return NULL;
}

static void run_overflow_owner(QueueContext *context)
{
    const char *operations = context->explored->queue.operations;

    for (uint32_t i = 0; operations[i] != '\0'; i++)
        if (operations[i] == '+' || (operations[i] == '?' && sim_choose(2) == 0))
            push_some(context, 0);
        else
            pop_some(context, 0, EXPLORE_OVERFLOW_POPS);
}

static void run_owner(QueueContext *context)
{
    const ExploreCase *explored = context->explored;
    const MarkerOperations *marker = explored->marker;
    QueueOracle *oracle = &context->oracle;

    for (uint32_t i = 0; explored->queue.operations[i] != '\0'; i++) {
        char operation = explored->queue.operations[i];
        uint64_t item = 0;
        sim_forget(i);
        if (operation == '?')
            operation = "+-"[sim_choose(2)];
        if (operation == '+') {
            // Counted before: a thief may have it before push() is back.
            oracle->pushed++;
            if (!marker->queue_push(context->queue, oracle->pushed)) {
                oracle->pushed--;
                sim_say("finds no room", UINT64_MAX);
            }
        } else if (marker->queue_pop(context->queue, &item)) {
            deliver(context, item);
        } else {
            sim_say("gets nothing", UINT64_MAX);
        }
    }
}

static void check_all_delivered(QueueOracle *oracle)
{
    for (uint64_t i = 1; i <= oracle->pushed; i++)
        if ((oracle->delivered >> i & 1) == 0)
            violate(&oracle->violation, VIOLATION_LOST,
                    "item %" PRIu64 " was pushed and is nowhere", i);
}

// All thieves have ended: the owner gets the items that are left.
static void check_rest(QueueContext *context)
{
    const MarkerOperations *marker = context->explored->marker;
    QueueOracle *oracle = &context->oracle;
    uint32_t left =
        (uint32_t)__builtin_popcountll(~oracle->delivered & ((UINT64_C(2) << oracle->pushed) - 2));
    uint64_t item;

    if (marker->queue_size(context->queue) != left)
        violate(&oracle->violation, VIOLATION_QUEUE,
                "%" PRIu32 " items are left, but the size is another", left);
    for (uint32_t i = 0; i <= left + 1 && marker->queue_pop(context->queue, &item); i++)
        deliver(context, item);
    check_all_delivered(oracle);
    if (!marker->queue_push(context->queue, 1) || !marker->queue_pop(context->queue, &item) ||
        item != 1)
        violate(&oracle->violation, VIOLATION_QUEUE, "the empty queue does not work any more");
}

static bool make_queue(QueueContext *context)
{
    const QueueCase *explored = &context->explored->queue;
    const MarkerOperations *marker = context->explored->marker;
    Error error;

    if (explored->is_overflow)
        return marker->overflow_new(explored->capacity, explored->thieves, &context->queue, &error);
    context->queue = sim_calloc(1, marker->queue_bytes);
    return marker->queue_init(context->queue, explored->capacity, &error);
}

void explore_queue_body(void *queue_context)
{
    QueueContext *context = queue_context;
    const QueueCase *explored = &context->explored->queue;
    ThiefArgument thieves[EXPLORE_MAX_THIEVES];

    if (!make_queue(context)) {
        violate(&context->oracle.violation, VIOLATION_QUEUE, "the queue cannot be made");
        sim_stop();
    }
    for (uint32_t i = 0; i < explored->thieves; i++) {
        thieves[i] = (ThiefArgument){context, i};
        (void)sim_start(run_thief, &thieves[i], &context->thief_workers[i]);
    }
    if (explored->is_overflow)
        run_overflow_owner(context);
    else
        run_owner(context);
    for (uint32_t i = 0; i < explored->thieves; i++) {
        sim_forget(UINT64_MAX - i);
        sim_join(context->thief_workers[i]);
    }
    sim_forget(UINT64_MAX);
    if (explored->is_overflow) {
        // More than there can be: a list that goes round never ends.
        pop_some(context, 0, EXPLORE_MAX_ITEMS + 1);
        check_all_delivered(&context->oracle);
    } else {
        check_rest(context);
    }
}

// ---- marks ----

typedef struct MarkContext {
    const ExploreCase *explored;
    Violation violation;
} MarkContext;

// Bits that are in `one` and not in `other`.
static uint64_t count_missing(const uint64_t *one, const uint64_t *other, uint64_t words)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < words; i++)
        count += (uint64_t)__builtin_popcountll(one[i] & ~other[i]);
    return count;
}

static void add_address(Violation *violation, uint64_t address)
{
    if (violation->address_count < VIOLATION_ADDRESSES)
        violation->addresses[violation->address_count++] = address;
}

// Adds the objects and blocks that `one` has marked and `other` has not.
static void add_missing(Violation *violation, const HeapImage *image, const MarkResult *one,
                        const MarkResult *other)
{
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint64_t bit = UINT64_C(1) << slot % 64, word = first + slot / 64;
            if ((one->marked[word] & ~other->marked[word] & bit) != 0)
                add_address(violation, heap_image_object_address(image, page, slot));
        }
    }
    for (uint64_t i = 0; i < image->block_count; i++)
        if (((one->marked_blocks[i / 64] & ~other->marked_blocks[i / 64]) >> i % 64 & 1) != 0)
            add_address(violation, image->blocks[i].address);
}

static MarkWorkerStatistics sum_workers(const MarkResult *result)
{
    MarkWorkerStatistics sum = {.marked = 0};

    for (uint32_t i = 0; i < result->statistics.worker_count; i++) {
        sum.marked += result->statistics.workers[i].marked;
        sum.scanned_words += result->statistics.workers[i].scanned_words;
        sum.edges += result->statistics.workers[i].edges;
    }
    return sum;
}

static void compare(Violation *violation, const HeapImage *image, const MarkResult *got,
                    const MarkResult *wanted)
{
    uint64_t lost =
        count_missing(wanted->marked, got->marked, wanted->word_count) +
        count_missing(wanted->marked_blocks, got->marked_blocks, wanted->block_word_count);
    uint64_t more =
        count_missing(got->marked, wanted->marked, wanted->word_count) +
        count_missing(got->marked_blocks, wanted->marked_blocks, wanted->block_word_count);
    MarkWorkerStatistics a = sum_workers(got), b = sum_workers(wanted);

    if (more > 0)
        violate(violation, VIOLATION_UNREACHABLE,
                "marked, though nothing reaches them: %" PRIu64 " of the objects", more);
    if (lost > 0)
        violate(violation, VIOLATION_LOST, "reachable, but not marked: %" PRIu64 " of the objects",
                lost);
    if (a.marked > b.marked)
        violate(violation, VIOLATION_TWICE, "claimed twice: %" PRIu64 " of the objects",
                a.marked - b.marked);
    if (a.scanned_words > b.scanned_words)
        violate(violation, VIOLATION_TWICE, "scanned twice: %" PRIu64 " words of objects",
                a.scanned_words - b.scanned_words);
    if (a.scanned_words < b.scanned_words)
        violate(violation, VIOLATION_LOST, "marked, but not scanned: %" PRIu64 " words of objects",
                b.scanned_words - a.scanned_words);
    if (memcmp(&got->totals, &wanted->totals, sizeof got->totals) != 0 || a.edges != b.edges)
        violate(violation, VIOLATION_COUNTS, "roots, edges or invalid references do not add up");
    if (more > 0)
        add_missing(violation, image, got, wanted);
    else if (lost > 0)
        add_missing(violation, image, wanted, got);
}

static void run_mark(void *argument)
{
    MarkContext *context = argument;
    const MarkCase *explored = &context->explored->mark;
    MarkOptions options = {.workers = explored->workers,
                           .kind = explored->kind,
                           .policy = explored->policy,
                           .queue_capacity = explored->queue_capacity};
    MarkResult *result;
    Error error;

    if (!context->explored->marker->mark(explored->image, &options, &result, &error)) {
        context->violation.kind = VIOLATION_LEFT_EARLY;
        (void)snprintf(context->violation.text, sizeof context->violation.text, "%.190s",
                       error.message);
        return;
    }
    compare(&context->violation, explored->image, result, explored->expected);
}

// ---- both ----

CaseRun explore_case_run(SimRun *run, const ExploreCase *explored, const SimOptions *options)
{
    QueueContext queue = {.explored = explored};
    MarkContext mark = {.explored = explored};
    CaseRun result = {.outcome = SIM_FINISHED};

    if (explored->is_queue) {
        result.outcome = sim_run(run, options, explore_queue_body, &queue);
        result.violation = queue.oracle.violation;
    } else {
        result.outcome = sim_run(run, options, run_mark, &mark);
        result.violation = mark.violation;
    }
    result.steps = sim_steps(run);
    if (result.outcome == SIM_DEADLOCK)
        violate(&result.violation, VIOLATION_DEADLOCK, "all workers wait, and none wakes another");
    if (result.outcome == SIM_ENDLESS)
        violate(&result.violation, VIOLATION_ENDLESS, "no end after %" PRIu64 " operations",
                result.steps);
    return result;
}
