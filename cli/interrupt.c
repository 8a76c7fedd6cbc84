// Signals: see cli/interrupt.h. These are the only mutable globals of the program: a signal handler
// gets no context.

#include "cli/interrupt.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 4

static const int handled_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

// 0: none. Relaxed accesses: nothing else is published with it. The handler writes it; threads of a
// deferring command read it.
static int pending_signal;
static volatile sig_atomic_t is_deferred;
// A path is written before its flag is set and after it is cleared.
static volatile sig_atomic_t has_file[MAX_FILES];
static char file_paths[MAX_FILES][PATH_MAX];

static void remove_files(void)
{
    for (int i = 0; i < MAX_FILES; i++)
        if (has_file[i])
            (void)unlink(file_paths[i]);
}

// Only async-signal-safe calls below.
static void die_by(int signal_number)
{
    remove_files();
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void handle_signal(int signal_number)
{
    __atomic_store_n(&pending_signal, signal_number, __ATOMIC_RELAXED);
    // Blocked while its handler runs: it takes effect on return.
    if (!is_deferred)
        die_by(signal_number);
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART};
    struct sigaction before;

    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof handled_signals / sizeof handled_signals[0]; i++) {
        if (sigaction(handled_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(handled_signals[i], &action, NULL);
    }
    // A limit on the size of files is then a write error, like a full disk.
    (void)signal(SIGXFSZ, SIG_IGN);
}

void interrupt_defer(void)
{
    is_deferred = 1;
}

void interrupt_resume(void)
{
    is_deferred = 0;
    interrupt_take_effect();
}

bool interrupt_is_pending(void *context)
{
    (void)context;
    return __atomic_load_n(&pending_signal, __ATOMIC_RELAXED) != 0;
}

void interrupt_take_effect(void)
{
    int signal_number = __atomic_load_n(&pending_signal, __ATOMIC_RELAXED);

    if (signal_number != 0)
        die_by(signal_number);
}

int interrupt_remember_file(const char *path)
{
    size_t length = strlen(path);

    for (int i = 0; i < MAX_FILES; i++) {
        if (has_file[i] || length >= sizeof file_paths[i])
            continue;
        memcpy(file_paths[i], path, length + 1);
        has_file[i] = 1;
        return i;
    }
    return -1;
}

void interrupt_forget_file(int number)
{
    if (number >= 0 && number < MAX_FILES)
        has_file[number] = 0;
}
