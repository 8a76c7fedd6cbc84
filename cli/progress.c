// Progress: see cli/progress.h.

#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/terminal.h"

const OptionChoice progress_choices[] = {
    {"never", PROGRESS_NEVER}, {"always", PROGRESS_ALWAYS}, {"auto", PROGRESS_AUTO}, {NULL, 0}};

void progress_init(Progress *progress, ProgressMode mode)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;

    *progress =
        (Progress){.is_terminal = is_terminal,
                   .is_shown = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && is_terminal)};
}

void progress_say(Progress *progress, const char *what)
{
    progress->what = what;
    progress->started_ns = progress->last_shown_ns = clock_monotonic_ns();
    if (!progress->is_shown)
        return;
    // Not on a terminal, each step has a line of its own.
    (void)fputs(progress->is_terminal ? "\r\033[K" : "", stderr);
    print_text(stderr, what);
    (void)fputs(progress->is_terminal ? " ..." : " ...\n", stderr);
    (void)fflush(stderr);
    progress->has_line = true;
}

void progress_tell(void *context, uint64_t done, uint64_t whole)
{
    Progress *progress = context;
    uint64_t now, spent;
    char rest[NUMBER_CHARS];

    if (!progress->is_shown || !progress->is_terminal || done == 0 || whole == 0 || done > whole)
        return;
    now = clock_monotonic_ns();
    spent = now - progress->started_ns;
    // Steps of less than half a second need no estimate.
    if (now - progress->last_shown_ns < 200000000u || spent < 500000000u)
        return;
    progress->last_shown_ns = now;
    (void)fprintf(
        stderr, "\r\033[K%s ... %.0f %%, about %s left", progress->what,
        100 * (double)done / (double)whole,
        format_time(rest, (uint64_t)((double)spent / (double)done * (double)(whole - done))));
    (void)fflush(stderr);
    progress->has_line = true;
}

void progress_end(Progress *progress)
{
    if (progress->has_line && progress->is_terminal) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    progress->has_line = false;
}
