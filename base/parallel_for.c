// parallel_for: see base/parallel_for.h.

#include "base/parallel_for.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/machine/cpu_count.h"

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

    if (item_count <= 1)
        return 1;
    if (threads == 0)
        threads = cpu_count();
    if (threads > PARALLEL_FOR_MAX_THREADS)
        threads = PARALLEL_FOR_MAX_THREADS;
    if (threads > item_count)
        threads = (uint32_t)item_count;
    return threads;
}

uint32_t parallel_for_burst_threads(uint64_t item_count)
{
    return parallel_for_threads(cpu_count_allowed(), item_count);
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

static void work(ParallelLoop *loop, uint32_t index)
{
    uint64_t item;
    Error error;

    while (take_item(loop, &item))
        if (!loop->run(loop->context, index, item, &error))
            report_failure(loop, item, &error);
}

static void *run_worker(void *argument)
{
    const ParallelWorker *worker = argument;

    work(worker->loop, worker->index);
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

    for (; started < threads && started < PARALLEL_FOR_MAX_THREADS; started++) {
        workers[started] = (ParallelWorker){&loop, started};
        if (pthread_create(&handles[started], NULL, run_worker, &workers[started]) != 0)
            break;
    }
    work(&loop, 0);
    for (uint32_t i = 1; i < started; i++)
        (void)pthread_join(handles[i], NULL);
    (void)pthread_mutex_destroy(&loop.mutex);
    return loop.failed_item == item_count;
}

// ---- teams ----

typedef struct TeamMember {
    ParallelTeam *team;
    uint32_t index;
    pthread_t thread;
} TeamMember;

struct ParallelTeam {
    uint32_t member_count;
    TeamMember members[PARALLEL_FOR_MAX_THREADS];
    ParallelLoop loop;
    pthread_mutex_t mutex; // guards all below
    pthread_cond_t begun;
    pthread_cond_t left;
    uint64_t loop_number;
    bool is_open;    // members may still join the loop
    uint32_t active; // members in it
    bool is_over;
};

static void *run_member(void *argument)
{
    const TeamMember *member = argument;
    ParallelTeam *team = member->team;
    uint64_t seen = 0;

    (void)pthread_mutex_lock(&team->mutex);
    while (!team->is_over) {
        if (!team->is_open || team->loop_number == seen) {
            (void)pthread_cond_wait(&team->begun, &team->mutex);
            continue;
        }
        seen = team->loop_number;
        team->active++;
        (void)pthread_mutex_unlock(&team->mutex);
        work(&team->loop, member->index);
        (void)pthread_mutex_lock(&team->mutex);
        team->active--;
        (void)pthread_cond_signal(&team->left);
    }
    (void)pthread_mutex_unlock(&team->mutex);
    return NULL;
}

bool parallel_team_new(uint32_t threads, ParallelTeam **out, Error *error)
{
    ParallelTeam *team = calloc(1, sizeof *team);
    sigset_t all, before;

    *out = team;
    if (team == NULL)
        return error_set_memory(error, sizeof *team, "threads");
    (void)pthread_mutex_init(&team->mutex, NULL);
    (void)pthread_mutex_init(&team->loop.mutex, NULL);
    (void)pthread_cond_init(&team->begun, NULL);
    (void)pthread_cond_init(&team->left, NULL);
    // Signals are handled by the threads that stay, but for faults of the threads' own.
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGBUS);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 1; i < threads && i < PARALLEL_FOR_MAX_THREADS; i++) {
        TeamMember *member = &team->members[team->member_count];

        *member = (TeamMember){.team = team, .index = i};
        if (pthread_create(&member->thread, NULL, run_member, member) != 0)
            break;
        team->member_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return true;
}

void parallel_team_begin(ParallelTeam *team, uint64_t item_count, ParallelItem run, void *context,
                         Error *error)
{
    ParallelLoop *loop = &team->loop;

    (void)pthread_mutex_lock(&loop->mutex);
    loop->run = run;
    loop->context = context;
    loop->item_count = item_count;
    loop->next_item = 0;
    loop->failed_item = item_count;
    loop->error = error;
    (void)pthread_mutex_unlock(&loop->mutex);
    (void)pthread_mutex_lock(&team->mutex);
    team->loop_number++;
    team->is_open = true;
    (void)pthread_cond_broadcast(&team->begun);
    (void)pthread_mutex_unlock(&team->mutex);
}

bool parallel_team_end(ParallelTeam *team)
{
    work(&team->loop, 0);
    (void)pthread_mutex_lock(&team->mutex);
    // Members that have not joined by now are not waited for.
    team->is_open = false;
    while (team->active > 0)
        (void)pthread_cond_wait(&team->left, &team->mutex);
    (void)pthread_mutex_unlock(&team->mutex);
    return team->loop.failed_item == team->loop.item_count;
}

void parallel_team_free(ParallelTeam *team)
{
    if (team == NULL)
        return;
    (void)pthread_mutex_lock(&team->mutex);
    team->is_over = true;
    (void)pthread_cond_broadcast(&team->begun);
    (void)pthread_mutex_unlock(&team->mutex);
    for (uint32_t i = 0; i < team->member_count; i++)
        (void)pthread_join(team->members[i].thread, NULL);
    (void)pthread_cond_destroy(&team->left);
    (void)pthread_cond_destroy(&team->begun);
    (void)pthread_mutex_destroy(&team->loop.mutex);
    (void)pthread_mutex_destroy(&team->mutex);
    free(team);
}
