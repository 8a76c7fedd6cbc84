// Notices the traces of a fork, and has memory that does not fork (forked_capture.sh).
//
//     watches_forks HEARTBEAT PAGES
//
// One chain of objects goes through PAGES pages of plain memory, as many under MADV_DONTFORK and as
// many under MADV_WIPEONFORK, from page to page in turn, and begins in a global variable. Prints
// "ready"; upon SIGTERM the last line is
//
//     sigchld S children C locks L
//
// with the number of SIGCHLDs, of children that wait() returned, and of locks on a file that were
// still held after its last close.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/heap/heap_layout.h"
#include "tests/support/target.h"

#define PAGE 4096u
#define BLOCK 64u

static uint64_t sigchld_count, child_count, lock_count;
static volatile uint64_t chain; // the root

static void count_signal(int signal)
{
    (void)signal;
    __atomic_fetch_add(&sigchld_count, 1, __ATOMIC_RELAXED);
}

// Relaxed throughout: each counter has one writer, and is read at the end.
static void *look_for_children(void *context)
{
    const struct timespec moment = {.tv_nsec = 500000};

    (void)context;
    for (;;) {
        if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD)
            __atomic_fetch_add(&child_count, 1, __ATOMIC_RELAXED);
        (void)nanosleep(&moment, NULL);
    }
    return NULL;
}

// A fork that kept the file open would keep its lock.
static void *lock_and_close(void *context)
{
    const struct timespec moment = {.tv_nsec = 500000};
    const char *path = context;

    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            target_fail(path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            __atomic_fetch_add(&lock_count, 1, __ATOMIC_RELAXED);
        (void)nanosleep(&moment, NULL);
        (void)close(fd);
    }
    return NULL;
}

static uint64_t *next_of(uint8_t *page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    return (uint64_t *)(void *)(page + heap_layout_small_header_size(layout, BLOCK) +
                                layout->object_header_bytes);
}

static uint64_t object_in(uint8_t *page)
{
    return (uint64_t)(uintptr_t)page +
           heap_layout_small_header_size(heap_layout_rudo_gc_0_8(), BLOCK);
}

static void start(void *(*run)(void *), void *context)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, context) != 0)
        target_fail("pthread_create");
}

int main(int argc, char **argv)
{
    uint64_t pages = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint8_t *heaps[3];
    sigset_t ending;
    int signal_number;

    if (pages == 0)
        return 2;
    for (int kind = 0; kind < 3; kind++)
        heaps[kind] = target_map_heap(pages);
    if (madvise(heaps[1], pages * PAGE, MADV_DONTFORK) != 0 ||
        madvise(heaps[2], pages * PAGE, MADV_WIPEONFORK) != 0)
        target_fail("madvise");
    for (uint64_t i = pages; i-- > 0;)
        for (int kind = 0; kind < 3; kind++) {
            *next_of(heaps[kind] + i * PAGE) = chain;
            chain = object_in(heaps[kind] + i * PAGE);
        }
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    (void)signal(SIGCHLD, count_signal);
    target_start_heartbeat(argv[1]);
    start(look_for_children, NULL);
    start(lock_and_close, argv[1]);
    target_announce();
    (void)sigwait(&ending, &signal_number);
    printf("sigchld %llu children %llu locks %llu\n", (unsigned long long)sigchld_count,
           (unsigned long long)child_count, (unsigned long long)lock_count);
    return 0;
}
