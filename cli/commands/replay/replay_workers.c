// Worker processes of a replay: see cli/commands/replay/replay_workers.h.
//
// A worker reads the number of a heap from a socket, and writes its result there: a ReplayHeap as
// it lies in memory, followed by its two texts. Other pointers in it are the same in both
// processes, because a worker is forked after the files were collected. A socket that ends before
// or in the middle of a result is a worker that has ended.

#include "cli/commands/replay/replay_workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parallel_for.h"
#include "cli/command.h"

// How often a signal is looked for.
#define POLL_MS 200
#define NONE UINT64_MAX

typedef struct ReplayWorker {
    pid_t pid;
    int socket;    // -1: closed
    uint64_t item; // that it replays; NONE
    uint64_t began_ns;
} ReplayWorker;

typedef struct ReplayRing {
    const ReplayWork *work;
    uint64_t next; // item to be given out
    uint64_t done;
    uint32_t count;
    ReplayWorker workers[PARALLEL_FOR_MAX_THREADS];
} ReplayRing;

// ---- sockets ----

static bool write_all(int socket, const void *bytes, size_t count)
{
    const char *at = bytes;

    while (count > 0) {
        ssize_t written = send(socket, at, count, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        count -= (size_t)written;
    }
    return true;
}

static bool read_all(int socket, void *bytes, size_t count)
{
    char *at = bytes;

    while (count > 0) {
        ssize_t got = read(socket, at, count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        count -= (size_t)got;
    }
    return true;
}

static bool write_text(int socket, const char *text)
{
    uint64_t length = text != NULL ? strlen(text) + 1 : 0;

    return write_all(socket, &length, sizeof length) && write_all(socket, text, length);
}

// *text: malloc'd, or NULL.
static bool read_text(int socket, char **text)
{
    uint64_t length;

    *text = NULL;
    if (!read_all(socket, &length, sizeof length))
        return false;
    if (length == 0)
        return true;
    *text = malloc(length);
    return *text != NULL && read_all(socket, *text, length);
}

static bool read_heap(int socket, ReplayHeap *heap)
{
    ReplayHeap got;

    if (!read_all(socket, &got, sizeof got))
        return false;
    got.text = got.again = NULL;
    if (!read_text(socket, &got.text) || !read_text(socket, &got.again)) {
        replay_heap_release(&got);
        return false;
    }
    got.record.text = got.text;
    got.record.again = got.again;
    *heap = got;
    return true;
}

// ---- a worker ----

static void serve(const ReplayWork *work, int socket)
{
    uint64_t item;
    Error error;

    while (read_all(socket, &item, sizeof item)) {
        ReplayHeap heap;
        // Interrupted: the parent knows.
        if (!replay_heap_run(&work->files->files[item], work->options, &heap, &error) ||
            !write_all(socket, &heap, sizeof heap) || !write_text(socket, heap.text) ||
            !write_text(socket, heap.again))
            return;
        replay_heap_release(&heap);
    }
}

static void run_child(const ReplayRing *ring, int socket, pid_t parent)
{
    const struct rlimit none = {0, 0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    // Else the sockets of other workers would not end with this process.
    for (uint32_t i = 0; i < ring->count; i++)
        if (ring->workers[i].socket >= 0)
            (void)close(ring->workers[i].socket);
    if (getppid() == parent)
        serve(ring->work, socket);
    // Not exit(): that would flush buffers which the parent flushes, too.
    (void)syscall(SYS_exit_group, 0);
}

static bool start_worker(ReplayRing *ring, ReplayWorker *worker, Error *error)
{
    int ends[2];
    pid_t parent = getpid();

    *worker = (ReplayWorker){.socket = -1, .item = NONE};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot make a socket: %s", strerror(errno));
    worker->pid = fork();
    if (worker->pid == 0) {
        (void)close(ends[0]);
        run_child(ring, ends[1], parent);
    }
    (void)close(ends[1]);
    worker->socket = ends[0];
    if (worker->pid > 0)
        return true;
    (void)error_set(error, ERROR_SYSTEM, "cannot start a process: %s", strerror(errno));
    (void)close(ends[0]);
    *worker = (ReplayWorker){.socket = -1, .item = NONE};
    return false;
}

// Closes the socket, and waits until the worker has ended. Returns its status.
static int end_worker(ReplayWorker *worker, bool by_force)
{
    int status = 0;

    if (worker->socket >= 0)
        (void)close(worker->socket);
    worker->socket = -1;
    if (worker->pid <= 0)
        return 0;
    if (by_force)
        (void)kill(worker->pid, SIGKILL);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    return status;
}

// ---- all of them ----

// Gives the worker the next heap, if there is one. A worker that has ended is noticed when its
// result is read.
static void give_heap(ReplayRing *ring, ReplayWorker *worker)
{
    worker->item = NONE;
    if (ring->next == ring->work->files->count)
        return;
    worker->item = ring->next++;
    worker->began_ns = clock_monotonic_ns();
    (void)write_all(worker->socket, &worker->item, sizeof worker->item);
}

static bool finish_heap(ReplayRing *ring, Error *error)
{
    ring->done++;
    return ring->work->saw_heap == NULL || ring->work->saw_heap(ring->work->context, error);
}

// The heap of a worker that has ended, or was ended, has failed; another worker takes its place.
static bool replace_worker(ReplayRing *ring, ReplayWorker *worker, bool is_late, Error *error)
{
    const ReplayWork *work = ring->work;
    uint64_t item = worker->item;
    int status = end_worker(worker, is_late);
    Error why = {.code = ERROR_SYSTEM};

    if (cancel_is_requested(&work->options->plan.cancel))
        return error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (is_late)
        (void)error_set(&why, ERROR_SYSTEM, "the replay did not end within %llu s (--timeout)",
                        (unsigned long long)(work->timeout_ns / 1000000000u));
    else if (WIFSIGNALED(status))
        (void)error_set(&why, ERROR_SYSTEM, "the replay crashed: %s (signal %d)",
                        strsignal(WTERMSIG(status)), WTERMSIG(status));
    else
        (void)error_set(&why, ERROR_SYSTEM, "the replay ended with status %d", WEXITSTATUS(status));
    replay_heap_fail(&work->files->files[item], work->options, &why, &work->heaps[item]);
    if (!finish_heap(ring, error))
        return false;
    // Without a process for it, the others do its work; see replay_workers_run().
    if (ring->next < work->files->count && start_worker(ring, worker, &why))
        give_heap(ring, worker);
    else
        worker->item = NONE;
    return true;
}

static bool is_late(const ReplayRing *ring, const ReplayWorker *worker)
{
    return ring->work->timeout_ns != 0 && worker->item != NONE &&
           clock_monotonic_ns() - worker->began_ns > ring->work->timeout_ns;
}

static bool take_results(ReplayRing *ring, Error *error)
{
    struct pollfd ends[PARALLEL_FOR_MAX_THREADS];

    for (uint32_t i = 0; i < ring->count; i++)
        ends[i] = (struct pollfd){
            .fd = ring->workers[i].item != NONE ? ring->workers[i].socket : -1, .events = POLLIN};
    bool has_some = poll(ends, ring->count, POLL_MS) > 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        ReplayWorker *worker = &ring->workers[i];
        if (!has_some || ends[i].fd < 0 || ends[i].revents == 0) {
            if (is_late(ring, worker) && !replace_worker(ring, worker, true, error))
                return false;
            continue;
        }
        if (!read_heap(worker->socket, &ring->work->heaps[worker->item])) {
            if (!replace_worker(ring, worker, false, error))
                return false;
            continue;
        }
        if (!finish_heap(ring, error))
            return false;
        give_heap(ring, worker);
    }
    return true;
}

static bool has_busy_worker(const ReplayRing *ring)
{
    for (uint32_t i = 0; i < ring->count; i++)
        if (ring->workers[i].item != NONE)
            return true;
    return false;
}

// Replays the heaps that are left in this process: the system grants no other.
static bool run_here(ReplayRing *ring, Error *error)
{
    const ReplayWork *work = ring->work;

    while (ring->next < work->files->count) {
        uint64_t item = ring->next++;

        if (!replay_heap_run(&work->files->files[item], work->options, &work->heaps[item], error) ||
            !finish_heap(ring, error))
            return false;
    }
    return true;
}

bool replay_workers_run(const ReplayWork *work, Error *error)
{
    ReplayRing ring = {.work = work};
    bool ok = true;

    // Fewer will do.
    while (ring.count < work->workers && ring.next < work->files->count &&
           start_worker(&ring, &ring.workers[ring.count], error))
        give_heap(&ring, &ring.workers[ring.count++]);
    while (ok && ring.done < work->files->count) {
        ok = has_busy_worker(&ring) ? take_results(&ring, error) : run_here(&ring, error);
        if (ok && cancel_is_requested(&work->options->plan.cancel))
            ok = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    for (uint32_t i = 0; i < ring.count; i++)
        (void)end_worker(&ring.workers[i], !ok);
    return ok;
}
