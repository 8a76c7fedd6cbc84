// c-heap: a program whose heap is worth capturing on a machine with nothing but C.
//
// Several threads fill their heaps, come to rest, and hold their graphs in
// different ways: on the stack, in thread-local storage, in a global variable,
// and by a pointer into the middle of an object. Then the program prints the
// truth about its heap as one line of JSON and waits to be captured.

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "c_heap.h"
#include "graph_builder.h"
#include "heap_snapshot.h"

#define MAX_THREADS 64
#define ROOTS_PER_THREAD 2
#define SCRUBBED_STACK_BYTES (256 * 1024)

typedef struct Options {
    uint64_t threads;
    uint64_t objects;
    uint64_t garbage;
    uint64_t zombies;
    uint64_t seed;
    uint64_t seconds;
    const char *snapshot; // where to write one ourselves, or NULL
    bool redacts;         // that one
} Options;

typedef struct Worker {
    uint64_t index;
    const Options *options;
    CHeap *heap;
    GraphTally tally;
} Worker;

// Every thread waits here, the main thread too, after each of its steps.
static pthread_barrier_t step;

// Between two steps only: what a thread leaves for the next one.
static Node *parcels[MAX_THREADS];
// Until the truth is known: all roots.
static void *known_roots[MAX_THREADS * ROOTS_PER_THREAD];

// Two of the four ways to hold a graph; the others are on the stack. Volatile, because nothing
// ever reads them and the compiler would leave them out.
static Node *volatile global_roots[MAX_THREADS];
static _Thread_local Node *volatile thread_root;
typedef enum Hold { HOLD_ON_STACK, HOLD_THREAD_LOCAL, HOLD_GLOBAL, HOLD_INTERIOR, HOLDS } Hold;

static void next_step(void)
{
    pthread_barrier_wait(&step);
}

// Overwrites the dead part of the stack and the registers that struct copies went through, so
// that what the building functions left there does not hold the graphs in their roots' stead.
static __attribute__((noinline)) void scrub_leftovers(void)
{
    char area[SCRUBBED_STACK_BYTES];
    memset(area, 0, sizeof area);
    __asm__ volatile("" : : "r"(area) : "memory");
#ifdef __x86_64__
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
                     "pxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
                     "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\t"
                     "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
#endif
}

// Takes over the parcel of the next thread, so that only this thread's graph holds it.
static __attribute__((noinline)) void exchange_parcels(const Worker *worker, Node *root)
{
    uint64_t next = (worker->index + 1) % worker->options->threads;
    c_heap_set(root, &root->peer, parcels[next]);
    c_heap_release(parcels[next]);
    parcels[next] = NULL;
}

static __attribute__((noinline)) Graph build(Worker *worker)
{
    const Options *options = worker->options;
    GraphSizes sizes = {
        .live = options->objects,
        .garbage = options->garbage,
        .zombies = options->zombies,
        .seed = options->seed + worker->index,
    };
    Graph graph = graph_build(worker->heap, &sizes, &worker->tally);
    parcels[worker->index] = graph.parcel;
    graph.parcel = NULL;
    next_step();
    exchange_parcels(worker, graph.root);
    known_roots[worker->index * ROOTS_PER_THREAD] = graph.root;
    known_roots[worker->index * ROOTS_PER_THREAD + 1] = graph.cursor_target;
    return graph;
}

// Volatile: the memory of a thread must hold this reference, and no other place.
typedef struct Held {
    Node *volatile root;
    char *volatile inside_root;
    char *volatile cursor;
} Held;

// In a frame of its own, which is gone when the thread waits.
static __attribute__((noinline)) void build_and_hold(Worker *worker, Held *held)
{
    Graph graph = build(worker);
    // Far enough inside that no word near it is the start of the object.
    held->cursor = (char *)graph.cursor_target + 1000;
    switch ((Hold)(worker->index % HOLDS)) {
    case HOLD_THREAD_LOCAL:
        thread_root = graph.root;
        break;
    case HOLD_GLOBAL:
        global_roots[worker->index] = graph.root;
        break;
    case HOLD_INTERIOR:
        held->inside_root = (char *)&graph.root->id;
        break;
    default:
        held->root = graph.root;
        break;
    }
}

static void *worker_run(void *argument)
{
    Held held = {0};
    build_and_hold(argument, &held);
    next_step();
    scrub_leftovers();
    next_step();
    for (;;)
        pause();
    return NULL;
}

typedef struct Truth {
    CHeapCounts counts;
    GraphTally tally;
    uint64_t reachable;
    uint64_t minor_reachable;
} Truth;

// The counts of the pages, of precise marking, and of the plan must agree.
static __attribute__((noinline)) Truth find_truth(const Worker *workers, const Options *options)
{
    uint64_t threads = options->threads;
    Truth truth = {0};
    CHeap *heaps[MAX_THREADS];
    for (uint64_t t = 0; t < threads; t++) {
        heaps[t] = workers[t].heap;
        c_heap_count(heaps[t], &truth.counts);
        truth.tally.live += workers[t].tally.live;
        truth.tally.garbage += workers[t].tally.garbage;
        truth.tally.zombies += workers[t].tally.zombies;
        truth.tally.held_by_old_garbage += workers[t].tally.held_by_old_garbage;
    }
    size_t roots = threads * ROOTS_PER_THREAD;
    truth.minor_reachable = c_heap_mark(heaps, threads, known_roots, roots, true);
    truth.reachable = c_heap_mark(heaps, threads, known_roots, roots, false);
    // The other threads wait at the barrier: this is a safepoint.
    if (options->snapshot != NULL &&
        !heap_snapshot(options->snapshot, heaps, threads, known_roots, roots, options->redacts))
        exit(1);
    memset(known_roots, 0, sizeof known_roots);
    if (truth.reachable != truth.tally.live || truth.counts.dead != truth.tally.zombies ||
        truth.counts.allocated - truth.counts.dead - truth.reachable != truth.tally.garbage) {
        fputs("c-heap: the heap is not what it was meant to be\n", stderr);
        exit(1);
    }
    return truth;
}

static bool print_truth(const Options *options, const Truth *truth)
{
    uint64_t objects = truth->counts.allocated - truth->counts.dead;
    printf("{\"program\":\"c-heap\",\"pid\":%d,\"threads\":%" PRIu64 ",\"seed\":%" PRIu64
           ",\"allocated\":%" PRIu64 ",\"zombies\":%" PRIu64 ",\"objects\":%" PRIu64
           ",\"reachable\":%" PRIu64 ",\"garbage\":%" PRIu64 ",\"large_objects\":%" PRIu64
           ",\"object_bytes\":%" PRIu64 ",\"young_objects\":%" PRIu64
           ",\"minor_reachable\":%" PRIu64 "}\n",
           getpid(), options->threads, options->seed, truth->counts.allocated, truth->counts.dead,
           objects, truth->reachable, objects - truth->reachable, truth->counts.large,
           truth->counts.bytes, truth->counts.young, truth->minor_reachable);
    return fflush(stdout) == 0;
}

static void wait_seconds(uint64_t seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static void usage(void)
{
    fputs("usage: c-heap [--threads N] [--objects N] [--garbage N] [--zombies N] [--seed N]\n"
          "              [--seconds N] [--snapshot FILE] [--redact]\n"
          "\n"
          "  --threads N  threads that allocate, 1 to 64 (default 4)\n"
          "  --objects N  reachable objects a thread, about (default 50000)\n"
          "  --garbage N  objects in dead cycles a thread (default 5000)\n"
          "  --zombies N  dropped objects a thread (default 2500)\n"
          "  --seed N     seed of the random shape (default 1)\n"
          "  --seconds N  how long to wait for a capture (default 3600)\n"
          "  --snapshot FILE  write a snapshot of the heap, with exact roots and types\n"
          "  --redact     leave the data out of it\n",
          stdout);
}

static bool options_read(int argc, char **argv, Options *options)
{
    static const struct option names[] = {
        {"threads", required_argument, NULL, 't'},  {"objects", required_argument, NULL, 'o'},
        {"garbage", required_argument, NULL, 'g'},  {"zombies", required_argument, NULL, 'z'},
        {"seed", required_argument, NULL, 's'},     {"seconds", required_argument, NULL, 'w'},
        {"snapshot", required_argument, NULL, 'f'}, {"redact", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int name;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        char *end = NULL;
        uint64_t value = optarg != NULL ? strtoull(optarg, &end, 10) : 0;
        if (name == 'h') {
            usage();
            exit(0);
        }
        if (name == 'f') {
            options->snapshot = optarg;
            continue;
        }
        if (name == 'r') {
            options->redacts = true;
            continue;
        }
        if (name == '?' || end == optarg || *end != '\0')
            return false;
        switch (name) {
        case 't':
            options->threads = value;
            break;
        case 'o':
            options->objects = value;
            break;
        case 'g':
            options->garbage = value;
            break;
        case 'z':
            options->zombies = value;
            break;
        case 's':
            options->seed = value;
            break;
        default:
            options->seconds = value;
            break;
        }
    }
    return optind == argc && options->threads >= 1 && options->threads <= MAX_THREADS &&
           options->objects >= 1;
}

int main(int argc, char **argv)
{
    Options options = {.threads = 4,
                       .objects = 50000,
                       .garbage = 5000,
                       .zombies = 2500,
                       .seed = 1,
                       .seconds = 3600};
    if (!options_read(argc, argv, &options)) {
        fputs("c-heap: cannot understand the options (try --help)\n", stderr);
        return 2;
    }
    // Let tools of the same user trace us, where Yama would allow only a parent.
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);

    static Worker workers[MAX_THREADS];
    pthread_barrier_init(&step, NULL, (unsigned)options.threads + 1);
    for (uint64_t t = 0; t < options.threads; t++) {
        workers[t] = (Worker){.index = t, .options = &options, .heap = c_heap_new()};
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker_run, &workers[t]) != 0) {
            fputs("c-heap: cannot start a thread\n", stderr);
            return 1;
        }
    }
    next_step(); // the parcels lie ready
    next_step(); // the graphs are built
    Truth truth = find_truth(workers, &options);
    scrub_leftovers();
    next_step(); // every thread is at rest
    if (!print_truth(&options, &truth))
        return 1;
    wait_seconds(options.seconds);
    return 0;
}
