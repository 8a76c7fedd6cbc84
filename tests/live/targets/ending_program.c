// A program with a heap that ends in one of many ways, to be captured at its end (run_programs.sh).
//
//     ending_program HOW [pages=N] [threads=N] [ms=N]
//
// HOW: exit (status 7), thread-exit (another thread calls exit, status 8), main-leaves (the first
// thread ends, another one ends the process later, status 9), abort, kill (SIGKILL to itself),
// exec (becomes this program with HOW exit), thread-exec (the same from another thread), fork (a
// child ends first), term (prints its pid, waits for SIGTERM, and then ends with status 42), copy
// (copies standard input to standard output). It ends `ms` milliseconds after it started; `threads`
// others sleep meanwhile, and some come and go. All objects are reachable through a global variable
// and a chain.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

static char *own_path;
static uint8_t *volatile first_page;

static void sleep_ms(long milliseconds)
{
    struct timespec left = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static void *sleep_for_ever(void *context)
{
    for (;;)
        (void)pause();
    return context;
}

static void *come_and_go(void *context)
{
    return context;
}

static pthread_t start(void *(*body)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, NULL) != 0)
        target_fail("pthread_create");
    return thread;
}

static void become_again(void)
{
    (void)execl(own_path, own_path, "exit", "pages=3", (char *)NULL);
    target_fail("execv");
}

static void *exit_from_thread(void *context)
{
    (void)context;
    exit(8);
}

static void *exit_later(void *context)
{
    (void)context;
    sleep_ms(100);
    exit(9);
}

static void *exec_from_thread(void *context)
{
    (void)context;
    become_again();
    return NULL;
}

static void copy_input(void)
{
    char buffer[4096];
    ssize_t got;

    while ((got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
        if (write(STDOUT_FILENO, buffer, (size_t)got) != got)
            target_fail("write");
}

static void on_term(int signal_number)
{
    (void)signal_number;
    _exit(42);
}

static void wait_for_term(void)
{
    struct sigaction action = {.sa_handler = on_term};

    (void)sigaction(SIGTERM, &action, NULL);
    printf("pid %d\n", (int)getpid());
    target_announce();
    for (;;)
        (void)pause();
}

static void fork_a_child(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(3);
    (void)waitpid(child, NULL, 0);
}

static int end(const char *how)
{
    if (strcmp(how, "thread-exit") == 0)
        (void)pthread_join(start(exit_from_thread), NULL);
    else if (strcmp(how, "thread-exec") == 0)
        (void)pthread_join(start(exec_from_thread), NULL);
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "kill") == 0)
        (void)raise(SIGKILL);
    else if (strcmp(how, "exec") == 0)
        become_again();
    else if (strcmp(how, "fork") == 0)
        fork_a_child();
    else if (strcmp(how, "term") == 0)
        wait_for_term();
    else if (strcmp(how, "copy") == 0)
        copy_input();
    if (strcmp(how, "main-leaves") == 0) {
        (void)start(exit_later);
        pthread_exit(NULL);
    }
    return 7;
}

// Objects of the heap, each of which refers to the next.
static void link_objects(uint64_t pages)
{
    uint8_t *last = NULL;

    for (uint64_t page = 0; page < pages; page++)
        for (uint64_t slot = 0; slot < 39; slot++) {
            uint8_t *object = first_page + 4096 * page + 1600 + 64 * slot;
            if (last != NULL)
                memcpy(last + 48, &object, sizeof object);
            last = object;
        }
    first_page += 1600; // a reference to the first object
}

int main(int argc, char **argv)
{
    unsigned long pages = 64, threads = 0, ms = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s HOW [KEY=N...]\n", argv[0]);
        return 2;
    }
    own_path = argv[0];
    for (int i = 2; i < argc; i++)
        if (sscanf(argv[i], "pages=%lu", &pages) != 1 &&
            sscanf(argv[i], "threads=%lu", &threads) != 1 && sscanf(argv[i], "ms=%lu", &ms) != 1)
            return 2;
    first_page = target_map_heap(pages);
    link_objects(pages);
    for (unsigned long i = 0; i < threads; i++) {
        (void)start(sleep_for_ever);
        (void)pthread_join(start(come_and_go), NULL);
    }
    sleep_ms((long)ms);
    return end(argv[1]);
}
