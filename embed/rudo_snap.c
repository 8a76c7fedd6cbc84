// The in-process capture: see embed/rudo_snap.h.
//
// The writer is a forked child, so its memory does not change. Like any child it must not disturb
// the program: it keeps no file of the program open, runs none of its signal handlers, and sends
// its result through a pipe of its own.

#include "embed/rudo_snap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "embed/declared_heap_internal.h"
#include "base/clean_text.h"
#include "snapshot/heap/layout_file.h"
#include "base/version.h"

struct rudo_snap_job {
    pid_t writer;  // 0: there is none; the result is known
    int result_fd; // the read end of the pipe to which the writer sends its result
    rudo_snap_result result;
};

const char *rudo_snap_version(void)
{
    return RUDO_SNAP_VERSION;
}

void rudo_snap_options_init(rudo_snap_options *options)
{
    *options = (rudo_snap_options){.struct_bytes = sizeof *options};
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static rudo_snap_status status_of(ErrorCode code)
{
    switch (code) {
    case ERROR_NONE:
        return RUDO_SNAP_DONE;
    case ERROR_USAGE:
        return RUDO_SNAP_USAGE;
    case ERROR_MEMORY:
        return RUDO_SNAP_MEMORY;
    case ERROR_LIMIT:
        return RUDO_SNAP_LIMIT;
    case ERROR_CORRUPT:
    case ERROR_UNSUPPORTED:
    case ERROR_NOT_64_BIT:
    case ERROR_NO_HEAP:
        return RUDO_SNAP_INVALID;
    case ERROR_SYSTEM:
    case ERROR_INTERRUPTED:
        break;
    }
    return RUDO_SNAP_SYSTEM;
}

static void set_result(rudo_snap_result *result, const Error *error)
{
    result->status = status_of(error->code);
    (void)snprintf(result->message, sizeof result->message, "%s", error->message);
}

// ---- in the writer ----

// Takes the members that the program and this version both have: the program may have been built
// for another version.
static bool take_options(const rudo_snap_options *options, rudo_snap_options *out, Error *error)
{
    size_t bytes = options == NULL ? 0 : options->struct_bytes;

    rudo_snap_options_init(out);
    if (bytes < sizeof bytes || bytes > 4096)
        return error_set(error, ERROR_USAGE,
                         "the options were not made by rudo_snap_options_init()");
    memcpy(out, options, bytes < sizeof *out ? bytes : sizeof *out);
    if (out->level < 0 || out->level > 19)
        return error_set(error, ERROR_USAGE, "there is no compression level %d", out->level);
    return true;
}

static void describe(const DeclaredHeap *heap, const rudo_snap_options *options, uint64_t pause_ns)
{
    SnapshotMetadata *metadata = &heap->details->metadata;
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    const char *name;

    path[length > 0 ? length : 0] = '\0';
    name = strrchr(path, '/');
    (void)snprintf(metadata->executable, sizeof metadata->executable, "%.255s",
                   name == NULL ? path : name + 1);
    text_clean(metadata->executable, strlen(metadata->executable), TEXT_ONE_LINE);
    (void)snprintf(metadata->tool_version, sizeof metadata->tool_version, "%s", RUDO_SNAP_VERSION);
    (void)snprintf(metadata->method, sizeof metadata->method, "in-process");
    metadata->pid = (uint32_t)getppid();
    metadata->captured_at_ns = (int64_t)now_ns(CLOCK_REALTIME);
    metadata->pause_ns = pause_ns;
    metadata->foreign_requested = metadata->foreign_mode =
        heap->contents.block_count > 0 ? FOREIGN_BLOCKS : FOREIGN_NONE;
    metadata->keeps_free_slots = options->keeps_free_slots != 0;
    for (uint64_t i = 0; i < heap->contents.run_count; i++)
        metadata->resident_bytes +=
            heap->contents.runs[i].page_count * heap->contents.layout.page_size;
}

static void write_snapshot(const char *path, const HeapLayout *layout,
                           const rudo_snap_options *options, rudo_snap_result *result)
{
    SnapshotWriteOptions write_options = {
        .level = options->level,
        .keeps_free_slots = options->keeps_free_slots != 0,
        .replaces = options->replaces != 0,
        .max_file_bytes = options->max_file_bytes,
        .redacts = options->redacts != 0,
    };
    SnapshotWriteResult written;
    DeclaredHeap heap;
    Error error = {0};

    if (declared_heap_gather(&heap, layout, options, &error)) {
        describe(&heap, options, result->pause_ns);
        if (snapshot_write(path, &heap.contents, &write_options, &written, &error)) {
            result->file_bytes = written.file_bytes;
            result->page_count = heap.pages.count;
            result->object_count = page_records_count_live(&heap.pages);
        }
    }
    declared_heap_release(&heap);
    set_result(result, &error);
}

// The program's own handlers must not run here, and a file that the program closes must not stay
// open in this copy.
static void leave_the_program(int result_fd)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef SYS_close_range
    if (result_fd > 3)
        (void)syscall(SYS_close_range, 3u, (unsigned)result_fd - 1, 0u);
    (void)syscall(SYS_close_range, (unsigned)result_fd + 1, ~0u, 0u);
#else
    (void)result_fd;
#endif
}

static _Noreturn void be_the_writer(const char *path, const HeapLayout *layout,
                                    const rudo_snap_options *options, rudo_snap_result *result,
                                    int result_fd)
{
    const char *at = (const char *)result;
    size_t left = sizeof *result;

    leave_the_program(result_fd);
    write_snapshot(path, layout, options, result);
    while (left > 0) {
        ssize_t put = write(result_fd, at, left);

        if (put < 0 && errno != EINTR)
            break;
        if (put > 0) {
            at += put;
            left -= (size_t)put;
        }
    }
    // Without the program's atexit() functions, and without flushing its streams.
    _exit(0);
}

// ---- in the program ----

// Starts the writer. False: it does not run, and `error` says why.
static bool start_writer(rudo_snap_job *job, const char *path, const HeapLayout *layout,
                         const rudo_snap_options *options, uint64_t began_ns, Error *error)
{
    sigset_t all, before;
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    // No handler of the program may run in the child before the child has reset them.
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    job->writer = fork();
    if (job->writer == 0) {
        (void)close(pipe_fds[0]);
        // The time until now; the program adds the rest to its own result.
        job->result.pause_ns = now_ns(CLOCK_MONOTONIC) - began_ns;
        be_the_writer(path, layout, options, &job->result, pipe_fds[1]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)close(pipe_fds[1]);
    if (job->writer < 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot fork: %s", strerror(errno));
        (void)close(pipe_fds[0]);
        job->writer = 0;
        return false;
    }
    job->result_fd = pipe_fds[0];
    return true;
}

static bool prepare(const char *path, const rudo_snap_options *options, rudo_snap_options *taken,
                    HeapLayout *layout, Error *error)
{
    if (path == NULL)
        return error_set(error, ERROR_USAGE, "there is no path");
    *layout = *heap_layout_rudo_gc_0_8();
    return take_options(options, taken, error) &&
           (taken->layout == NULL ||
            layout_file_parse("layout", taken->layout, strlen(taken->layout), layout, error)) &&
           snapshot_check_output(path, taken->replaces != 0, error);
}

rudo_snap_job *rudo_snap_capture(const char *path, const rudo_snap_options *options)
{
    uint64_t began_ns = now_ns(CLOCK_MONOTONIC);
    rudo_snap_job *job = calloc(1, sizeof *job);
    rudo_snap_options taken;
    HeapLayout layout;
    Error error = {0};

    if (job == NULL)
        return NULL;
    job->result_fd = -1;
    if (!prepare(path, options, &taken, &layout, &error) ||
        !start_writer(job, path, &layout, &taken, began_ns, &error))
        set_result(&job->result, &error);
    job->result.pause_ns = now_ns(CLOCK_MONOTONIC) - began_ns;
    return job;
}

int rudo_snap_is_done(rudo_snap_job *job)
{
    struct pollfd end = {.events = POLLIN};

    if (job == NULL || job->writer == 0)
        return 1;
    end.fd = job->result_fd;
    // Readable: a result, or the end of the pipe because the writer ended.
    return poll(&end, 1, 0) != 0;
}

// Reads the result that the writer sent. False: it ended without sending one.
static bool read_result(const rudo_snap_job *job, rudo_snap_result *result)
{
    char *at = (char *)result;
    size_t left = sizeof *result;

    while (left > 0) {
        ssize_t got = read(job->result_fd, at, left);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        left -= (size_t)got;
    }
    return true;
}

static void take_result(rudo_snap_job *job)
{
    uint64_t pause_ns = job->result.pause_ns;
    rudo_snap_result sent;
    int status = 0;
    bool has_result = read_result(job, &sent);
    pid_t reaped;

    while ((reaped = waitpid(job->writer, &status, 0)) < 0 && errno == EINTR)
        continue;
    if (has_result) {
        job->result = sent;
    } else {
        job->result.status = RUDO_SNAP_SYSTEM;
        if (reaped == job->writer && WIFSIGNALED(status))
            (void)snprintf(job->result.message, sizeof job->result.message,
                           "the writer was ended by signal %d (%s)", WTERMSIG(status),
                           WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS
                               ? "a declared page, root or block is not mapped?"
                               : "there is no snapshot");
        else
            (void)snprintf(job->result.message, sizeof job->result.message,
                           "the writer ended without a result");
    }
    job->result.pause_ns = pause_ns;
}

rudo_snap_status rudo_snap_wait(rudo_snap_job *job, rudo_snap_result *result)
{
    rudo_snap_status status;

    if (job == NULL) {
        if (result != NULL)
            *result = (rudo_snap_result){.status = RUDO_SNAP_MEMORY, .message = "no memory"};
        return RUDO_SNAP_MEMORY;
    }
    if (job->writer != 0) {
        take_result(job);
        (void)close(job->result_fd);
    }
    status = job->result.status;
    if (result != NULL)
        *result = job->result;
    free(job);
    return status;
}
