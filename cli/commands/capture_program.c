// `rudo-snap capture -- PROGRAM`: see cli/commands/capture_program.h.
//
// The program has the terminal, standard input and output, and the environment that it would have
// without rudo-snap. Signals that another process sends to rudo-snap are forwarded; the terminal
// sends its own to both. rudo-snap always waits for the program, and ends with its exit status.

#include "cli/commands/capture_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/capture_notes.h"
#include "cli/commands/capture_summary.h"
#include "cli/commands/snapshot_series.h"
#include "snapshot/capture/live/exit_watch.h"

#define NEVER INT64_MAX
// The interval between checks for further threads, while some are held at their exit.
#define HOLDING_POLL_NS INT64_C(5000000)

static const int waited_signals[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

typedef struct ProgramRun {
    const ProgramCapture *capture;
    pid_t pid;
    ExitWatch *watch; // NULL unless it is captured at its end
    sigset_t waited;
    sigset_t mask_before; // which the program gets
    int64_t started_ns;
    int64_t next_ns; // when the next snapshot is due; monotonic
    uint32_t snapshot_count;
    uint32_t last_number; // of an earlier run's snapshots in the same series
    bool has_ended;
    int wait_status;
    ExitStatus failure; // highest of all snapshots
} ProgramRun;

// CLOCK_MONOTONIC, as the times in a ProgramRun are.
static int64_t now_ns(void)
{
    return (int64_t)clock_monotonic_ns();
}

static void fail(ProgramRun *run, const Error *error)
{
    ExitStatus status = report_error(error);

    if (status > run->failure)
        run->failure = status;
}

static bool is_series(const ProgramCapture *capture)
{
    return capture->moment == CAPTURE_EVERY || capture->moment == CAPTURE_ON_SIGNAL;
}

// ---- the end of the program ----

static void note_end(ProgramRun *run, pid_t pid, int status)
{
    if (pid != run->pid || WIFSTOPPED(status) || WIFCONTINUED(status))
        return;
    run->has_ended = true;
    run->wait_status = status;
}

static void reap(ProgramRun *run)
{
    int status;
    pid_t pid;

    if (run->watch == NULL) {
        if (waitpid(run->pid, &status, WNOHANG) == run->pid)
            note_end(run, run->pid, status);
        return;
    }
    while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
        exit_watch_handle(run->watch, pid, status);
        note_end(run, pid, status);
    }
}

// ---- snapshots ----

static bool take_snapshot(ProgramRun *run, const char *path, CaptureSummary *summary, Error *error)
{
    if (run->watch != NULL)
        return capture_exiting(run->watch, path, run->capture->how, summary, error);
    return capture_process(run->pid, path, run->capture->how, summary, error);
}

static void take(ProgramRun *run)
{
    const ProgramCapture *capture = run->capture;
    char path[PATH_MAX];
    CaptureSummary summary;
    Error error;

    run->snapshot_count++;
    if (is_series(capture)) {
        if (!series_path(capture->output, run->last_number + run->snapshot_count, path,
                         sizeof path)) {
            (void)error_set(&error, ERROR_USAGE, "the file name '%s' is too long", capture->output);
            fail(run, &error);
            return;
        }
    } else {
        (void)snprintf(path, sizeof path, "%s", capture->output);
    }
    if (!take_snapshot(run, path, &summary, &error)) {
        // The interval may expire while the program is ending: not an error.
        reap(run);
        if (capture->moment == CAPTURE_EVERY && run->has_ended && error.code == ERROR_SYSTEM)
            run->snapshot_count--;
        else
            fail(run, &error);
    } else {
        print_layout_warning(stderr, summary.metadata.references_overlooked, summary.layout);
        print_root_warning(stderr, &summary.metadata);
        if (capture->is_quiet)
            return;
        if (is_series(capture))
            print_capture_line(stderr, path, &summary);
        else
            print_capture_summary(stderr, path, &summary);
    }
    (void)fflush(stderr);
}

// ---- starting ----

// In the child. Waits until the parent is ready, then executes the program, or reports why it
// cannot.
static _Noreturn void become_program(const ProgramRun *run, int start, int failure)
{
    const ProgramCapture *capture = run->capture;
    char **arguments = calloc((size_t)capture->argument_count + 1, sizeof *arguments);
    char go;
    int reason;

    // Where only ancestors may trace, this lets the processes that rudo-snap starts trace it, too.
    (void)prctl(PR_SET_PTRACER, (unsigned long)getppid(), 0, 0, 0);
    if (read(start, &go, sizeof go) != (ssize_t)sizeof go)
        _exit(EXIT_STATUS_SYSTEM);
    if (arguments != NULL) {
        memcpy(arguments, capture->arguments, (size_t)capture->argument_count * sizeof *arguments);
        (void)sigprocmask(SIG_SETMASK, &run->mask_before, NULL);
        (void)execvp(arguments[0], arguments);
    }
    reason = errno;
    (void)!write(failure, &reason, sizeof reason);
    _exit(EXIT_STATUS_SYSTEM);
}

// Lets the child continue, and waits for its exec. False: it failed.
static bool let_it_start(const ProgramRun *run, int start, int failure, Error *error)
{
    const char *name = run->capture->arguments[0];
    int reason = 0;
    ssize_t got;

    if (write(start, "", 1) != 1)
        return error_set(error, ERROR_SYSTEM, "cannot start '%s': %s", name, strerror(errno));
    // The other end closes when the exec has worked.
    while ((got = read(failure, &reason, sizeof reason)) < 0 && errno == EINTR)
        continue;
    if (got != (ssize_t)sizeof reason)
        return true;
    (void)error_set(error, ERROR_SYSTEM, "cannot run '%s': %s", name, strerror(reason));
    if (reason == ENOENT && strspn(name, "0123456789") == strlen(name))
        return error_add_hint(error, "did you mean --pid %s?", name);
    return false;
}

static void close_pair(const int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            (void)close(pair[i]);
}

static bool start_program(ProgramRun *run, Error *error)
{
    int start[2] = {-1, -1}, failure[2] = {-1, -1};
    bool is_ok = false;

    if (pipe2(start, O_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0 || (run->pid = fork()) < 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot start '%s': %s", run->capture->arguments[0],
                        strerror(errno));
        goto done;
    }
    if (run->pid == 0) {
        (void)close(start[1]);
        become_program(run, start[0], failure[1]);
    }
    (void)close(failure[1]);
    failure[1] = -1;
    is_ok =
        (run->capture->moment != CAPTURE_AT_EXIT || exit_watch_new(run->pid, &run->watch, error)) &&
        let_it_start(run, start[1], failure[0], error);
    if (!is_ok) {
        exit_watch_free(run->watch);
        run->watch = NULL;
        (void)kill(run->pid, SIGKILL);
        (void)waitpid(run->pid, NULL, 0);
    }

done:
    close_pair(start);
    close_pair(failure);
    return is_ok;
}

// ---- while it runs ----

static void capture_if_ending(ProgramRun *run)
{
    if (run->watch == NULL || !exit_watch_is_over(run->watch))
        return;
    take(run);
    exit_watch_release(run->watch);
}

static void take_when_due(ProgramRun *run)
{
    const ProgramCapture *capture = run->capture;
    int64_t now = now_ns();

    if (now < run->next_ns)
        return;
    take(run);
    if (capture->moment != CAPTURE_EVERY) {
        run->next_ns = NEVER;
        return;
    }
    // Intervals that expired while the last snapshot was written are skipped.
    now = now_ns();
    run->next_ns += ((now - run->next_ns) / capture->interval_ns + 1) * capture->interval_ns;
}

static void handle_signal(ProgramRun *run, const siginfo_t *info)
{
    const ProgramCapture *capture = run->capture;

    if (info->si_signo == SIGCHLD)
        return; // reap() collects the child
    if (capture->moment == CAPTURE_ON_SIGNAL && info->si_signo == capture->signal_number)
        take(run);
    else if (info->si_code != SI_KERNEL)
        // The terminal's signals go to its whole foreground group, the program included.
        (void)kill(run->pid, info->si_signo);
}

// Waits for a signal, for the next snapshot to be due, or for the next check of held threads.
static void wait_for_something(ProgramRun *run)
{
    int64_t left = run->next_ns == NEVER ? NEVER : run->next_ns - now_ns();
    struct timespec limit;
    siginfo_t info;
    int signal_number;

    if (run->watch != NULL && exit_watch_is_holding(run->watch) && left > HOLDING_POLL_NS)
        left = HOLDING_POLL_NS;
    if (left < 0)
        left = 0;
    if (left == NEVER) {
        signal_number = sigwaitinfo(&run->waited, &info);
    } else {
        limit.tv_sec = (time_t)(left / 1000000000);
        limit.tv_nsec = (long)(left % 1000000000);
        signal_number = sigtimedwait(&run->waited, &info, &limit);
    }
    if (signal_number > 0)
        handle_signal(run, &info);
}

static void check_outcome(ProgramRun *run)
{
    const ProgramCapture *capture = run->capture;
    Error error;

    // With --on-signal, it is not an error when no signal came.
    if (run->snapshot_count > 0 || capture->moment == CAPTURE_ON_SIGNAL)
        return;
    if (capture->moment == CAPTURE_AT_EXIT)
        (void)error_set(&error, ERROR_SYSTEM,
                        "'%s' (pid %d) was gone before it could be captured at its end",
                        capture->arguments[0], (int)run->pid);
    else
        (void)error_set(&error, ERROR_SYSTEM, "'%s' (pid %d) ended before the first snapshot",
                        capture->arguments[0], (int)run->pid);
    fail(run, &error);
}

static int status_of(const ProgramRun *run)
{
    if (run->failure != EXIT_STATUS_DONE)
        return (int)run->failure;
    if (WIFSIGNALED(run->wait_status))
        return 128 + WTERMSIG(run->wait_status);
    return WEXITSTATUS(run->wait_status);
}

// Can the snapshots be written? Checked before a program runs for hours in vain.
static bool check_output(ProgramRun *run, Error *error)
{
    const ProgramCapture *capture = run->capture;
    char path[PATH_MAX];

    if (!is_series(capture))
        return snapshot_check_output(capture->output, capture->how->write.replaces, error);
    if (!series_last(capture->output, &run->last_number, error))
        return false;
    if (!series_path(capture->output, run->last_number + 1, path, sizeof path))
        return error_set(error, ERROR_USAGE, "the file name '%s' is too long", capture->output);
    return snapshot_check_output(path, false, error);
}

int capture_program_run(const ProgramCapture *capture)
{
    ProgramRun run = {.capture = capture, .next_ns = NEVER};
    Error error;

    if (!check_output(&run, &error))
        return (int)report_error(&error);
    (void)sigemptyset(&run.waited);
    for (size_t i = 0; i < sizeof waited_signals / sizeof waited_signals[0]; i++)
        (void)sigaddset(&run.waited, waited_signals[i]);
    (void)sigprocmask(SIG_BLOCK, &run.waited, &run.mask_before);
    if (!start_program(&run, &error)) {
        (void)sigprocmask(SIG_SETMASK, &run.mask_before, NULL);
        return (int)report_error(&error);
    }
    run.started_ns = now_ns();
    if (capture->moment == CAPTURE_AFTER || capture->moment == CAPTURE_EVERY)
        run.next_ns = run.started_ns + capture->interval_ns;
    while (!run.has_ended) {
        wait_for_something(&run);
        reap(&run);
        capture_if_ending(&run);
        if (!run.has_ended)
            take_when_due(&run);
    }
    exit_watch_free(run.watch);
    check_outcome(&run);
    (void)sigprocmask(SIG_SETMASK, &run.mask_before, NULL);
    return status_of(&run);
}
