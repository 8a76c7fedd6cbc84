// Every schedule of a small queue case: see marker/explore/explore_exhaustive.h.

#include "marker/explore/explore_exhaustive.h"

#include <stdlib.h>
#include <string.h>

#include "marker/explore/sim/sim_state.h"

#define MAX_DEPTH 2000u

// ---- sets of hashes ----

typedef struct HashSet {
    uint64_t *entries; // 0: free
    uint64_t mask;
    uint64_t count;
} HashSet;

static bool hash_set_grow(HashSet *set)
{
    uint64_t capacity = set->entries == NULL ? 1 << 12 : 2 * (set->mask + 1);
    uint64_t *entries = calloc(capacity, sizeof *entries);

    if (entries == NULL)
        return false;
    for (uint64_t i = 0; set->entries != NULL && i <= set->mask; i++) {
        uint64_t place = set->entries[i] & (capacity - 1);
        if (set->entries[i] == 0)
            continue;
        while (entries[place] != 0)
            place = (place + 1) & (capacity - 1);
        entries[place] = set->entries[i];
    }
    free(set->entries);
    set->entries = entries;
    set->mask = capacity - 1;
    return true;
}

// Returns whether it was new. False as well when memory is short: then `*is_short` is set.
static bool hash_set_add(HashSet *set, uint64_t hash, bool *is_short)
{
    uint64_t place;

    if ((set->entries == NULL || 2 * set->count > set->mask) && !hash_set_grow(set)) {
        *is_short = true;
        return false;
    }
    hash += hash == 0;
    for (place = hash & set->mask; set->entries[place] != 0; place = (place + 1) & set->mask)
        if (set->entries[place] == hash)
            return false;
    set->entries[place] = hash;
    set->count++;
    return true;
}

// ---- the search ----

// A state on the current path, with the choices that are still to be tried from it.
typedef struct Level {
    SimCopy copy;
    SimChoice choice; // the next one
    uint32_t enabled_mask;
    uint32_t option_count; // of choice.entity
    SimChoice taken;       // the choice that the path takes from here
} Level;

typedef struct Exhaustive {
    const ExhaustiveOptions *options;
    ExhaustiveResult *result;
    SimRun *run;
    QueueContext queue;
    HashSet visited;
    HashSet finals;
    SimCopy exact; // EXHAUSTIVE_EXACT: the state as bytes
    Level *levels;
    uint32_t depth; // levels in use
    uint32_t made;  // levels with a copy
    bool is_short;
} Exhaustive;

static uint64_t oracle_hash(const QueueOracle *oracle)
{
    return sim_mix(oracle->delivered, oracle->pushed);
}

static uint64_t state_hash(Exhaustive *search)
{
    if (search->options->reduction == EXHAUSTIVE_EXACT) {
        if (sim_copy_save(search->run, &search->exact))
            return sim_copy_hash(&search->exact);
        search->is_short = true;
        return 0;
    }
    uint64_t extra[SIM_MAX_WORKERS] = {oracle_hash(&search->queue.oracle)};

    for (uint32_t i = 0; i < search->options->explored->queue.thieves; i++)
        extra[1 + i] = search->queue.oracle.last_stolen[i];
    return sim_state_hash(search->run, extra, 1);
}

// True when the worker's pending step affects no other worker, so that its order with theirs does
// not matter.
static bool is_private(const SimRun *run, uint32_t worker)
{
    const SimOperation *pending = sim_pending(run, worker);

    return pending != NULL && (pending->kind == SIM_BEGIN || pending->kind == SIM_CHOOSE);
}

// Makes a level of the run's present state.
static bool open_level(Exhaustive *search)
{
    Level *level = &search->levels[search->depth];

    if (search->depth == search->made) {
        sim_copy_init(&level->copy, &search->queue, sizeof search->queue);
        search->made++;
    }
    if (!sim_copy_save(search->run, &level->copy)) {
        search->is_short = true;
        return false;
    }
    level->enabled_mask = sim_stepped_enabled(search->run);
    for (uint32_t i = 0;
         i < sim_worker_count(search->run) && search->options->reduction == EXHAUSTIVE_REDUCED; i++)
        if ((level->enabled_mask >> i & 1) != 0 && is_private(search->run, i)) {
            level->enabled_mask = 1u << i;
            break;
        }
    level->choice = (SimChoice){0, 0};
    level->option_count = 0;
    search->depth++;
    return true;
}

// Advances to the next choice of a level, whose state the run must be in. False: none is left.
static bool next_choice(Exhaustive *search, Level *level)
{
    if (level->option_count > 0 && ++level->choice.option < level->option_count)
        return true;
    if (level->enabled_mask == 0)
        return false;
    level->choice.entity = (uint8_t)__builtin_ctz(level->enabled_mask);
    level->choice.option = 0;
    level->enabled_mask &= level->enabled_mask - 1;
    level->option_count = sim_option_count(search->run, level->choice.entity);
    return true;
}

static void note_violation(Exhaustive *search, ChoiceList *choices)
{
    search->result->violation = search->queue.oracle.violation;
    for (uint32_t i = 0; choices != NULL && i < search->depth; i++)
        if (!choice_list_add(choices, search->levels[i].taken))
            search->is_short = true;
}

// Checks the end of a path. Returns whether there was no violation.
static bool see_end(Exhaustive *search)
{
    QueueOracle *oracle = &search->queue.oracle;

    search->result->ends++;
    if (!sim_is_finished(search->run) && oracle->violation.kind == VIOLATION_NONE)
        oracle->violation = (Violation){.kind = VIOLATION_DEADLOCK, .text = "all workers wait"};
    if (oracle->violation.kind != VIOLATION_NONE)
        return false;
    if (hash_set_add(&search->finals, sim_mix(oracle_hash(oracle), sim_memory_hash(search->run)),
                     &search->is_short))
        search->result->final_digest += sim_mix(oracle_hash(oracle), sim_memory_hash(search->run));
    return true;
}

// Checks the state after a step, and makes a level of it if it is new. False: a violation.
static bool see_state(Exhaustive *search, bool goes_on)
{
    search->result->steps++;
    if (search->queue.oracle.violation.kind != VIOLATION_NONE)
        return false;
    if (!goes_on || sim_stepped_enabled(search->run) == 0)
        return see_end(search);
    if (search->options->reduction != EXHAUSTIVE_UNREDUCED &&
        !hash_set_add(&search->visited, state_hash(search), &search->is_short))
        return true;
    search->result->states++;
    if (search->depth == MAX_DEPTH) {
        search->is_short = true;
        return true;
    }
    (void)open_level(search);
    return true;
}

static bool is_stopped(const Exhaustive *search)
{
    const ExhaustiveOptions *options = search->options;
    uint64_t states = search->result->states;

    return search->is_short || (options->max_states != 0 && states > options->max_states) ||
           (search->result->steps % 4096 == 0 && options->goes_on != NULL &&
            !options->goes_on(options->goes_on_context, states));
}

static void search_all(Exhaustive *search, ChoiceList *choices)
{
    SimOptions options = {.model = search->options->model, .max_steps = UINT64_MAX};

    search->queue.explored = search->options->explored;
    sim_copy_init(&search->exact, &search->queue, sizeof search->queue);
    if (!sim_stepped_start(search->run, &options, explore_queue_body, &search->queue)) {
        search->result->violation = search->queue.oracle.violation;
        return;
    }
    (void)open_level(search);
    while (search->depth > 0 && !is_stopped(search)) {
        Level *level = &search->levels[search->depth - 1];
        uint32_t depth = search->depth;
        sim_copy_restore(search->run, &level->copy);
        if (!next_choice(search, level)) {
            search->depth--;
            continue;
        }
        level->taken = level->choice;
        if (!see_state(search, sim_stepped_step(search->run, level->choice))) {
            search->depth = depth;
            note_violation(search, choices);
            return;
        }
    }
    search->result->is_complete = search->depth == 0;
}

bool explore_exhaustive(const ExhaustiveOptions *options, ExhaustiveResult *result,
                        ChoiceList *choices, Error *error)
{
    Exhaustive search = {.options = options, .result = result};

    *result = (ExhaustiveResult){.states = 0};
    if (!sim_can_copy())
        return error_set(error, ERROR_UNSUPPORTED,
                         "this build cannot go through every schedule of a case");
    search.run = sim_run_new();
    search.levels = calloc(MAX_DEPTH, sizeof *search.levels);
    if (search.run != NULL && search.levels != NULL)
        search_all(&search, choices);
    else
        search.is_short = true;
    result->final_states = search.finals.count;
    for (uint32_t i = 0; i < search.made; i++)
        sim_copy_release(&search.levels[i].copy);
    sim_copy_release(&search.exact);
    free(search.levels);
    free(search.visited.entries);
    free(search.finals.entries);
    sim_run_free(search.run);
    return !search.is_short || error_set_memory(error, 0, "exploring");
}
