// SimRun: see marker/explore/sim/sim_run.h.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "marker/explore/sim/sim_internal.h"
#include "marker/explore/sim/sim_state.h"

const char *sim_model_name(SimModel model)
{
    static const char *const names[SIM_MODEL_COUNT] = {"sc", "tso", "c11"};

    return (unsigned)model < SIM_MODEL_COUNT ? names[model] : "unknown";
}

// ---- life ----

SimRun *sim_run_new(void)
{
    SimRun *run = calloc(1, sizeof *run);
    bool ok;

    if (run == NULL)
        return NULL;
    run->view_stride = SIM_MAX_LOCATIONS;
    run->locations = calloc(SIM_MAX_LOCATIONS, sizeof *run->locations);
    run->worker_views =
        calloc((size_t)SIM_MAX_WORKERS * SIM_MAX_LOCATIONS, sizeof *run->worker_views);
    run->message_views = calloc((size_t)SIM_MAX_LOCATIONS * SIM_HISTORY * SIM_MAX_LOCATIONS,
                                sizeof *run->message_views);
    run->arena = mmap(NULL, SIM_ARENA_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ok = run->locations != NULL && run->worker_views != NULL && run->message_views != NULL &&
         run->arena != MAP_FAILED;
    for (uint32_t i = 0; ok && i < SIM_MAX_WORKERS; i++)
        ok = coroutine_init(&run->coroutines[i], run, i);
    if (ok)
        return run;
    sim_run_free(run);
    return NULL;
}

void sim_run_free(SimRun *run)
{
    if (run == NULL)
        return;
    for (uint32_t i = 0; i < SIM_MAX_WORKERS; i++)
        coroutine_release(&run->coroutines[i]);
    if (run->arena != NULL && run->arena != MAP_FAILED)
        (void)munmap(run->arena, SIM_ARENA_BYTES);
    free(run->message_views);
    free(run->worker_views);
    free(run->locations);
    free(run);
}

static SimRun *this_run(uint32_t *worker)
{
    const CoroutineTop *top = coroutine_top();

    *worker = (uint32_t)top->number;
    return top->owner;
}

// ---- steps ----

uint32_t sim_enabled_mask(const SimRun *run, uint32_t *yielded)
{
    uint32_t enabled = 0, waiting = 0;

    for (uint32_t i = 0; i < run->state.worker_count; i++) {
        const SimWorker *worker = &run->state.workers[i];
        if (worker->store_count > 0)
            enabled |= 1u << (SIM_FLUSHER + i);
        if (worker->status == SIM_WORKER_FINISHED || !sim_memory_allows(run, i))
            continue;
        // A worker that yields waits for a step of another entity, if there is one.
        if (worker->pending.kind == SIM_YIELD && worker->yield_step == run->state.step)
            waiting |= 1u << i;
        else
            enabled |= 1u << i;
    }
    *yielded = 0;
    for (uint32_t i = 0; i < run->state.worker_count; i++)
        if ((enabled >> i & 1) != 0 && run->state.workers[i].pending.kind == SIM_YIELD)
            *yielded |= 1u << i;
    return enabled != 0 ? enabled : waiting;
}

uint32_t sim_option_count(const SimRun *run, uint32_t entity)
{
    return entity < SIM_FLUSHER ? sim_memory_options(run, entity) : 1;
}

void sim_perform(SimRun *run, SimChoice choice)
{
    SimEvent event;

    if (choice.entity < SIM_FLUSHER)
        sim_memory_perform(run, choice.entity, choice.option, &event);
    else
        sim_memory_flush(run, choice.entity - SIM_FLUSHER, &event);
    run->state.step++;
    run->state.current = choice.entity;
    if (run->options.observe != NULL)
        run->options.observe(run->options.observe_context, run, &event);
}

void sim_abandon(SimRun *run, SimOutcome outcome)
{
    Coroutine lost = {.context = NULL};

    run->outcome = outcome;
    coroutine_switch(&lost, &run->host);
    __builtin_unreachable();
}

// Performs steps up to the next operation of a worker, and returns that worker.
static uint32_t schedule(SimRun *run)
{
    for (;;) {
        SimView view = {.current = run->state.current, .step = run->state.step};
        SimChoice choice;

        view.enabled_mask = sim_enabled_mask(run, &view.yielded_mask);
        if (view.enabled_mask == 0)
            sim_abandon(run, sim_is_finished(run) ? SIM_FINISHED : SIM_DEADLOCK);
        if (run->state.step >= run->options.max_steps)
            sim_abandon(run, SIM_ENDLESS);
        choice = run->options.choose(run->options.choose_context, run, &view);
        sim_perform(run, choice);
        if (run->state.step == run->options.stop_step)
            sim_abandon(run, SIM_STOPPED);
        if (choice.entity < SIM_FLUSHER)
            return choice.entity;
    }
}

// Waits until the worker's pending operation has happened.
static void wait_for_turn(SimRun *run, uint32_t index)
{
    if (run->is_stepped) {
        coroutine_switch(&run->coroutines[index], &run->host);
        return;
    }
    uint32_t next = schedule(run);
    if (next != index)
        coroutine_switch(&run->coroutines[index], &run->coroutines[next]);
}

static void run_worker(void *argument)
{
    uint32_t index;
    SimRun *run = this_run(&index);
    Coroutine lost = {.context = NULL};

    (void)argument;
    if (index == 0)
        run->main_body(run->arguments[0]);
    else
        (void)run->bodies[index](run->arguments[index]);
    run->state.workers[index].status = SIM_WORKER_FINISHED;
    if (run->is_stepped)
        coroutine_switch(&lost, &run->host);
    // After the last worker of all, schedule() switches to the host and does not return.
    uint32_t next = schedule(run);
    coroutine_switch(&lost, &run->coroutines[next]);
}

static void add_worker(SimRun *run)
{
    SimState *state = &run->state;
    uint32_t index = state->worker_count++;

    memset(&state->workers[index], 0, sizeof state->workers[index]);
    state->workers[index].pending = (SimOperation){.kind = SIM_BEGIN, .function = "", .text = ""};
    coroutine_prepare(&run->coroutines[index], run_worker, NULL);
}

void sim_prepare(SimRun *run, const SimOptions *options, void (*body)(void *context), void *context)
{
    run->options = *options;
    run->outcome = SIM_FINISHED;
    // Number 0 is that of zeroed cells.
    if (++run->number == 0)
        run->number = 1;
    run->arena_used = 0;
    run->state.step = 0;
    run->state.current = SIM_ENTITIES;
    run->state.worker_count = run->state.location_count = 0;
    run->main_body = body;
    run->arguments[0] = context;
    add_worker(run);
}

SimOutcome sim_run(SimRun *run, const SimOptions *options, void (*body)(void *context),
                   void *context)
{
    sim_prepare(run, options, body, context);
    run->is_stepped = false;
    sim_perform(run, (SimChoice){0, 0});
    coroutine_switch(&run->host, &run->coroutines[0]);
    return run->outcome;
}

uint64_t sim_steps(const SimRun *run)
{
    return run->state.step;
}

uint32_t sim_worker_count(const SimRun *run)
{
    return run->state.worker_count;
}

const SimOperation *sim_pending(const SimRun *run, uint32_t worker)
{
    return run->state.workers[worker].status == SIM_WORKER_FINISHED
               ? NULL
               : &run->state.workers[worker].pending;
}

uint64_t sim_value(const SimRun *run, uint32_t location)
{
    return run->locations[location].value;
}

const SimCell *sim_cell(const SimRun *run, uint32_t location)
{
    return run->locations[location].cell;
}

bool sim_waiting_store(const SimRun *run, uint32_t location, uint32_t but, uint32_t *worker,
                       uint64_t *value)
{
    for (uint32_t i = 0; i < run->state.worker_count; i++) {
        const SimWorker *other = &run->state.workers[i];
        for (uint32_t store = other->store_count; i != but && store > 0; store--)
            if (other->stores[store - 1].location == location) {
                *worker = i;
                *value = other->stores[store - 1].value;
                return true;
            }
    }
    return false;
}

// ---- for workers ----

void sim_stop(void)
{
    uint32_t index;

    sim_abandon(this_run(&index), SIM_STOPPED);
}

uint64_t sim_operation(SimCell *cell, SimOperation operation, bool *has_failed)
{
    uint32_t index;
    SimRun *run = this_run(&index);
    SimWorker *worker = &run->state.workers[index];

    operation.location = sim_memory_location(run, cell);
    worker->pending = operation;
    // A single worker cannot be interrupted: its operations need no choice.
    if (run->state.worker_count == 1 && !run->is_stepped)
        sim_perform(run, (SimChoice){(uint8_t)index, 0});
    else
        wait_for_turn(run, index);
    if (has_failed != NULL)
        *has_failed = worker->has_failed;
    return worker->result;
}

bool sim_start(void *(*body)(void *argument), void *argument, uint32_t *worker)
{
    uint32_t parent;
    SimRun *run = this_run(&parent);

    *worker = run->state.worker_count;
    if (*worker == SIM_MAX_WORKERS)
        return false;
    run->bodies[*worker] = body;
    run->arguments[*worker] = argument;
    add_worker(run);
    memcpy(sim_worker_view(run, *worker), sim_worker_view(run, parent),
           run->state.location_count * sizeof(uint32_t));
    return true;
}

void sim_join(uint32_t worker)
{
    uint32_t index;
    SimRun *run = this_run(&index);

    run->state.workers[index].pending =
        (SimOperation){.kind = SIM_JOIN, .location = worker, .function = "join", .text = ""};
    wait_for_turn(run, index);
}

void sim_yield(const char *function, uint32_t line)
{
    uint32_t index;
    SimRun *run = this_run(&index);

    run->state.workers[index].pending =
        (SimOperation){.kind = SIM_YIELD, .function = function, .text = "", .line = line};
    run->state.workers[index].yield_step = run->state.step;
    wait_for_turn(run, index);
}

uint32_t sim_choose(uint32_t count)
{
    uint32_t index;
    SimRun *run = this_run(&index);

    run->state.workers[index].pending =
        (SimOperation){.kind = SIM_CHOOSE, .operand = count, .function = "choose", .text = ""};
    wait_for_turn(run, index);
    return (uint32_t)run->state.workers[index].result;
}

void sim_pass(void)
{
    uint32_t index;

    if (this_run(&index)->state.worker_count > 1)
        (void)sim_choose(1);
}

void sim_say(const char *text, uint64_t value)
{
    uint32_t index;
    SimRun *run = this_run(&index);
    SimEvent event = {
        .entity = index,
        .operation = {.kind = SIM_SAY, .function = "", .text = text},
        .value = value,
    };

    if (run->options.observe != NULL)
        run->options.observe(run->options.observe_context, run, &event);
}

uint64_t sim_peek(const SimCell *cell)
{
    const SimRun *run = coroutine_top()->owner;

    return cell->run == run->number ? run->locations[cell->location].value
           : cell->run == 0         ? cell->initial
                                    : 0;
}

void sim_forget(uint64_t remembered)
{
    uint32_t index;
    SimRun *run = this_run(&index);

    run->state.workers[index].known = remembered;
}
