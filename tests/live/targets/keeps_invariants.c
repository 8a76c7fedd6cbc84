// A process whose threads write all over its heap and keep the invariants of
// tests/support/invariant_heap.h at every moment.
//
//     keeps_invariants HEARTBEAT PAGES THREADS PAUSE_US [KIND | RING N]
//
// Each thread rests PAUSE_US after every 16 pages; 0: never. KIND: `breaks`: counters are written
// in an order that breaks an invariant, so that the test can check that this is noticed. RING
// (listed, unmapped, closed, hidden): the last N pages are pinned, and written only by io_urings of
// that kind (tests/support/pinning_ring.h). `tracked`: a child, which alone has the descriptor,
// tracks the writes to the heap all the time (tests/support/write_tracker.h). `shared`: the writers
// are not threads but processes that share the memory (tests/support/memory_sharer.h); `relayed`:
// each pass is made by a new one; `untraceable`: they have a tracer already. `spawns`: a thread
// runs another program all the time. Prints "heap ADDRESS PAGES THREADS", then "ready", and runs
// until it is killed; "skipped: REASON" if there is no such io_uring or tracker. Upon SIGUSR1 it
// captures itself into HEARTBEAT.self.zst, and prints "captured STATUS MESSAGE".

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "embed/rudo_snap.h"
#include "tests/support/invariant_heap.h"
#include "tests/support/memory_sharer.h"
#include "tests/support/pinning_ring.h"
#include "tests/support/target.h"
#include "tests/support/write_tracker.h"

#define PAGE_BYTES 4096u

typedef struct Keeper {
    uint64_t first; // page
    uint64_t page_count;
    uint64_t pass; // the next one
    PinningRing ring;
} Keeper;

static uint8_t *heap;
static uint8_t *pinned; // the end of the heap, or NULL
static uint64_t pinned_bytes;
static uint64_t thread_count;
static long pause_us;
static bool breaks;
static const char *ring_kind;
static pthread_barrier_t all_are_ready;

static uint8_t *page_of(const Keeper *keeper, uint64_t number)
{
    return heap + (keeper->first + number * thread_count) * PAGE_BYTES;
}

static uint64_t *word_of(uint8_t *page, uint32_t slot, uint32_t word)
{
    return (uint64_t *)(void *)(page + invariant_offset(slot, word));
}

static void rest(uint64_t written)
{
    const struct timespec moment = {.tv_nsec = pause_us * 1000};

    if (pause_us > 0 && written % 16 == 0)
        (void)nanosleep(&moment, NULL);
}

// Release, so that neither compiler nor processor swaps two of these stores: a tracer that stops
// this thread sees the first N of its stores, for some N.
static void put(Keeper *keeper, uint64_t *word, uint64_t value)
{
    if (keeper->ring.entries != NULL && (uint8_t *)word >= pinned)
        pinning_ring_put(&keeper->ring, word, value);
    else
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void count(Keeper *keeper, uint64_t pass, bool rests)
{
    for (uint64_t i = 0; i < keeper->page_count; i++) {
        uint8_t *page = page_of(keeper, breaks ? keeper->page_count - 1 - i : i);
        uint64_t *counter = word_of(page, 0, INVARIANT_FIRST_WORD);

        put(keeper, counter, pass);
        put(keeper, word_of(page, 0, INVARIANT_SECOND_WORD),
            invariant_checksum((uint64_t)(uintptr_t)counter, pass));
        if (rests)
            rest(i);
    }
}

// Moves all nodes from one list to the other, whose order is the reverse then.
static void move_nodes(Keeper *keeper, uint64_t *from, uint64_t *to, uint64_t *journal)
{
    for (uint64_t moved = 0; *from != 0 && !breaks; moved++) {
        uint64_t *node = (uint64_t *)(uintptr_t)*from, others = *node;

        put(keeper, journal, others);
        put(keeper, node, *to);
        put(keeper, to, (uint64_t)(uintptr_t)node);
        put(keeper, from, others);
        put(keeper, journal, 0);
        rest(moved);
    }
}

// A node is known by the address of its first word, which is the next node's.
static void link_nodes(const Keeper *keeper, uint64_t *list)
{
    for (uint64_t i = 0; i < keeper->page_count; i++) {
        uint64_t *node = word_of(page_of(keeper, i), 1, INVARIANT_FIRST_WORD);

        *word_of(page_of(keeper, i), 1, INVARIANT_SECOND_WORD) =
            invariant_checksum((uint64_t)(uintptr_t)node, 0);
        *node = *list;
        *list = (uint64_t)(uintptr_t)node;
    }
}

// The pinned memory is the buffer of each thread's ring.
static void open_ring(Keeper *keeper)
{
    static const char *const kinds[] = {[RING_LISTED] = "listed",
                                        [RING_UNMAPPED] = "unmapped",
                                        [RING_CLOSED] = "closed",
                                        [RING_HIDDEN] = "hidden"};
    unsigned kind = 0;
    const char *reason;

    while (kind < RING_HIDDEN && strcmp(ring_kind, kinds[kind]) != 0)
        kind++;

    if (pinning_ring_open(&keeper->ring, (PinningRingKind)kind, pinned, pinned_bytes, &reason))
        return;
    printf("skipped: no such io_uring: %s\nready\n", reason);
    (void)fflush(stdout);
    _exit(0);
}

// Two passes: all nodes are in the first list again.
static void keep_twice(void *context)
{
    Keeper *keeper = context;
    uint8_t *first = page_of(keeper, 0);
    uint64_t *one = word_of(first, 2, INVARIANT_FIRST_WORD);
    uint64_t *other = word_of(first, 2, INVARIANT_SECOND_WORD);
    uint64_t *journal = word_of(first, 3, INVARIANT_FIRST_WORD);

    count(keeper, keeper->pass++, true);
    move_nodes(keeper, one, other, journal);
    count(keeper, keeper->pass++, true);
    move_nodes(keeper, other, one, journal);
}

static void *keep(void *context)
{
    if (pinned != NULL)
        open_ring(context);
    (void)pthread_barrier_wait(&all_are_ready);
    for (;;)
        keep_twice(context);
    return NULL;
}

static int keep_in_process(void *context)
{
    for (;;)
        keep_twice(context);
    return 0;
}

// Starts the writer, as a thread or as a process.
static void start_writer(Keeper *keeper, const char *kind)
{
    pthread_t thread;
    pid_t process = 0;

    if (strcmp(kind, "relayed") == 0)
        process = memory_sharer_relay(keep_twice, keeper);
    else if (strcmp(kind, "shared") == 0 || strcmp(kind, "untraceable") == 0)
        process = memory_sharer_start(keep_in_process, keeper, strcmp(kind, "untraceable") == 0);
    else if (pthread_create(&thread, NULL, keep, keeper) != 0)
        target_fail("pthread_create");
    if (process < 0)
        target_fail("clone");
}

static void track_heap(uint64_t bytes)
{
    const char *reason;

    if (write_tracker_start(heap, bytes, &reason))
        return;
    printf("skipped: %s\nready\n", reason);
    (void)fflush(stdout);
    _exit(0);
}

static void capture_itself(const char *path, uint64_t pages)
{
    const rudo_snap_pages all = {.address = heap, .bytes = pages * PAGE_BYTES};
    rudo_snap_options options;
    rudo_snap_result result;

    rudo_snap_options_init(&options);
    options.pages = &all;
    options.page_count = 1;
    options.replaces = 1;
    (void)rudo_snap_wait(rudo_snap_capture(path, &options), &result);
    printf("captured %d %s\n", (int)result.status, result.message);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 5 ? argv[5] : "";
    uint64_t pages, waiting_count = 0;
    char path[4096];
    sigset_t wishes;
    int wish;

    if (argc < 5) {
        fprintf(stderr, "usage: %s HEARTBEAT PAGES THREADS PAUSE_US [KIND [PINNED]]\n", argv[0]);
        return 2;
    }
    pages = strtoull(argv[2], NULL, 10);
    thread_count = strtoull(argv[3], NULL, 10);
    (void)snprintf(path, sizeof path, "%s.self.zst", argv[1]);
    (void)sigemptyset(&wishes);
    (void)sigaddset(&wishes, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &wishes, NULL);
    pause_us = strtol(argv[4], NULL, 10);
    breaks = strcmp(kind, "breaks") == 0;
    if (argc > 6)
        ring_kind = kind;
    heap = target_map_heap(pages);
    if (ring_kind != NULL) {
        pinned_bytes = strtoull(argv[6], NULL, 10) * PAGE_BYTES;
        pinned = heap + pages * PAGE_BYTES - pinned_bytes;
    }
    printf("heap %p %llu %llu\n", (void *)heap, (unsigned long long)pages,
           (unsigned long long)thread_count);
    if (strcmp(kind, "tracked") == 0)
        track_heap(pages * PAGE_BYTES);
    target_start_heartbeat(argv[1]);
    // Writers that are processes begin at once.
    if (strcmp(kind, "shared") != 0 && strcmp(kind, "relayed") != 0 &&
        strcmp(kind, "untraceable") != 0)
        waiting_count = thread_count;
    if (pthread_barrier_init(&all_are_ready, NULL, (unsigned)waiting_count + 1) != 0)
        target_fail("pthread_barrier_init");
    for (uint64_t i = 0; i < thread_count; i++) {
        Keeper *keeper = malloc(sizeof *keeper);

        if (keeper == NULL)
            target_fail("malloc");
        *keeper = (Keeper){
            .first = i, .page_count = (pages - i + thread_count - 1) / thread_count, .pass = 1};
        link_nodes(keeper, word_of(page_of(keeper, 0), 2, INVARIANT_FIRST_WORD));
        count(keeper, 0, false);
        start_writer(keeper, kind);
    }
    (void)pthread_barrier_wait(&all_are_ready);
    if (strcmp(kind, "spawns") == 0)
        memory_sharer_spawn_others();
    target_announce();
    for (;;)
        if (sigwait(&wishes, &wish) == 0)
            capture_itself(path, pages);
}
