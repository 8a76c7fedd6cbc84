// capture_writer: a process with a heap whose threads write pages at a given rate, to be captured
// by the benchmark (bench_capture.py).
//
//     capture_writer FILE MIB WRITES THREADS [huge]
//
// WRITES a second, by all threads together: 95 of 100 go to a tenth of the pages, one word each.
// FILE gets three 64-bit numbers that live: how many writes there were; the longest time that
// passed between two turns of any thread, in ns, which the measuring program sets to zero; and how
// long the last fork took, in ns: at each SIGUSR1 the process forks, for a child that ends at once.
// A turn is due every millisecond, and late by what the thread was kept from running. Prints
// "ready".

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"
#include "tests/support/xorshift.h"

#define PAGE_BYTES 4096u
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 // Linux 6.1
#endif
#define TURN_NS INT64_C(1000000)

typedef struct Figures {
    _Atomic uint64_t writes;
    _Atomic int64_t longest_ns;
    _Atomic int64_t fork_ns;
} Figures;

static Figures *figures;
static uint8_t *heap;
static uint64_t pages;
static double writes_per_turn;

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note_gap(int64_t gap)
{
    int64_t longest = atomic_load_explicit(&figures->longest_ns, memory_order_relaxed);

    // Relaxed: a figure by itself.
    while (gap > longest &&
           !atomic_compare_exchange_weak_explicit(&figures->longest_ns, &longest, gap,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

static void write_page(Xorshift *random)
{
    uint64_t hot = pages / 10, page;

    if (xorshift_next(random) % 100 < 95)
        page = xorshift_next(random) % hot * 10;
    else
        page = xorshift_next(random) % pages;
    // Behind the page's header: a word of an object.
    *(volatile uint64_t *)(void *)(heap + page * PAGE_BYTES + PAGE_BYTES - 8) =
        xorshift_next(random);
}

static void *write_for_ever(void *context)
{
    Xorshift random = xorshift_seeded(1 + (uint64_t)(uintptr_t)context);
    const struct timespec turn = {.tv_nsec = TURN_NS};
    int64_t before = now_ns(), due = before;
    double owed = 0;

    for (;;) {
        uint64_t writes;
        int64_t now;

        (void)nanosleep(&turn, NULL);
        now = now_ns();
        note_gap(now - before);
        before = now;
        // Missed writes are made up for, so that the rate is kept; but not more than a second.
        for (; due < now; due += TURN_NS)
            owed += writes_per_turn;
        if (owed > writes_per_turn * 1000)
            owed = writes_per_turn * 1000;
        writes = (uint64_t)owed;
        owed -= (double)writes;
        for (uint64_t i = 0; i < writes; i++)
            write_page(&random);
        (void)atomic_fetch_add_explicit(&figures->writes, writes, memory_order_relaxed);
    }
    return NULL;
}

static void fork_once(void)
{
    int64_t since = now_ns();
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    atomic_store_explicit(&figures->fork_ns, now_ns() - since, memory_order_relaxed);
    (void)waitpid(child, NULL, 0);
}

static void map_figures(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || ftruncate(fd, sizeof *figures) != 0)
        target_fail(path);
    figures = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (figures == MAP_FAILED)
        target_fail("mmap");
    (void)close(fd);
}

int main(int argc, char **argv)
{
    unsigned long threads;
    sigset_t forking;

    if (argc < 5) {
        fprintf(stderr, "usage: %s FILE MIB WRITES THREADS [huge]\n", argv[0]);
        return 2;
    }
    map_figures(argv[1]);
    pages = strtoull(argv[2], NULL, 10) * 256;
    threads = strtoul(argv[4], NULL, 10);
    if (pages == 0 || threads == 0)
        return 2;
    writes_per_turn = strtod(argv[3], NULL) / (double)threads / 1000;
    heap = target_map_heap(pages);
    if (argc > 5)
        (void)madvise(heap, pages * PAGE_BYTES, MADV_COLLAPSE);
    (void)sigemptyset(&forking);
    (void)sigaddset(&forking, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &forking, NULL);
    for (unsigned long i = 0; i < threads; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, write_for_ever, (void *)(uintptr_t)i) != 0)
            target_fail("pthread_create");
    }
    target_announce();
    for (;;)
        if (sigwaitinfo(&forking, NULL) == SIGUSR1)
            fork_once();
}
