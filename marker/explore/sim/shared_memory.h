// Shared memory of the marker in the exploring build: every operation is scheduled by a SimRun
// (marker/explore/sim/sim_run.h).
//
// The same names, types and meanings as in marker/native/shared_memory.h; calls are macros, so that
// a run knows in which function of the marker an operation happened, and on which cell.

#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "marker/explore/sim/sim_run.h"

#define SHARED_INLINE static inline __attribute__((always_inline, unused))
#define SHARED_LINE_BYTES 16
// One look for work is enough: each adds operations to explore.
#define SHARED_IDLE_STEPS 1u

#define SHARED_RELAXED SIM_RELAXED
#define SHARED_ACQUIRE SIM_ACQUIRE
#define SHARED_RELEASE SIM_RELEASE
#define SHARED_ACQ_REL SIM_ACQ_REL
#define SHARED_SEQ_CST SIM_SEQ_CST
typedef SimOrder SharedOrder;

typedef struct SharedU32 {
    SimCell cell;
} SharedU32;

typedef struct SharedU64 {
    SimCell cell;
} SharedU64;

typedef struct SharedI64 {
    SimCell cell;
} SharedI64;

// Where an operation stands in the source.
typedef struct SimSite {
    const char *function;
    const char *text;
    uint32_t line;
} SimSite;

#define SIM_SITE(text) ((SimSite){__func__, (text), __LINE__})

SHARED_INLINE SimOperation sim_at(SimSite site, SimKind kind, SimOrder order, uint64_t operand)
{
    return (SimOperation){.kind = kind,
                          .order = order,
                          .operand = operand,
                          .function = site.function,
                          .text = site.text,
                          .line = site.line};
}

SHARED_INLINE uint64_t sim_access(const SimCell *cell, SimSite site, SimKind kind, SimOrder order,
                                  uint64_t operand)
{
    // A load of a const cell does not change it: only its location is noted there.
    return sim_operation((SimCell *)(uintptr_t)cell, sim_at(site, kind, order, operand), NULL);
}

SHARED_INLINE bool sim_exchange(SimCell *cell, SimSite site, int64_t *expected, int64_t wanted,
                                SimOrder success, SimOrder failure)
{
    SimOperation operation = sim_at(site, SIM_CAS, success, (uint64_t)wanted);
    bool has_failed;
    uint64_t found;

    operation.failure = failure;
    operation.expected = (uint64_t)*expected;
    found = sim_operation(cell, operation, &has_failed);
    if (has_failed)
        *expected = (int64_t)found;
    return !has_failed;
}

#define SIM_U32(shared, kind, order, operand)                                                      \
    ((uint32_t)sim_access(&(shared)->cell, SIM_SITE(#shared), kind, order, operand))
#define SIM_U64(shared, kind, order, operand)                                                      \
    (sim_access(&(shared)->cell, SIM_SITE(#shared), kind, order, operand))
#define SIM_I64(shared, kind, order, operand)                                                      \
    ((int64_t)sim_access(&(shared)->cell, SIM_SITE(#shared), kind, order, (uint64_t)(operand)))

#define shared_u32_load(shared, order) SIM_U32(shared, SIM_LOAD, order, 0)
#define shared_u32_store(shared, value, order) ((void)SIM_U32(shared, SIM_STORE, order, value))
// 32-bit sums wrap correctly: cells hold u64, and loads take the lower half.
#define shared_u32_fetch_add(shared, value, order) SIM_U32(shared, SIM_ADD, order, value)
#define shared_u32_fetch_sub(shared, value, order) SIM_U32(shared, SIM_SUB, order, value)
#define shared_u32_fetch_or(shared, value, order) SIM_U32(shared, SIM_OR, order, value)
#define shared_u64_load(shared, order) SIM_U64(shared, SIM_LOAD, order, 0)
#define shared_u64_store(shared, value, order) ((void)SIM_U64(shared, SIM_STORE, order, value))
#define shared_u64_fetch_or(shared, value, order) SIM_U64(shared, SIM_OR, order, value)
#define shared_u64_fetch_and(shared, value, order) SIM_U64(shared, SIM_AND, order, value)
#define shared_u64_prefetch(shared) ((void)(shared))
#define shared_u64_prefetch_exclusive(shared) ((void)(shared))
#define shared_i64_load(shared, order) SIM_I64(shared, SIM_LOAD, order, 0)
#define shared_i64_store(shared, value, order) ((void)SIM_I64(shared, SIM_STORE, order, value))
#define shared_i64_compare_exchange(shared, expected, wanted, success, failure)                    \
    sim_exchange(&(shared)->cell, SIM_SITE(#shared), expected, wanted, success, failure)

SHARED_INLINE SharedU64 *shared_u64_adopt(uint64_t *words, uint64_t count)
{
    SharedU64 *cells = sim_calloc(count, sizeof *cells);

    for (uint64_t i = 0; cells != NULL && i < count; i++)
        cells[i].cell.initial = words[i];
    return cells;
}

SHARED_INLINE void shared_u64_give_back(SharedU64 *cells, uint64_t *words, uint64_t count)
{
    for (uint64_t i = 0; cells != NULL && i < count; i++)
        words[i] = sim_peek(&cells[i].cell);
}

// ---- locks, barriers, threads ----

typedef struct SharedMutex {
    SimCell cell; // 1: taken
} SharedMutex;

SHARED_INLINE bool shared_mutex_init(SharedMutex *mutex)
{
    mutex->cell = (SimCell){.initial = 0};
    return true;
}

SHARED_INLINE void shared_mutex_release(SharedMutex *mutex)
{
    (void)mutex;
}

#define shared_mutex_lock(mutex)                                                                   \
    ((void)sim_access(&(mutex)->cell, SIM_SITE(#mutex), SIM_LOCK, SIM_ACQUIRE, 1))
// Behind it others may run before the plain accesses that follow: an item that is filled only after
// it was published is seen unfilled.
#define shared_mutex_unlock(mutex)                                                                 \
    ((void)sim_access(&(mutex)->cell, SIM_SITE(#mutex), SIM_UNLOCK, SIM_RELEASE, 0), sim_pass())

// For a single use.
typedef struct SharedBarrier {
    SimCell cell; // number of workers that have arrived
    uint32_t count;
} SharedBarrier;

SHARED_INLINE bool shared_barrier_init(SharedBarrier *barrier, uint32_t count)
{
    barrier->cell = (SimCell){.initial = 0};
    barrier->count = count;
    return true;
}

SHARED_INLINE void shared_barrier_release(SharedBarrier *barrier)
{
    (void)barrier;
}

#define shared_barrier_wait(barrier)                                                               \
    ((void)sim_access(&(barrier)->cell, SIM_SITE(#barrier), SIM_ARRIVE, SIM_ACQ_REL, 1),           \
     (void)sim_access(&(barrier)->cell, SIM_SITE(#barrier), SIM_PASS, SIM_ACQUIRE,                 \
                      (barrier)->count))

typedef struct SharedThread {
    uint32_t worker;
} SharedThread;

SHARED_INLINE int shared_thread_start(SharedThread *thread, void *(*run)(void *), void *argument)
{
    return sim_start(run, argument, &thread->worker) ? 0 : 11; // EAGAIN
}

SHARED_INLINE void shared_thread_join(SharedThread *thread)
{
    sim_join(thread->worker);
}

// ---- parking ----

typedef struct SharedParker {
    SimCell cell; // 1: woken
} SharedParker;

SHARED_INLINE void shared_parker_init(SharedParker *parker)
{
    parker->cell = (SimCell){.initial = 0};
}

#define shared_park(parker)                                                                        \
    ((void)sim_access(&(parker)->cell, SIM_SITE(#parker), SIM_PARK, SIM_ACQUIRE, 0))
#define shared_unpark(parker)                                                                      \
    ((void)sim_access(&(parker)->cell, SIM_SITE(#parker), SIM_UNPARK, SIM_RELEASE, 1))

#define shared_pause() sim_yield(__func__, __LINE__)
#define shared_yield() sim_yield(__func__, __LINE__)

// ---- clocks: always 0 ----

SHARED_INLINE uint64_t shared_clock_ns(void)
{
    return 0;
}

SHARED_INLINE uint64_t shared_cpu_clock_ns(void)
{
    return 0;
}

#endif
