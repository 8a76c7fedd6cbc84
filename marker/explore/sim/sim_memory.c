// The memory models: the values that operations find, and the stores that they leave.

#include <string.h>

#include "marker/explore/sim/sim_internal.h"

static bool is_read_modify_write(SimKind kind)
{
    switch (kind) {
    case SIM_ADD:
    case SIM_SUB:
    case SIM_AND:
    case SIM_OR:
    case SIM_CAS:
    case SIM_LOCK:
    case SIM_UNLOCK:
    case SIM_ARRIVE:
    case SIM_PARK:
    case SIM_UNPARK:
        return true;
    default:
        return false;
    }
}

static bool acquires(SimOrder order)
{
    return order == SIM_ACQUIRE || order == SIM_ACQ_REL || order == SIM_SEQ_CST;
}

static bool releases(SimOrder order)
{
    return order == SIM_RELEASE || order == SIM_ACQ_REL || order == SIM_SEQ_CST;
}

uint32_t sim_memory_location(SimRun *run, SimCell *cell)
{
    uint32_t location = run->state.location_count;

    if (cell->run == run->number)
        return cell->location;
    if (location == SIM_MAX_LOCATIONS)
        sim_abandon(run, SIM_TOO_LARGE);
    // The cell was left in the arena by an earlier run: it counts as zeroed.
    if (cell->run != 0)
        cell->initial = 0;
    cell->run = run->number;
    cell->location = location;
    run->state.location_count = location + 1;
    SimLocation *record = &run->locations[location];
    record->cell = cell;
    record->value = cell->initial;
    record->timestamp = record->seq_cst = 0;
    record->messages[0] = (SimMessage){.value = cell->initial};
    for (uint32_t worker = 0; worker < SIM_MAX_WORKERS; worker++)
        sim_worker_view(run, worker)[location] = 0;
    return location;
}

// ---- what can happen ----

bool sim_memory_allows(const SimRun *run, uint32_t index)
{
    const SimWorker *worker = &run->state.workers[index];
    const SimOperation *pending = &worker->pending;

    if (run->options.model == SIM_TSO) {
        bool waits = is_read_modify_write(pending->kind) ||
                     (pending->kind == SIM_STORE && pending->order == SIM_SEQ_CST);
        if (waits && worker->store_count > 0)
            return false;
        if (pending->kind == SIM_STORE && worker->store_count == SIM_BUFFER)
            return false;
    }
    switch (pending->kind) {
    case SIM_LOCK:
        return run->locations[pending->location].value == 0;
    case SIM_PARK:
        return run->locations[pending->location].value == 1;
    case SIM_PASS:
        return run->locations[pending->location].value >= pending->operand;
    case SIM_JOIN:
        return run->state.workers[pending->location].status == SIM_WORKER_FINISHED &&
               run->state.workers[pending->location].store_count == 0;
    default:
        return true;
    }
}

// The oldest timestamp that a load by this worker may find.
static uint32_t oldest_visible(const SimRun *run, uint32_t worker, uint32_t index, SimOrder order)
{
    const SimLocation *location = &run->locations[index];
    uint32_t oldest = sim_worker_view(run, worker)[index];

    if (order == SIM_SEQ_CST && location->seq_cst > oldest)
        oldest = location->seq_cst;
    if (location->timestamp >= SIM_HISTORY && oldest <= location->timestamp - SIM_HISTORY)
        oldest = location->timestamp - SIM_HISTORY + 1;
    return oldest;
}

// The timestamp that option `option` of the pending load or CAS finds. For a CAS, option 0 is the
// last store and the others are older ones with which it fails. UINT32_MAX: no such option exists.
static uint32_t timestamp_of_option(const SimRun *run, uint32_t worker, uint32_t option)
{
    const SimOperation *pending = &run->state.workers[worker].pending;
    const SimLocation *location = &run->locations[pending->location];
    bool is_cas = pending->kind == SIM_CAS;
    uint32_t oldest =
        oldest_visible(run, worker, pending->location, is_cas ? pending->failure : pending->order);

    for (uint32_t timestamp = location->timestamp;; timestamp--) {
        bool counts = !is_cas || timestamp == location->timestamp ||
                      location->messages[timestamp % SIM_HISTORY].value != pending->expected;
        if (counts && option-- == 0)
            return timestamp;
        if (timestamp <= oldest)
            return UINT32_MAX;
    }
}

uint32_t sim_memory_options(const SimRun *run, uint32_t worker)
{
    SimKind kind = run->state.workers[worker].pending.kind;
    uint32_t count = 1;

    if (kind == SIM_CHOOSE)
        return (uint32_t)run->state.workers[worker].pending.operand;
    if (run->options.model != SIM_C11 || (kind != SIM_LOAD && kind != SIM_CAS))
        return 1;
    while (count < SIM_HISTORY && timestamp_of_option(run, worker, count) != UINT32_MAX)
        count++;
    return count;
}

// ---- views ----

static void join_views(uint32_t *into, const uint32_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (from[i] > into[i])
            into[i] = from[i];
}

void sim_memory_hand_on(SimRun *run, uint32_t from, uint32_t to)
{
    join_views(sim_worker_view(run, to), sim_worker_view(run, from), run->state.location_count);
}

// Lets a worker find the store with this timestamp. Returns its value.
static uint64_t find(SimRun *run, uint32_t worker, uint32_t index, uint32_t timestamp,
                     SimOrder order)
{
    const SimMessage *message = &run->locations[index].messages[timestamp % SIM_HISTORY];
    uint32_t *view = sim_worker_view(run, worker);

    if (timestamp > view[index])
        view[index] = timestamp;
    if (acquires(order))
        join_views(view, sim_message_view(run, index, timestamp), message->view_count);
    return message->value;
}

// Appends a store. continues: the store belongs to a read-modify-write.
static void append(SimRun *run, uint32_t worker, uint32_t index, uint64_t value, SimOrder order,
                   bool continues)
{
    SimLocation *location = &run->locations[index];
    uint32_t *view = sim_worker_view(run, worker);
    // A single worker cannot find an older store.
    bool is_alone = run->state.worker_count == 1;
    uint32_t timestamp = location->timestamp + !is_alone;
    const SimMessage before = location->messages[location->timestamp % SIM_HISTORY];
    SimMessage *message = &location->messages[timestamp % SIM_HISTORY];
    uint32_t *message_view = sim_message_view(run, index, timestamp);

    view[index] = timestamp;
    *message = (SimMessage){.value = value};
    if (releases(order)) {
        message->view_count = run->state.location_count;
        memcpy(message_view, view, message->view_count * sizeof *view);
        if (continues)
            join_views(message_view, sim_message_view(run, index, location->timestamp),
                       before.view_count);
    } else if (continues && before.view_count > 0) {
        // Continues the release sequence.
        message->view_count = before.view_count;
        memmove(message_view, sim_message_view(run, index, location->timestamp),
                before.view_count * sizeof *view);
        message_view[index] = timestamp;
    }
    location->timestamp = timestamp;
    location->value = value;
    if (order == SIM_SEQ_CST)
        location->seq_cst = timestamp;
}

// ---- operations ----

static uint64_t changed(const SimOperation *operation, uint64_t value)
{
    switch (operation->kind) {
    case SIM_ADD:
    case SIM_ARRIVE:
        return value + operation->operand;
    case SIM_SUB:
        return value - operation->operand;
    case SIM_AND:
        return value & operation->operand;
    case SIM_OR:
        return value | operation->operand;
    default: // SIM_CAS, SIM_LOCK, SIM_UNLOCK, SIM_PARK, SIM_UNPARK: set
        return operation->operand;
    }
}

static void perform_c11(SimRun *run, uint32_t index, uint32_t option, SimEvent *event)
{
    SimWorker *worker = &run->state.workers[index];
    const SimOperation *pending = &worker->pending;
    SimLocation *location = &run->locations[pending->location];
    uint32_t timestamp = location->timestamp;

    if (pending->kind == SIM_STORE) {
        append(run, index, pending->location, pending->operand, pending->order, false);
        event->value = pending->operand;
        return;
    }
    if (pending->kind == SIM_LOAD || pending->kind == SIM_PASS) {
        if (pending->kind == SIM_LOAD)
            timestamp = timestamp_of_option(run, index, option);
        event->is_stale = timestamp != location->timestamp;
        worker->result = find(run, index, pending->location, timestamp, pending->order);
        event->value = worker->result;
        return;
    }
    if (pending->kind == SIM_CAS) {
        timestamp = timestamp_of_option(run, index, option);
        uint64_t value = location->messages[timestamp % SIM_HISTORY].value;
        worker->has_failed = value != pending->expected;
        event->has_failed = worker->has_failed;
        if (worker->has_failed) {
            event->is_stale = timestamp != location->timestamp;
            worker->result = find(run, index, pending->location, timestamp, pending->failure);
            event->value = worker->result;
            return;
        }
    }
    worker->result = find(run, index, pending->location, location->timestamp, pending->order);
    event->before = worker->result;
    event->value = changed(pending, worker->result);
    append(run, index, pending->location, event->value, pending->order, true);
}

// The value that a load finds under SIM_TSO and SIM_SC: the worker's own latest store that still
// waits in its buffer, else that of memory.
static uint64_t found_value(const SimRun *run, const SimWorker *worker, SimEvent *event)
{
    uint32_t location = worker->pending.location;

    for (uint32_t i = worker->store_count; i > 0; i--)
        if (worker->stores[i - 1].location == location) {
            event->is_stale = true;
            return worker->stores[i - 1].value;
        }
    return run->locations[location].value;
}

static void perform_plain(SimRun *run, uint32_t index, SimEvent *event)
{
    SimWorker *worker = &run->state.workers[index];
    const SimOperation *pending = &worker->pending;
    uint64_t *value = &run->locations[pending->location].value;

    switch (pending->kind) {
    case SIM_LOAD:
    case SIM_PASS:
        worker->result = found_value(run, worker, event);
        event->value = worker->result;
        return;
    case SIM_STORE:
        event->value = pending->operand;
        if (run->options.model == SIM_TSO && pending->order != SIM_SEQ_CST &&
            run->state.worker_count > 1) {
            event->is_stale = true;
            worker->stores[worker->store_count++] =
                (SimStore){(uint16_t)pending->location, pending->operand};
            return;
        }
        *value = pending->operand;
        return;
    case SIM_CAS:
        worker->has_failed = *value != pending->expected;
        event->has_failed = worker->has_failed;
        worker->result = *value;
        event->value = *value;
        if (worker->has_failed)
            return;
        break;
    default:
        worker->result = *value;
        break;
    }
    event->before = *value;
    *value = changed(pending, *value);
    event->value = *value;
}

void sim_memory_perform(SimRun *run, uint32_t index, uint32_t option, SimEvent *event)
{
    SimWorker *worker = &run->state.workers[index];

    *event = (SimEvent){.entity = index, .operation = worker->pending};
    switch (worker->pending.kind) {
    case SIM_BEGIN:
    case SIM_YIELD:
        return;
    case SIM_CHOOSE:
        worker->result = option;
        worker->known = sim_mix(worker->known, option);
        return;
    case SIM_JOIN:
        sim_memory_hand_on(run, worker->pending.location, index);
        return;
    default:
        break;
    }
    if (run->options.model == SIM_C11)
        perform_c11(run, index, option, event);
    else
        perform_plain(run, index, event);
    if (worker->pending.kind != SIM_STORE)
        worker->known =
            sim_mix(worker->known, worker->result + ((uint64_t)worker->has_failed << 63));
}

void sim_memory_flush(SimRun *run, uint32_t index, SimEvent *event)
{
    SimWorker *worker = &run->state.workers[index];
    SimStore store = worker->stores[0];

    memmove(worker->stores, worker->stores + 1, (worker->store_count - 1) * sizeof store);
    worker->store_count--;
    run->locations[store.location].value = store.value;
    *event = (SimEvent){
        .entity = SIM_FLUSHER + index,
        .operation = {.kind = SIM_FLUSH, .location = store.location, .function = "", .text = ""},
        .value = store.value,
    };
}
