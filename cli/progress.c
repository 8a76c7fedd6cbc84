// Progress: see cli/progress.h.

#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_say(Progress *progress, const char *what)
{
    progress->what = what;
    progress->started_ns = progress->last_shown_ns = now_ns();
    if (!progress->is_shown)
        return;
    // Without a terminal there is nothing to overwrite: a line each.
    (void)fputs(progress->is_terminal ? "\r\033[K" : "", stderr);
    print_safely(stderr, what, strlen(what));
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
    now = now_ns();
    spent = now - progress->started_ns;
    // What takes less than half a second is not worth a look.
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
