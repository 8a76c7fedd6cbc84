// Every recorded mutation that is about concurrency is found by exploring, under each memory model
// that can show it; what is found shrinks to something that a person reads. Models that cannot
// show it find nothing. The numbers are those of docs/design.md.
//
// timeout: 600

#include <inttypes.h>
#include <string.h>

#include "marker/explore_shrink.h"
#include "marker/explore_trace.h"
#include "tests/support/tap.h"

#define MAX_SCHEDULES 10000u
#define MAX_LINES 29u
#define SHRINK_EFFORT 200u
#define SC (1u << SIM_SC)
#define TSO (1u << SIM_TSO)
#define C11 (1u << SIM_C11)
#define ALL (SC | TSO | C11)

// name, models that show it. Those of tests/mutants/ first.
#define MUTANTS(X)                                                                                 \
    X(claim_without_exchange, ALL)                                                                 \
    X(first_roots_only, ALL) /* found by comparison with the serial mark */                        \
    X(lost_wake_up, ALL)                                                                           \
    X(overflow_is_dropped, ALL)                                                                    \
    X(steal_queue_last_item_without_cas, ALL)                                                      \
    X(steal_queue_pop_loads_top_first, ALL)                                                        \
    X(steal_queue_pop_store_release, TSO | C11)                                                    \
    X(steal_queue_push_ignores_full, ALL)                                                          \
    X(steal_queue_steal_reads_after_cas, ALL)                                                      \
    X(termination_leaves_early, ALL)                                                               \
    X(worklist_without_lock, ALL)                                                                  \
    X(counted_on_late, ALL)                                                                        \
    X(inbox_not_counted, ALL)                                                                      \
    X(pop_loads_top_acquire, C11)                                                                  \
    X(push_publishes_relaxed, C11)                                                                 \
    X(steal_exchanges_relaxed, C11)                                                                \
    X(steal_loads_bottom_acquire, C11)                                                             \
    X(steal_loads_bottom_relaxed, C11)                                                             \
    X(wake_looks_relaxed, C11)                                                                     \
    /* What no model shows: see docs/design.md, "Which model sees what". */                        \
    X(pop_restores_relaxed, 0)                                                                     \
    X(push_loads_top_relaxed, 0)                                                                   \
    X(wake_only_looks, 0)

typedef struct Mutant {
    const char *name;
    const MarkerOperations *marker;
    unsigned models;
} Mutant;

#define DECLARE(name, models) extern const MarkerOperations mutant_##name;
#define ROW(name, models) {#name, &mutant_##name, models},
MUTANTS(DECLARE)
extern const MarkerOperations rudo_gc_queue;

static const Mutant mutants[] = {MUTANTS(ROW){"rudo_gc_queue", &rudo_gc_queue, ALL}};

static ExploreOptions options_for(const Mutant *mutant, SimModel model)
{
    return (ExploreOptions){.marker = mutant->marker,
                            .model = model,
                            .has_queues = true,
                            .has_marks = mutant->marker->mark != NULL,
                            .seed = 1,
                            .schedules = MAX_SCHEDULES,
                            .low_objects = 5,
                            .high_objects = 50};
}

static void check_finding(const Mutant *mutant, ExploreFinding *finding, uint64_t schedules,
                          bool is_weakest)
{
    SimRun *run = sim_run_new();
    CaseRun result;
    Error error;
    uint32_t lines, departed_at;

    tap_ok(true, "%s: found under %s", mutant->name, sim_model_name(finding->model));
    // The others follow the same way; shrinking takes longer than finding.
    if (is_weakest) {
        if (!explore_shrink(finding, SHRINK_EFFORT, &error))
            tap_bail("%s", error.message);
        lines = explore_trace(run, &finding->subject, finding->model, &finding->choices, NULL, NULL,
                              &result);
        tap_ok(lines > 0 && lines <= MAX_LINES, "%s: in at most %u lines", mutant->name, MAX_LINES);
        result = explore_follow_exactly(run, &finding->subject, finding->model, &finding->choices,
                                        &departed_at);
        tap_ok(result.violation.kind != VIOLATION_NONE && departed_at == finding->choices.count,
               "%s: what was found can be had again", mutant->name);
        tap_note("| %s | %s | %" PRIu64 " | %s | %" PRIu32 " | %s |", mutant->name,
                 sim_model_name(finding->model), schedules,
                 finding->subject.explored.is_queue ? "queue" : "mark", lines,
                 violation_kind_name(finding->violation.kind));
    } else {
        tap_note("| %s | %s | %" PRIu64 " | %s | | %s |", mutant->name,
                 sim_model_name(finding->model), schedules,
                 finding->subject.explored.is_queue ? "queue" : "mark",
                 violation_kind_name(finding->violation.kind));
    }
    sim_run_free(run);
}

static void check_mutant(const Mutant *mutant)
{
    bool is_weakest = true;

    for (int model = 0; model < SIM_MODEL_COUNT; model++) {
        ExploreOptions options = options_for(mutant, (SimModel)model);
        bool is_visible = (mutant->models >> model & 1) != 0, found;
        ExploreFinding finding;
        ExploreTotals totals;
        Error error;

        if (!explore_search(&options, &finding, &found, &totals, &error))
            tap_bail("%s", error.message);
        if (!is_visible) {
            tap_ok(!found, "%s: not to be seen under %s", mutant->name,
                   sim_model_name((SimModel)model));
        } else if (found) {
            check_finding(mutant, &finding, totals.schedules, is_weakest);
            is_weakest = false;
        } else {
            tap_ok(false, "%s: found under %s", mutant->name, sim_model_name((SimModel)model));
        }
        if (found)
            explore_finding_release(&finding);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++)
        check_mutant(&mutants[i]);
    return tap_finish();
}
