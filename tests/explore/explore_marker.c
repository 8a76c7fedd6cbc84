// The marker under the scheduler: no violation in many schedules of queues and whole marks under
// each memory model, nor in all schedules of small queues. And the search itself is sound: it
// reaches the same final states as one that leaves nothing out, and its findings are reproducible.
//
// EXPLORE_SCHEDULES (5,000) per model; EXPLORE_OPERATIONS (5) of the owner in the exhaustive case.
//
// timeout: 600

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "marker/explore/explore_exhaustive.h"
#include "marker/explore/explore_search.h"
#include "tests/support/dose.h"
#include "tests/support/tap.h"

static uint64_t from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

static void search(SimModel model, bool has_queues, uint64_t schedules)
{
    ExploreOptions options = {.marker = &exploring_marker,
                              .model = model,
                              .has_queues = has_queues,
                              .has_overflows = has_queues,
                              .has_marks = !has_queues,
                              .seed = test_seed(1),
                              .schedules = schedules,
                              .low_objects = 5,
                              .high_objects = EXPLORE_MAX_NODES};
    ExploreFinding finding;
    ExploreTotals totals;
    Error error;
    bool found;

    if (!explore_search(&options, &finding, &found, &totals, &error))
        tap_bail("%s", error.message);
    tap_ok(!found, "%s, %s: nothing goes wrong", sim_model_name(model),
           has_queues ? "queue" : "marks");
    tap_note("seed %" PRIu64 ": %" PRIu64 " schedules, %" PRIu64 " operations", options.seed,
             totals.schedules, totals.steps);
    if (found) {
        tap_note("schedule %" PRIu64 ": %s", finding.number, finding.violation.text);
        explore_finding_release(&finding);
    }
}

static bool exhaust(SimModel model, QueueCase queue, ExhaustiveReduction reduction,
                    ExhaustiveResult *result)
{
    ExploreCase explored = {.marker = &exploring_marker, .is_queue = true, .queue = queue};
    ExhaustiveOptions options = {.explored = &explored, .model = model, .reduction = reduction};
    Error error;

    if (!explore_exhaustive(&options, result, NULL, &error))
        tap_bail("%s", error.message);
    return result->is_complete && result->violation.kind == VIOLATION_NONE;
}

static QueueCase queue_case(uint32_t thieves, uint32_t steals, uint64_t operations)
{
    QueueCase queue = {.capacity = 2, .thieves = thieves, .steals = steals};

    memset(queue.operations, '?', operations);
    return queue;
}

// Small enough for a search that leaves out less.
static void check_reduction(SimModel model, ExhaustiveReduction other, uint32_t thieves,
                            uint32_t steals, const char *operations)
{
    const char *without =
        other == EXHAUSTIVE_EXACT ? "states compared by every byte" : "nothing left out";
    QueueCase queue = {.capacity = 2, .thieves = thieves, .steals = steals};
    ExhaustiveResult reduced, complete;

    memcpy(queue.operations, operations, strlen(operations));
    if (!exhaust(model, queue, EXHAUSTIVE_REDUCED, &reduced) ||
        !exhaust(model, queue, other, &complete)) {
        tap_ok(false, "%s, %u thieves, %s: both searches end", sim_model_name(model), thieves,
               operations);
        return;
    }
    tap_ok(reduced.final_states == complete.final_states &&
               reduced.final_digest == complete.final_digest,
           "%s, thieves %u, attempts %u, %s: the same %" PRIu64 " final states with %s",
           sim_model_name(model), thieves, steals, operations, complete.final_states, without);
    tap_note("%" PRIu64 " states of %" PRIu64, reduced.states, complete.states);
}

// The queue is correct, so weaker memory adds no outcome; and it must not take any away.
static void check_models_agree(uint64_t operations)
{
    ExhaustiveResult results[SIM_MODEL_COUNT];

    for (int model = 0; model < SIM_MODEL_COUNT; model++)
        if (!exhaust((SimModel)model, queue_case(2, 2, operations), EXHAUSTIVE_REDUCED,
                     &results[model])) {
            tap_ok(false, "%s: the search ends", sim_model_name((SimModel)model));
            return;
        } else {
            tap_note("%s: %" PRIu64 " states, %" PRIu64 " operations",
                     sim_model_name((SimModel)model), results[model].states, results[model].steps);
        }
    tap_ok(true, "every schedule of every %" PRIu64 " pushes and pops, under each model",
           operations);
    for (int model = 1; model < SIM_MODEL_COUNT; model++)
        tap_ok(results[model].final_digest == results[0].final_digest,
               "%s: the same %" PRIu64 " final states as under sc", sim_model_name((SimModel)model),
               results[0].final_states);
}

int main(void)
{
    uint64_t schedules = from_environment("EXPLORE_SCHEDULES", test_is_sanitized() ? 1000 : 5000);
    uint64_t operations = from_environment("EXPLORE_OPERATIONS", 5);

    for (int model = 0; model < SIM_MODEL_COUNT; model++) {
        search((SimModel)model, true, schedules);
        search((SimModel)model, false, schedules);
    }
    if (test_is_sanitized()) {
        tap_skip("every schedule of small queues", "stacks are not copied under a sanitizer");
        return tap_finish();
    }
    check_reduction(SIM_SC, EXHAUSTIVE_UNREDUCED, 1, 1, "???");
    check_reduction(SIM_SC, EXHAUSTIVE_UNREDUCED, 2, 1, "+");
    check_reduction(SIM_TSO, EXHAUSTIVE_UNREDUCED, 1, 1, "?");
    check_reduction(SIM_C11, EXHAUSTIVE_UNREDUCED, 1, 1, "??");
    check_reduction(SIM_C11, EXHAUSTIVE_UNREDUCED, 2, 1, "+");
    check_reduction(SIM_SC, EXHAUSTIVE_EXACT, 2, 2, "?????");
    check_reduction(SIM_TSO, EXHAUSTIVE_EXACT, 1, 2, "????");
    check_reduction(SIM_TSO, EXHAUSTIVE_EXACT, 2, 1, "???");
    check_reduction(SIM_C11, EXHAUSTIVE_EXACT, 1, 2, "????");
    check_reduction(SIM_C11, EXHAUSTIVE_EXACT, 2, 2, "???");
    check_models_agree(operations);
    return tap_finish();
}
