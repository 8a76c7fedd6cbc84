// Exploring finds every recorded mutation that is about concurrency, under each memory model that
// can show it, and shrinks the finding to a few steps. Models that cannot show it find nothing.
// Mutants of the queue are found by exhaustive search, too.
//
// The numbers are those of docs/design-marking.md, "Which model sees what"; `make explore-table`
// writes them there.
//
// timeout: 600

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker/explore/explore_exhaustive.h"
#include "marker/explore/explore_shrink.h"
#include "marker/explore/explore_trace.h"
#include "tests/support/tap.h"

#define MAX_SCHEDULES 10000u
#define LIST_SCHEDULES 100000u
#define MAX_LINES 29u
#define LIST_LINES 60u // a stack overflows more than once before it goes wrong
#define SHRINK_EFFORT 200u
#define SMALL_QUEUE ((QueueCase){.capacity = 2, .thieves = 2, .steals = 2, .operations = "????"})
#define COUNT_CHARS 32u
#define DOCUMENT_BYTES ((size_t)1 << 20)
#define SC (1u << SIM_SC)
#define TSO (1u << SIM_TSO)
#define C11 (1u << SIM_C11)
#define ALL (SC | TSO | C11)

// name, models that show it, and where it is. Those of tests/mutants/ first.
// Where a mutation is.
typedef enum Place {
    MARKER,
    QUEUE, // in the queue: exhaustive search must show it, too
    LIST,  // in the list of segments, and rare: only the cases made for it are searched
} Place;

#define MUTANTS(X)                                                                                 \
    X(claim_without_exchange, ALL, MARKER)                                                         \
    X(far_pages_forgotten, ALL, MARKER)                                                            \
    X(first_roots_only, ALL, MARKER) /* found by comparison with the serial mark */                \
    X(lost_wake_up, ALL, MARKER)                                                                   \
    X(overflow_is_dropped, ALL, MARKER)                                                            \
    X(steal_queue_last_item_without_cas, ALL, QUEUE)                                               \
    X(steal_queue_pop_loads_top_first, ALL, QUEUE)                                                 \
    X(steal_queue_pop_store_release, TSO | C11, QUEUE)                                             \
    X(steal_queue_push_ignores_full, ALL, QUEUE)                                                   \
    X(steal_queue_steal_reads_after_cas, ALL, QUEUE)                                               \
    X(termination_leaves_early, ALL, MARKER)                                                       \
    X(worklist_without_lock, ALL, MARKER)                                                          \
    X(counted_on_late, ALL, MARKER)                                                                \
    X(inbox_not_counted, ALL, MARKER)                                                              \
    X(pop_loads_top_acquire, C11, QUEUE)                                                           \
    X(push_publishes_relaxed, C11, QUEUE)                                                          \
    X(steal_exchanges_relaxed, C11, QUEUE)                                                         \
    X(steal_loads_bottom_acquire, C11, QUEUE)                                                      \
    X(steal_loads_bottom_relaxed, C11, QUEUE)                                                      \
    X(steal_trusts_the_look, ALL, MARKER)                                                          \
    X(list_without_lock_or_tag, ALL, LIST) /* ABA */                                               \
    X(segment_returned_twice, ALL, MARKER)                                                         \
    X(segment_published_unfilled, ALL, MARKER)                                                     \
    X(wake_looks_relaxed, C11, MARKER)                                                             \
    /* What no model shows: see docs/design-marking.md, "Which model sees what". */                \
    X(pop_restores_relaxed, 0, QUEUE)                                                              \
    X(push_loads_top_relaxed, 0, QUEUE)                                                            \
    X(wake_only_looks, 0, MARKER)

typedef struct Mutant {
    const char *name;
    const MarkerOperations *marker;
    unsigned models;
    Place place;
} Mutant;

#define DECLARE(name, models, place) extern const MarkerOperations mutant_##name;
#define ROW(name, models, place) {#name, &mutant_##name, models, place},
MUTANTS(DECLARE)
extern const MarkerOperations rudo_gc_queue, rudo_gc_pop, rudo_gc_steal;

static const Mutant mutants[] = {MUTANTS(ROW){"rudo_gc_queue", &rudo_gc_queue, ALL, QUEUE},
                                 {"rudo_gc_pop", &rudo_gc_pop, ALL, QUEUE},
                                 {"rudo_gc_steal", &rudo_gc_steal, ALL, QUEUE}};

static ExploreOptions options_for(const Mutant *mutant, SimModel model)
{
    return (ExploreOptions){.marker = mutant->marker,
                            .model = model,
                            .has_queues = mutant->place != LIST,
                            .has_overflows = mutant->marker->overflow_new != NULL,
                            .has_marks = mutant->place != LIST && mutant->marker->mark != NULL,
                            .seed = 1,
                            .schedules = mutant->place != LIST ? MAX_SCHEDULES : LIST_SCHEDULES,
                            .low_objects = 5,
                            .high_objects = EXPLORE_MAX_NODES};
}

// The row of a mutant in the table.
typedef struct Row {
    uint64_t schedules[SIM_MODEL_COUNT]; // until it was found; 0: it was not
    const char *place;
    uint32_t lines;
    ViolationKind violation;
} Row;

// Lines are counted as they are shown.
static void see_line(void *context, const TraceLine *line)
{
    (void)context;
    (void)line;
}

// Shrinks the finding under the weakest model only: shrinking takes longer than finding.
static void check_finding(const Mutant *mutant, ExploreFinding *finding, Row *row)
{
    SimRun *run = sim_run_new();
    CaseRun result;
    Error error;
    Departure departure;
    uint32_t departed_at;

    if (run == NULL || !explore_shrink(finding, SHRINK_EFFORT, &error))
        tap_bail("memory is short");
    row->lines = explore_trace(run, &finding->subject, finding->model, &finding->choices, see_line,
                               NULL, &result);
    uint32_t most = mutant->place == LIST ? LIST_LINES : MAX_LINES;
    tap_ok(row->lines > 0 && row->lines <= most, "%s: in at most %u lines", mutant->name, most);
    result = explore_follow_exactly(run, &finding->subject, finding->model, &finding->choices,
                                    &departure, &departed_at);
    tap_ok(result.violation.kind != VIOLATION_NONE && departure == DEPARTURE_NONE,
           "%s: what was found can be had again", mutant->name);
    row->place = !finding->subject.explored.is_queue           ? "mark"
                 : finding->subject.explored.queue.is_overflow ? "overflow"
                                                               : "queue";
    row->violation = result.violation.kind;
    sim_run_free(run);
}

static void search(const Mutant *mutant, SimModel model, bool is_weakest, Row *row)
{
    ExploreOptions options = options_for(mutant, model);
    ExploreFinding finding;
    ExploreTotals totals;
    Error error;
    bool found;

    if (!explore_search(&options, &finding, &found, &totals, &error))
        tap_bail("%s", error.message);
    if ((mutant->models >> model & 1) != 0)
        tap_ok(found, "%s: found under %s", mutant->name, sim_model_name(model));
    else
        tap_ok(!found, "%s: not to be seen under %s", mutant->name, sim_model_name(model));
    if (!found)
        return;
    row->schedules[model] = totals.schedules;
    if (is_weakest)
        check_finding(mutant, &finding, row);
    explore_finding_release(&finding);
}

// Exhaustive search of a small queue shows the mutation exactly where random schedules show it.
static void check_exhaustively(const Mutant *mutant, SimModel model, bool is_visible)
{
    ExploreCase explored = {.marker = mutant->marker, .is_queue = true, .queue = SMALL_QUEUE};
    ExhaustiveOptions options = {.explored = &explored, .model = model};
    ExhaustiveResult result;
    Error error;

    if (!explore_exhaustive(&options, &result, NULL, &error))
        tap_bail("%s", error.message);
    if (is_visible)
        tap_ok(result.violation.kind != VIOLATION_NONE,
               "%s: found among all schedules of a small queue, under %s", mutant->name,
               sim_model_name(model));
    else
        tap_ok(result.violation.kind == VIOLATION_NONE && result.is_complete,
               "%s: no schedule of a small queue shows it under %s", mutant->name,
               sim_model_name(model));
}

// "12,345", or "-" for 0.
static const char *count_text(char text[COUNT_CHARS], uint64_t count)
{
    if (count == 0)
        return "-";
    if (count >= 1000)
        (void)snprintf(text, COUNT_CHARS, "%" PRIu64 ",%03" PRIu64, count / 1000, count % 1000);
    else
        (void)snprintf(text, COUNT_CHARS, "%" PRIu64, count);
    return text;
}

static void check_row(const Mutant *mutant, const Row *row, const char *document)
{
    char text[256], end[64] = "| | |", counts[SIM_MODEL_COUNT][COUNT_CHARS];

    if (mutant->models != 0)
        (void)snprintf(end, sizeof end, "%s | %" PRIu32 " | %s |", row->place, row->lines,
                       violation_kind_name(row->violation));
    (void)snprintf(text, sizeof text, "| `%s` | %s | %s | %s | %s\n", mutant->name,
                   count_text(counts[SIM_SC], row->schedules[SIM_SC]),
                   count_text(counts[SIM_TSO], row->schedules[SIM_TSO]),
                   count_text(counts[SIM_C11], row->schedules[SIM_C11]), end);
    tap_ok(strstr(document, text) != NULL, "%s: as docs/design-marking.md has it", mutant->name);
    printf("# %s", text);
}

static void check_mutant(const Mutant *mutant, const char *document)
{
    Row row = {.lines = 0};
    bool is_weakest = true;

    for (int model = 0; model < SIM_MODEL_COUNT; model++) {
        search(mutant, (SimModel)model, is_weakest, &row);
        is_weakest = is_weakest && row.schedules[model] == 0;
    }
    for (int model = 0; model < SIM_MODEL_COUNT && mutant->place == QUEUE; model++)
        check_exhaustively(mutant, (SimModel)model, (mutant->models >> model & 1) != 0);
    check_row(mutant, &row, document);
}

// The caller frees it.
static char *read_document(void)
{
    FILE *stream = fopen("docs/design-marking.md", "re");
    char *text = calloc(1, DOCUMENT_BYTES);

    if (stream == NULL || text == NULL ||
        fread(text, 1, DOCUMENT_BYTES - 1, stream) == DOCUMENT_BYTES - 1)
        tap_bail("docs/design-marking.md cannot be read from here");
    (void)fclose(stream);
    return text;
}

int main(void)
{
    char *document = read_document();

    for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++)
        check_mutant(&mutants[i], document);
    free(document);
    return tap_finish();
}
