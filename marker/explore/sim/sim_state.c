// Stepping through a run: see marker/explore/sim/sim_state.h.

#include "marker/explore/sim/sim_state.h"

#include <stdlib.h>
#include <string.h>

#include "marker/explore/sim/sim_internal.h"
#include "base/array.h"
#include "base/checksum.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

bool sim_can_copy(void)
{
    return COROUTINES_CAN_BE_COPIED && !IS_SANITIZED;
}

// ---- steps ----

static bool is_alive(const SimRun *run)
{
    return run->outcome == SIM_FINISHED;
}

bool sim_stepped_start(SimRun *run, const SimOptions *options, void (*body)(void *context),
                       void *context)
{
    sim_prepare(run, options, body, context);
    run->is_stepped = true;
    sim_perform(run, (SimChoice){0, 0});
    coroutine_switch(&run->host, &run->coroutines[0]);
    return is_alive(run) && !sim_is_finished(run);
}

uint32_t sim_stepped_enabled(const SimRun *run)
{
    uint32_t yielded;

    return sim_enabled_mask(run, &yielded);
}

bool sim_stepped_step(SimRun *run, SimChoice choice)
{
    sim_perform(run, choice);
    if (choice.entity < SIM_FLUSHER)
        coroutine_switch(&run->host, &run->coroutines[choice.entity]);
    return is_alive(run);
}

bool sim_is_finished(const SimRun *run)
{
    for (uint32_t i = 0; i < run->state.worker_count; i++)
        if (run->state.workers[i].status != SIM_WORKER_FINISHED ||
            run->state.workers[i].store_count > 0)
            return false;
    return true;
}

// ---- copies ----

void sim_copy_init(SimCopy *copy, void *extra, size_t extra_bytes)
{
    *copy = (SimCopy){.extra = extra, .extra_bytes = extra_bytes};
}

void sim_copy_release(SimCopy *copy)
{
    free(copy->bytes);
    copy->bytes = NULL;
    copy->used = 0;
    copy->capacity = 0;
}

// Copies pieces out of a run or back into it. NULL `bytes`: only adds up their sizes.
typedef struct Copying {
    uint8_t *bytes;
    size_t used;
    bool is_save;
} Copying;

static void copy_piece(Copying *copying, void *piece, size_t bytes)
{
    if (copying->bytes != NULL && copying->is_save)
        memcpy(copying->bytes + copying->used, piece, bytes);
    else if (copying->bytes != NULL)
        memcpy(piece, copying->bytes + copying->used, bytes);
    copying->used += bytes;
}

// The counts come first in both directions: the sizes of all other pieces follow from them.
static void copy_all(SimRun *run, const SimCopy *copy, Copying *copying)
{
    SimState *state = &run->state;
    uint32_t locations;

    copy_piece(copying, state, offsetof(SimState, workers));
    locations = state->location_count;
    copy_piece(copying, state->workers, state->worker_count * sizeof state->workers[0]);
    copy_piece(copying, run->locations, locations * sizeof *run->locations);
    copy_piece(copying, &run->outcome, sizeof run->outcome);
    // The arena holds the cells, which have the numbers of their locations.
    copy_piece(copying, &run->arena_used, sizeof run->arena_used);
    copy_piece(copying, run->arena, run->arena_used);
    if (run->options.model == SIM_C11) {
        for (uint32_t i = 0; i < state->worker_count; i++)
            copy_piece(copying, sim_worker_view(run, i), locations * sizeof(uint32_t));
        for (uint32_t i = 0; i < locations; i++)
            for (uint32_t place = 0; place < SIM_HISTORY; place++)
                copy_piece(copying, sim_message_view(run, i, place), locations * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < state->worker_count; i++) {
        Coroutine *coroutine = &run->coroutines[i];
        size_t bytes;
        copy_piece(copying, &coroutine->context, sizeof coroutine->context);
        uint8_t *used = coroutine_used(coroutine, &bytes);
        copy_piece(copying, used, bytes);
    }
    copy_piece(copying, copy->extra, copy->extra_bytes);
}

bool sim_copy_save(SimRun *run, SimCopy *copy)
{
    Copying copying = {.is_save = true};
    Error error;

    copy_all(run, copy, &copying);
    if (!array_reserve(&copy->bytes, &copy->capacity, copying.used, 1, "a state", &error))
        return false;
    copy->used = copying.used;
    copying = (Copying){.bytes = copy->bytes, .is_save = true};
    copy_all(run, copy, &copying);
    return true;
}

void sim_copy_restore(SimRun *run, const SimCopy *copy)
{
    Copying copying = {.bytes = copy->bytes, .is_save = false};

    copy_all(run, copy, &copying);
}

uint64_t sim_copy_hash(const SimCopy *copy)
{
    size_t start = offsetof(SimState, worker_count);

    return checksum_xxh64(copy->bytes + start, copy->used - start);
}

// ---- hashes ----

// The oldest store of a location that any worker may still find.
static uint32_t oldest_of_all(const SimRun *run, uint32_t index)
{
    const SimLocation *location = &run->locations[index];
    uint32_t oldest = location->timestamp;

    for (uint32_t worker = 0; worker < run->state.worker_count; worker++)
        if (run->state.workers[worker].status != SIM_WORKER_FINISHED &&
            sim_worker_view(run, worker)[index] < oldest)
            oldest = sim_worker_view(run, worker)[index];
    if (location->timestamp >= SIM_HISTORY && oldest <= location->timestamp - SIM_HISTORY)
        oldest = location->timestamp - SIM_HISTORY + 1;
    return oldest;
}

// Hashes a view of the first `count` locations without `but`. Timestamps are counted back from the
// last store of their location, so that states that differ by time alone are equal; stores that no
// worker can find any more are left out.
static uint64_t hash_view(const uint32_t *view, uint32_t count, uint32_t but, const SimRun *run,
                          const uint32_t *oldest, uint64_t hash)
{
    for (uint32_t i = 0; i < run->state.location_count; i++) {
        bool is_known = i < count && i != but && view[i] > oldest[i];
        uint32_t timestamp = is_known ? view[i] : oldest[i];
        hash = sim_mix(hash, run->locations[i].timestamp - timestamp);
    }
    return hash;
}

static uint64_t hash_worker(const SimRun *run, uint32_t index, uint64_t extra,
                            const uint32_t *oldest)
{
    const SimWorker *worker = &run->state.workers[index];
    const SimOperation *pending = &worker->pending;
    uint64_t hash = sim_mix(extra, worker->known);

    if (worker->status == SIM_WORKER_FINISHED)
        hash = sim_mix(extra, UINT64_MAX);
    else
        hash = sim_mix(sim_mix(sim_mix(hash, (uint64_t)pending->kind << 48 |
                                                 (uint64_t)pending->location << 16 | pending->line),
                               pending->operand),
                       pending->expected ^ (uint64_t)(uintptr_t)pending->function);
    for (uint32_t i = 0; i < worker->store_count; i++)
        hash = sim_mix(sim_mix(hash, worker->stores[i].location), worker->stores[i].value);
    if (run->options.model == SIM_C11)
        hash = hash_view(sim_worker_view(run, index), run->state.location_count, UINT32_MAX, run,
                         oldest, hash);
    return hash;
}

static uint64_t hash_history(const SimRun *run, uint32_t index, const uint32_t *oldest,
                             uint64_t hash)
{
    const SimLocation *location = &run->locations[index];
    uint32_t seq_cst = location->seq_cst > oldest[index] ? location->seq_cst : oldest[index];

    hash = sim_mix(hash, location->timestamp - seq_cst);
    for (uint32_t timestamp = oldest[index]; timestamp <= location->timestamp; timestamp++) {
        const SimMessage *message = &location->messages[timestamp % SIM_HISTORY];
        // Without its own location: finding the store gives that part of the view in any case.
        hash = hash_view(sim_message_view(run, index, timestamp), message->view_count, index, run,
                         oldest, sim_mix(hash, message->value));
    }
    return hash;
}

uint64_t sim_memory_hash(const SimRun *run)
{
    uint64_t hash = run->state.location_count;

    for (uint32_t i = 0; i < run->state.location_count; i++)
        hash = sim_mix(hash, run->locations[i].value);
    return hash;
}

uint64_t sim_state_hash(const SimRun *run, const uint64_t *extra, uint32_t first_alike)
{
    uint64_t hash = sim_memory_hash(run), alike = 0;
    uint32_t oldest[SIM_MAX_LOCATIONS];

    if (run->options.model == SIM_C11) {
        for (uint32_t i = 0; i < run->state.location_count; i++)
            oldest[i] = oldest_of_all(run, i);
        for (uint32_t i = 0; i < run->state.location_count; i++)
            hash = hash_history(run, i, oldest, hash);
    }
    for (uint32_t i = 0; i < run->state.worker_count; i++) {
        uint64_t worker = hash_worker(run, i, extra[i], oldest);
        // A sum, so that exchanging two workers gives the same hash.
        if (i >= first_alike)
            alike += sim_mix(worker, 1);
        else
            hash = sim_mix(hash, worker);
    }
    return sim_mix(hash, alike + run->state.worker_count);
}
