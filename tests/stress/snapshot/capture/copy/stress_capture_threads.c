// The threads of a capture under ThreadSanitizer: a team (base/parallel_for.h) that runs one loop
// after the other, and PackedPages that are unpacked for several readers at once, with a small
// cache.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/packed_pages.h"
#include "snapshot/capture/copy/page_sets.h"
#include "base/parallel_for.h"
#include "tests/support/dose.h"
#include "tests/support/tap.h"
#include "tests/support/xorshift.h"

#define THREADS 4u
#define PAGE UINT64_C(4096)
// Twice as many as the cache holds.
#define PAGES UINT64_C(2048)

// ---- teams ----

typedef struct Tally {
    uint64_t done[64]; // each by one thread
    bool fails;
} Tally;

static bool count_item(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Tally *tally = context;

    (void)worker;
    // Long enough for the other threads to come.
    for (unsigned i = 0; i < 1000; i++)
        tally->done[item] += i % 2;
    tally->done[item] -= 499;
    return !tally->fails || item < 5 || error_set(error, ERROR_SYSTEM, "item %u", (unsigned)item);
}

// Is each item done once, whichever threads came?
static bool loop_is_right(ParallelTeam *team, uint64_t items)
{
    Tally tally = {.fails = false};
    Error error;

    parallel_team_begin(team, items, count_item, &tally, &error);
    if (!parallel_team_end(team))
        return false;
    for (uint64_t i = 0; i < 64; i++)
        if (tally.done[i] != (i < items))
            return false;
    return true;
}

static void try_teams(uint64_t loops)
{
    ParallelTeam *team = NULL;
    Tally tally = {.fails = true};
    uint64_t wrong = 0;
    Error error = {.code = ERROR_NONE};

    if (!parallel_team_new(THREADS, &team, &error))
        tap_bail("%s", error.message);
    for (uint64_t i = 0; i < loops; i++)
        wrong += !loop_is_right(team, i % 65);
    tap_ok(wrong == 0, "a team does each item of %u loops once", (unsigned)loops);
    parallel_team_begin(team, 64, count_item, &tally, &error);
    tap_ok(!parallel_team_end(team) && strcmp(error.message, "item 5") == 0,
           "the error is that of the first item that failed");
    tap_ok(loop_is_right(team, 64), "and the next loop is as good as any");
    // A loop without parallel_team_end().
    tally = (Tally){.fails = false};
    parallel_team_begin(team, 64, count_item, &tally, &error);
    parallel_team_free(team);
    tap_ok(true, "a team may be freed in the middle");
}

// ---- pages ----

typedef struct Reading {
    const uint8_t *memory;
    const uint8_t *data;
    uint64_t wrong[PARALLEL_FOR_MAX_THREADS];
} Reading;

static bool read_pages(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Reading *reading = context;
    Xorshift random = xorshift_seeded(item);

    (void)error;
    for (unsigned i = 0; i < 50; i++) {
        uint64_t at = xorshift_below(&random, PAGES) * PAGE + xorshift_below(&random, PAGE);

        reading->wrong[worker] += reading->data[at] != reading->memory[at];
    }
    return true;
}

static void try_pages(uint64_t readings)
{
    const PackedPagesOptions options = {.cache_bytes = 1, .max_threads = THREADS};
    uint8_t *memory =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t start = (uint64_t)(uintptr_t)memory, wrong = 0;
    PageSelection pages = {0}, unread = {0};
    Reading reading = {.memory = memory};
    PackedPages *packed = NULL;
    Error error;

    if (!packed_pages_new(&options, &packed, &error)) {
        tap_skip("pages that are unpacked for several readers", "%s", error.message);
        return;
    }
    for (uint64_t at = 0; at < PAGES * PAGE; at++)
        memory[at] = (uint8_t)(at / 7 ^ at / PAGE);
    if (!page_set_add(&pages, start, start + PAGES * PAGE, &error) ||
        !packed_pages_add(packed, &pages, getpid(), getpid(), NULL, &unread, &error))
        tap_bail("%s", error.message);
    reading.data = pages.ranges[0].data;
    if (!parallel_for(readings, THREADS, read_pages, &reading, &error))
        tap_bail("%s", error.message);
    for (unsigned i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        wrong += reading.wrong[i];
    tap_ok(wrong == 0 && packed_pages_check(packed, &error), "%u readers find what was packed",
           (unsigned)readings);
    packed_pages_free(packed);
    page_selection_release(&pages);
    page_selection_release(&unread);
    (void)munmap(memory, PAGES * PAGE);
}

int main(void)
{
    try_teams(test_dose(2000));
    try_pages(test_dose(64));
    return tap_finish();
}
