// Copying a running process by pid: see snapshot/capture_process.h.
//
// All that needs the target to be stopped is done by a thread of its own, made for this one
// copy. A tracer is a thread in the kernel's eyes, and whatever a tracer holds when it ends is
// let go: so the target cannot stay stopped or traced, not even a thread of it that did not
// answer.

#include "snapshot/capture_process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/capture_refusal_internal.h"
#include "snapshot/page_copying_internal.h"
#include "snapshot/page_selection_internal.h"
#include "snapshot/proc_files_internal.h"
#include "snapshot/thread_registers_internal.h"
#include "snapshot/traced_threads_internal.h"

// Staging memory is sized by a look at the running target: this much more than it held then.
#define HEADROOM_SHARE 8
#define HEADROOM_BYTES (UINT64_C(8) << 20)

typedef struct CaptureJob {
    int pid;
    const CaptureCancel *cancel;
    PageSelection selection;
    StagingMemory staging;
    ProcessCopy *out;
    Error *error;
    bool is_done;
} CaptureJob;

// A task of the process that still has its memory: the first thread may have ended.
static int find_live_task(int pid)
{
    uint32_t count = 0;
    int *tids = NULL;
    int live = pid;

    if (!proc_task_list(pid, &tids, &count))
        return pid;
    for (uint32_t i = 0; i < count; i++) {
        char state = proc_task_state(pid, tids[i]);

        if (state != 0 && state != 'Z' && state != 'X') {
            live = tids[i];
            break;
        }
    }
    free(tids);
    return live;
}

static bool select_all(CaptureJob *job, int tid)
{
    ProcessCopy *out = job->out;
    PageSource source = {.pid = job->pid, .tid = tid};

    proc_mappings_free(out->mappings, out->mapping_count);
    if (!proc_mappings_read(job->pid, tid, &out->mappings, &out->mapping_count))
        return capture_refusal_explain(job->pid, errno, job->error);
    source.mappings = out->mappings;
    source.mapping_count = out->mapping_count;
    return page_selection_fill(&job->selection, &source, job->cancel, job->error);
}

// ---- while it is stopped ----

static bool collect_threads(const TracedThreads *threads, ProcessCopy *out, Error *error)
{
    out->threads = calloc(threads->count, sizeof *out->threads);
    if (out->threads == NULL)
        return error_set_memory(error, threads->count * sizeof *out->threads, "threads");
    // The table ascends by tid, but the main thread's comes first even where numbers wrapped.
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < threads->count; i++) {
            const TracedThread *thread = &threads->threads[i];
            ProcessThread *record = &out->threads[out->thread_count];

            if (thread->state != TRACED_STOPPED || (thread->tid == threads->pid) != (pass == 0))
                continue;
            record->tid = (uint32_t)thread->tid;
            memcpy(record->name, thread->name, sizeof record->name);
            if (!thread_registers_collect(thread->tid, &thread->general, record))
                return capture_refusal_explain(threads->pid, errno, error);
            out->thread_count++;
        }
    }
    return true;
}

static bool copy_memory(CaptureJob *job, int tid)
{
    ProcessCopy *out = job->out;

    if (!select_all(job, tid) ||
        !staging_memory_extend(&job->staging, job->selection.bytes, job->error) ||
        !page_copying_run(&job->selection, job->pid, tid, &job->staging, job->cancel,
                          &out->unreadable_bytes, job->error))
        return false;
    out->copied_bytes = job->selection.bytes - out->unreadable_bytes;
    return true;
}

static bool copy_while_stopped(CaptureJob *job, TracedThreads *threads)
{
    if (!traced_threads_stop(threads, job->error) ||
        !collect_threads(threads, job->out, job->error) ||
        !copy_memory(job, traced_threads_any(threads)))
        return false;
    // The memory of a process that is being killed goes piece by piece.
    if (!traced_threads_are_held(threads))
        return capture_refusal_gone(job->pid, job->error);
    return true;
}

static void *run_tracer(void *context)
{
    CaptureJob *job = context;
    TracedThreads threads;

    traced_threads_init(&threads, job->pid, job->cancel);
    job->is_done = copy_while_stopped(job, &threads);
    traced_threads_resume(&threads);
    job->out->pause_ns = (uint64_t)(threads.resumed_at_ns - threads.interrupted_at_ns);
    job->out->captured_at_ns = threads.captured_at_ns;
    traced_threads_release(&threads);
    return NULL;
}

// ---- before and after ----

// Runs the tracer and waits for it. Job control stops of this program are put off meanwhile: it
// must not go to sleep while it holds the target. The tracer and its helpers take no signals.
static bool trace(CaptureJob *job)
{
    sigset_t all, before;
    pthread_t tracer;
    int failure;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&tracer, NULL, run_tracer, job);
    if (failure == 0) {
        sigset_t waiting = before;

        (void)sigaddset(&waiting, SIGTSTP);
        (void)sigaddset(&waiting, SIGTTIN);
        (void)sigaddset(&waiting, SIGTTOU);
        (void)pthread_sigmask(SIG_SETMASK, &waiting, NULL);
        (void)pthread_join(tracer, NULL);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0)
        return error_set(job->error, ERROR_SYSTEM, "cannot start a thread: %s", strerror(failure));
    return job->is_done;
}

// After pthread_join() the kernel may still be busy ending the tracer.
static void wait_until_untraced(int pid)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    uint32_t count = 0;
    int *tids = NULL;

    if (!proc_task_list(pid, &tids, &count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        for (int polls = 0; polls < 100; polls++) {
            long tracer = proc_status_number(pid, tids[i], "TracerPid", 0);

            if (tracer == 0 || proc_task_state((int)getpid(), (int)tracer) == 0)
                break;
            (void)nanosleep(&moment, NULL);
        }
    }
    free(tids);
}

bool capture_process_copy(int pid, const CaptureCancel *cancel, ProcessCopy *out, Error *error)
{
    CaptureJob job = {.pid = pid, .cancel = cancel, .out = out, .error = error};
    bool is_ok = false;
    uint64_t bytes;
    int task;

    memset(out, 0, sizeof *out);
    out->pid = pid;
    out->method = "stop";
    if (!capture_refusal_check(pid, error))
        return false;
    task = find_live_task(pid);
    proc_executable_name(pid, task, out->executable, sizeof out->executable);
    if (!select_all(&job, task))
        goto done;
    bytes = job.selection.bytes + job.selection.bytes / HEADROOM_SHARE + HEADROOM_BYTES;
    if (!staging_memory_prepare(&job.staging, bytes, pid, cancel, error))
        goto done;
    is_ok = trace(&job);
    if (is_ok)
        staging_memory_trim(&job.staging, job.selection.bytes);
    else
        wait_until_untraced(pid);

done:
    out->ranges = job.selection.ranges;
    out->range_count = job.selection.count;
    out->staging = job.staging.base;
    out->staging_bytes = job.staging.bytes;
    if (!is_ok)
        process_copy_release(out);
    return is_ok;
}
