// parallel_for: see snapshot/parallel_for.h.

#include "snapshot/parallel_for.h"

#include <pthread.h>
#include <sched.h>

typedef struct ParallelLoop {
    ParallelItem run;
    void *context;
    uint64_t item_count;
    pthread_mutex_t mutex; // guards all below
    uint64_t next_item;
    uint64_t failed_item; // the lowest; item_count: none
    Error *error;         // of failed_item
} ParallelLoop;

typedef struct ParallelWorker {
    ParallelLoop *loop;
    uint32_t index;
} ParallelWorker;

uint32_t parallel_for_threads(uint32_t wanted, uint64_t item_count)
{
    uint32_t threads = wanted;
    cpu_set_t cpus;

    if (threads == 0) {
        CPU_ZERO(&cpus);
        if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
            threads = (uint32_t)CPU_COUNT(&cpus);
        else
            threads = PARALLEL_FOR_MAX_THREADS; // more CPUs than the set has room for
    }
    if (threads > PARALLEL_FOR_MAX_THREADS)
        threads = PARALLEL_FOR_MAX_THREADS;
    if (threads > item_count)
        threads = (uint32_t)item_count;
    return threads > 0 ? threads : 1;
}

static bool take_item(ParallelLoop *loop, uint64_t *item)
{
    bool is_taken;

    (void)pthread_mutex_lock(&loop->mutex);
    is_taken = loop->failed_item == loop->item_count && loop->next_item < loop->item_count;
    if (is_taken)
        *item = loop->next_item++;
    (void)pthread_mutex_unlock(&loop->mutex);
    return is_taken;
}

static void report_failure(ParallelLoop *loop, uint64_t item, const Error *error)
{
    (void)pthread_mutex_lock(&loop->mutex);
    if (item < loop->failed_item) {
        loop->failed_item = item;
        *loop->error = *error;
    }
    (void)pthread_mutex_unlock(&loop->mutex);
}

static void *work(void *argument)
{
    const ParallelWorker *worker = argument;
    ParallelLoop *loop = worker->loop;
    uint64_t item;
    Error error;

    while (take_item(loop, &item))
        if (!loop->run(loop->context, worker->index, item, &error))
            report_failure(loop, item, &error);
    return NULL;
}

bool parallel_for(uint64_t item_count, uint32_t threads, ParallelItem run, void *context,
                  Error *error)
{
    ParallelLoop loop = {.run = run,
                         .context = context,
                         .item_count = item_count,
                         .failed_item = item_count,
                         .error = error,
                         .mutex = PTHREAD_MUTEX_INITIALIZER};
    ParallelWorker workers[PARALLEL_FOR_MAX_THREADS];
    pthread_t handles[PARALLEL_FOR_MAX_THREADS];
    uint32_t started = 1;

    workers[0] = (ParallelWorker){&loop, 0};
    for (; started < threads && started < PARALLEL_FOR_MAX_THREADS; started++) {
        workers[started] = (ParallelWorker){&loop, started};
        if (pthread_create(&handles[started], NULL, work, &workers[started]) != 0)
            break;
    }
    (void)work(&workers[0]);
    for (uint32_t i = 1; i < started; i++)
        (void)pthread_join(handles[i], NULL);
    (void)pthread_mutex_destroy(&loop.mutex);
    return loop.failed_item == item_count;
}
