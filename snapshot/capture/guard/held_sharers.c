// HeldSharers: see held_sharers_internal.h.

#include "snapshot/capture/guard/held_sharers_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How long one process may take to stop: the target stands still meanwhile.
#define STOP_PATIENCE_NS UINT64_C(200000000)
// Looks for processes that were made meanwhile; each stopped one makes no more.
#define MAX_LOOKS 100

void held_sharers_find(HeldSharers *sharers, int pid)
{
    *sharers = (HeldSharers){.count = 0};
    memory_sharers_init(&sharers->found, pid);
    memory_sharers_find(&sharers->found);
    sharers->items = calloc(MEMORY_SHARERS_MAX, sizeof *sharers->items);
}

static void stop_one(HeldSharers *sharers, uint32_t index, const Cancel *cancel, uint64_t limit_ns)
{
    HeldSharer *sharer = &sharers->items[index];
    int pid = sharers->found.pids[index];

    traced_threads_init(&sharer->threads, pid, cancel);
    sharer->threads.limit_ns = limit_ns;
    if (memory_sharers_includes(&sharers->found, pid))
        sharer->is_held = traced_threads_stop(&sharer->threads, &sharer->why);
    if (sharer->is_held || memory_sharers_includes(&sharers->found, pid))
        return;
    sharer->has_left = true;
    traced_threads_resume(&sharer->threads);
}

void held_sharers_stop(HeldSharers *sharers, const Cancel *cancel, uint64_t limit_ns)
{
    if (limit_ns == 0 || limit_ns > STOP_PATIENCE_NS)
        limit_ns = STOP_PATIENCE_NS;
    for (int looks = 0; looks < MAX_LOOKS; looks++) {
        (void)memory_sharers_find_new(&sharers->found);
        if (sharers->items == NULL || sharers->count == sharers->found.count)
            return;
        for (; sharers->count < sharers->found.count; sharers->count++)
            stop_one(sharers, sharers->count, cancel, limit_ns);
    }
    sharers->found.has_more = true;
}

bool held_sharers_resume(HeldSharers *sharers)
{
    bool has_stuck_thread = false;

    for (uint32_t i = 0; i < sharers->count; i++) {
        traced_threads_resume(&sharers->items[i].threads);
        has_stuck_thread = has_stuck_thread || sharers->items[i].threads.seized_count > 0;
    }
    return has_stuck_thread;
}

// ---- the note ----

static void describe_held(const HeldSharers *sharers, GuardSharing *out)
{
    size_t used = 0;
    uint32_t listed = 0;

    for (uint32_t i = 0; i < sharers->count; i++) {
        const HeldSharer *sharer = &sharers->items[i];
        int length;

        if (!sharer->is_held || sharer->has_left || used + 32 > sizeof out->note)
            continue;
        length = snprintf(out->note + used, sizeof out->note - used, "%s%d",
                          listed++ == 0 ? "stopped together with it, since they share its memory: "
                                          "processes "
                                        : ", ",
                          sharer->threads.pid);
        used += length > 0 ? (size_t)length : 0;
    }
}

static void describe_running(const HeldSharers *sharers, GuardSharing *out)
{
    for (uint32_t i = 0; i < sharers->count; i++) {
        const HeldSharer *sharer = &sharers->items[i];

        if (sharer->is_held || sharer->has_left)
            continue;
        (void)snprintf(out->note, sizeof out->note,
                       "process %d shares its memory and ran on: %.120s", sharer->threads.pid,
                       sharer->why.message);
        return;
    }
    (void)snprintf(out->note, sizeof out->note, "more than %u processes share its memory",
                   MEMORY_SHARERS_MAX);
}

void held_sharers_describe(const HeldSharers *sharers, GuardSharing *out)
{
    *out = (GuardSharing){.is_known = true};
    for (uint32_t i = 0; i < sharers->count; i++) {
        out->process_count += !sharers->items[i].has_left;
        out->stopped_count += sharers->items[i].is_held;
    }
    // Without room they were not tried.
    if (sharers->items == NULL)
        out->process_count = sharers->found.count;
    out->has_more = sharers->found.has_more;
    if (out->process_count == out->stopped_count && !out->has_more)
        describe_held(sharers, out);
    else
        describe_running(sharers, out);
}

void held_sharers_release(HeldSharers *sharers)
{
    for (uint32_t i = 0; i < sharers->count; i++)
        traced_threads_release(&sharers->items[i].threads);
    free(sharers->items);
    *sharers = (HeldSharers){.count = 0};
}
