// Shared memory of the marker: the one header through which its workers access memory that other
// workers access too, lock, park and wake.
//
// This is the native build: C11 atomics, pthreads, futexes, all inline. It is included by its
// bare name and found by include path, so that the exploring build of the same sources can put
// its own header of this name first (marker/explore/sim/shared_memory.h) and schedule each of these
// operations itself.
//
// Each cell is a struct, so that an access which does not name its order does not compile.
// Every call names its order; the caller's comment gives the reason and the partner.
//
// Ordered accesses rather than fences: ThreadSanitizer cannot see fences.

#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define SHARED_INLINE static inline __attribute__((always_inline, unused))

// Cells that different workers write lie this far apart.
#define SHARED_LINE_BYTES 128
// Unsuccessful looks for work before a worker lies down: some microseconds, about the cost of a
// wake-up.
#define SHARED_IDLE_STEPS 100u

#define SHARED_RELAXED memory_order_relaxed
#define SHARED_ACQUIRE memory_order_acquire
#define SHARED_RELEASE memory_order_release
#define SHARED_ACQ_REL memory_order_acq_rel
#define SHARED_SEQ_CST memory_order_seq_cst
typedef memory_order SharedOrder;

typedef struct SharedU32 {
    _Atomic uint32_t cell;
} SharedU32;

typedef struct SharedU64 {
    _Atomic uint64_t cell;
} SharedU64;

typedef struct SharedI64 {
    _Atomic int64_t cell;
} SharedI64;

SHARED_INLINE uint32_t shared_u32_load(const SharedU32 *shared, SharedOrder order)
{
    return atomic_load_explicit(&shared->cell, order);
}

SHARED_INLINE void shared_u32_store(SharedU32 *shared, uint32_t value, SharedOrder order)
{
    atomic_store_explicit(&shared->cell, value, order);
}

// The fetch_* functions return the value before.
SHARED_INLINE uint32_t shared_u32_fetch_add(SharedU32 *shared, uint32_t value, SharedOrder order)
{
    return atomic_fetch_add_explicit(&shared->cell, value, order);
}

SHARED_INLINE uint32_t shared_u32_fetch_sub(SharedU32 *shared, uint32_t value, SharedOrder order)
{
    return atomic_fetch_sub_explicit(&shared->cell, value, order);
}

SHARED_INLINE uint32_t shared_u32_fetch_or(SharedU32 *shared, uint32_t value, SharedOrder order)
{
    return atomic_fetch_or_explicit(&shared->cell, value, order);
}

SHARED_INLINE uint64_t shared_u64_load(const SharedU64 *shared, SharedOrder order)
{
    return atomic_load_explicit(&shared->cell, order);
}

SHARED_INLINE void shared_u64_store(SharedU64 *shared, uint64_t value, SharedOrder order)
{
    atomic_store_explicit(&shared->cell, value, order);
}

SHARED_INLINE uint64_t shared_u64_fetch_or(SharedU64 *shared, uint64_t value, SharedOrder order)
{
    return atomic_fetch_or_explicit(&shared->cell, value, order);
}

SHARED_INLINE uint64_t shared_u64_fetch_and(SharedU64 *shared, uint64_t value, SharedOrder order)
{
    return atomic_fetch_and_explicit(&shared->cell, value, order);
}

// Only hints: no value is read. The second is for a cell that others write too and that the caller
// is going to change by a read-modify-write: it takes the cache line from the others at once.
SHARED_INLINE void shared_u64_prefetch(const SharedU64 *shared)
{
    __builtin_prefetch(shared);
}

SHARED_INLINE void shared_u64_prefetch_exclusive(const SharedU64 *shared)
{
#if defined(__x86_64__)
    // __builtin_prefetch(p, 1) compiles to a plain prefetch for x86-64 in general. Processors that
    // do not know this instruction ignore it.
    __asm__ volatile("prefetchw %0" : : "m"(*shared));
#else
    __builtin_prefetch(shared, 1);
#endif
}

SHARED_INLINE int64_t shared_i64_load(const SharedI64 *shared, SharedOrder order)
{
    return atomic_load_explicit(&shared->cell, order);
}

SHARED_INLINE void shared_i64_store(SharedI64 *shared, int64_t value, SharedOrder order)
{
    atomic_store_explicit(&shared->cell, value, order);
}

// Strong. On failure `*expected` is what was found.
SHARED_INLINE bool shared_i64_compare_exchange(SharedI64 *shared, int64_t *expected, int64_t wanted,
                                               SharedOrder success, SharedOrder failure)
{
    return atomic_compare_exchange_strong_explicit(&shared->cell, expected, wanted, success,
                                                   failure);
}

// Shared cells in the memory of a plain array of u64, which must not be accessed in any other way
// until shared_u64_give_back(). NULL when memory is short (never in this build).
SHARED_INLINE SharedU64 *shared_u64_adopt(uint64_t *words, uint64_t count)
{
    (void)count;
    _Static_assert(sizeof(SharedU64) == sizeof(uint64_t), "a cell is just its word");
    return (SharedU64 *)(void *)words;
}

SHARED_INLINE void shared_u64_give_back(SharedU64 *cells, uint64_t *words, uint64_t count)
{
    (void)cells;
    (void)words;
    (void)count;
}

// ---- locks, barriers, threads ----

typedef struct SharedMutex {
    pthread_mutex_t mutex;
} SharedMutex;

SHARED_INLINE bool shared_mutex_init(SharedMutex *mutex)
{
    return pthread_mutex_init(&mutex->mutex, NULL) == 0;
}

SHARED_INLINE void shared_mutex_release(SharedMutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->mutex);
}

SHARED_INLINE void shared_mutex_lock(SharedMutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->mutex);
}

SHARED_INLINE void shared_mutex_unlock(SharedMutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->mutex);
}

typedef struct SharedBarrier {
    pthread_barrier_t barrier;
} SharedBarrier;

SHARED_INLINE bool shared_barrier_init(SharedBarrier *barrier, uint32_t count)
{
    return pthread_barrier_init(&barrier->barrier, NULL, count) == 0;
}

SHARED_INLINE void shared_barrier_release(SharedBarrier *barrier)
{
    (void)pthread_barrier_destroy(&barrier->barrier);
}

SHARED_INLINE void shared_barrier_wait(SharedBarrier *barrier)
{
    (void)pthread_barrier_wait(&barrier->barrier);
}

typedef struct SharedThread {
    pthread_t thread;
} SharedThread;

// 0, or an errno value.
SHARED_INLINE int shared_thread_start(SharedThread *thread, void *(*run)(void *), void *argument)
{
    return pthread_create(&thread->thread, NULL, run, argument);
}

SHARED_INLINE void shared_thread_join(SharedThread *thread)
{
    (void)pthread_join(thread->thread, NULL);
}

// ---- parking ----

// Where one worker sleeps. A wake-up that comes before the worker lies down is kept for it.
//
// States: 0, nothing; 1, woken; UINT32_MAX, asleep.
typedef struct SharedParker {
    _Atomic uint32_t state;
} SharedParker;

SHARED_INLINE void shared_parker_init(SharedParker *parker)
{
    atomic_store_explicit(&parker->state, 0, memory_order_relaxed);
}

// Sleeps until shared_unpark(); returns at once when one came before, which is used up. All that
// the waker did before it is visible then.
static inline __attribute__((unused)) void shared_park(SharedParker *parker)
{
    uint32_t woken = 1;

    // 1 -> 0: was woken before; 0 -> UINT32_MAX: asleep. Acquire: partner is shared_unpark().
    if (atomic_fetch_sub_explicit(&parker->state, 1, memory_order_acquire) == 1)
        return;
    do {
        (void)syscall(SYS_futex, &parker->state, FUTEX_WAIT_PRIVATE, UINT32_MAX, NULL, NULL, 0);
        woken = 1;
        // Relaxed on failure: a spurious return, nothing was handed over.
    } while (!atomic_compare_exchange_strong_explicit(&parker->state, &woken, 0,
                                                      memory_order_acquire, memory_order_relaxed));
}

static inline __attribute__((unused)) void shared_unpark(SharedParker *parker)
{
    // Release: partner is shared_park().
    if (atomic_exchange_explicit(&parker->state, 1, memory_order_release) == UINT32_MAX)
        (void)syscall(SYS_futex, &parker->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

// For drivers that schedule workers themselves (marker/mark_driver.h): returns whether the worker
// was woken, and uses the wake-up up. Not for a worker that may be in shared_park() at the same
// time.
SHARED_INLINE bool shared_parker_take(SharedParker *parker)
{
    // Acquire: partner is shared_unpark().
    if (atomic_load_explicit(&parker->state, memory_order_acquire) != 1)
        return false;
    atomic_store_explicit(&parker->state, 0, memory_order_relaxed);
    return true;
}

// Waits a moment between two loads of a cell that another worker will change soon.
SHARED_INLINE void shared_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Yields the CPU to another thread. Only a recorded mutation calls it, to fail more often:
// tests/mutants/lost_wake_up.patch.
SHARED_INLINE void shared_yield(void)
{
    (void)sched_yield();
}

// ---- clocks, for the statistics ----

SHARED_INLINE uint64_t shared_clock_ns(void)
{
    return clock_monotonic_ns();
}

SHARED_INLINE uint64_t shared_cpu_clock_ns(void)
{
    return clock_thread_ns();
}

#endif
