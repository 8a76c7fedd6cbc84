// Progress: see cli/progress.h.

#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
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

void progress_say(Progress *progress, const char *what)
{
    if (!progress->is_shown)
        return;
    // Without a terminal there is nothing to overwrite: a line each.
    (void)fputs(progress->is_terminal ? "\r\033[K" : "", stderr);
    print_safely(stderr, what, strlen(what));
    (void)fputs(progress->is_terminal ? " ..." : " ...\n", stderr);
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
