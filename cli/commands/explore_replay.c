// Following a schedule: see cli/commands/explore_replay.h.

#include "cli/commands/explore_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands/explore_report.h"
#include "marker/schedule/schedule_recording.h"
#include "snapshot/file/snapshot_file.h"

// The image stays the caller's.
static bool make_subject(const OperationFile *file, const char *path, const HeapImage *image,
                         ExploreSubject *subject, Error *error)
{
    subject->is_isolated = true;
    subject->explored.marker = &exploring_marker;
    subject->explored.is_queue = file->is_queue;
    subject->explored.queue = file->queue;
    if (file->is_queue)
        return true;
    if (image == NULL)
        return error_set(error, ERROR_USAGE,
                         "schedule '%s' is for a mark: give the heap that it was recorded from",
                         path);
    if (!mark_reachable_serial(image, file->kind, &subject->expected, error))
        return false;
    subject->explored.mark = (MarkCase){.image = image,
                                        .expected = subject->expected,
                                        .workers = file->workers,
                                        .kind = file->kind,
                                        .policy = file->policy,
                                        .queue_capacity = file->queue_capacity};
    return true;
}

static bool is_other_heap(const OperationFile *file, const HeapImage *image)
{
    char heap[MARK_DIGEST_CHARS];

    if (file->is_queue)
        return false;
    heap_fingerprint(image, heap);
    return strcmp(heap, file->heap) != 0;
}

// The error of a run that departs: the marker or the heap is another one.
static bool departed(const OperationFile *file, const char *path, Departure departure,
                     uint32_t place, bool is_other, Error *error)
{
    const SimChoice *choices = file->choices.choices;
    char what[64];

    if (departure == DEPARTURE_NONE)
        (void)snprintf(what, sizeof what, "the run continues");
    else if (departure == DEPARTURE_OVER)
        (void)snprintf(what, sizeof what, "the run has ended");
    else
        (void)snprintf(what, sizeof what,
                       departure == DEPARTURE_NO_VALUE ? "worker %u cannot read that value"
                       : choices[place].entity >= SIM_FLUSHER
                           ? "the store buffer of worker %u is empty"
                           : "worker %u cannot continue",
                       choices[place].entity % SIM_MAX_WORKERS);
    (void)error_set(error, ERROR_CORRUPT,
                    "the run departs from schedule '%s' at operation %" PRIu32 " of %" PRIu32
                    ": %s",
                    path, place, file->choices.count, what);
    return is_other && error_add_hint(error, "it was recorded from another heap");
}

static bool follow(SimRun *run, const OperationFile *file, const char *path, bool shows_steps,
                   ExploreFinding *finding, ExploreReplay *replay, Error *error)
{
    bool is_other = is_other_heap(file, finding->subject.explored.mark.image);
    Departure departure;
    uint32_t departed_at;
    CaseRun result = explore_follow_exactly(run, &finding->subject, file->model, &finding->choices,
                                            &departure, &departed_at);

    if (result.outcome == SIM_TOO_LARGE || result.outcome == SIM_NO_MEMORY)
        return error_set(error, ERROR_UNSUPPORTED, "the heap is too large to explore");
    replay->violation = finding->violation = result.violation;
    // Behind the last operation of the list the run continues without preemption. A mark of another
    // heap departs in any case.
    replay->has_departed = departure != DEPARTURE_NONE || is_other;
    if (result.violation.kind == VIOLATION_NONE)
        (void)snprintf(finding->violation.text, sizeof finding->violation.text,
                       "no error here; the schedule was recorded for '%s'",
                       violation_kind_name(file->violation));
    if (shows_steps)
        explore_print_finding(run, finding);
    return !replay->has_departed ||
           departed(file, path, departure,
                    departure == DEPARTURE_NONE ? file->choices.count : departed_at, is_other,
                    error);
}

bool explore_replay(const OperationFile *file, const char *path, const HeapImage *image,
                    bool shows_steps, ExploreReplay *replay, Error *error)
{
    ExploreFinding finding = {.model = file->model};
    SimRun *run = NULL;
    bool ok = false;

    *replay = (ExploreReplay){.has_departed = false};
    if (!make_subject(file, path, image, &finding.subject, error))
        goto done;
    run = sim_run_new();
    if (run == NULL || !choice_list_copy(&finding.choices, &file->choices)) {
        error_set_memory(error, file->choices.count * sizeof(SimChoice), "the schedule");
        goto done;
    }
    ok = follow(run, file, path, shows_steps, &finding, replay, error);

done:
    sim_run_free(run);
    explore_finding_release(&finding);
    return ok;
}

bool explore_replay_file(const char *path, const char *heap, const MemoryLimit *limit, bool *found,
                         Error *error)
{
    ExploreReplay replay = {.has_departed = false};
    HeapImage *image = NULL;
    OperationFile file;
    bool ok = false;

    if (!operation_file_read(path, &file, error))
        return false;
    if (heap != NULL && file.is_queue)
        error_set(error, ERROR_USAGE, "'%s': schedule '%s' is for a queue, which has no heap", heap,
                  path);
    else if (heap == NULL || (heap_memory_check_whole(limit, heap, 1, error) &&
                              snapshot_read(heap, NULL, &image, error)))
        ok = explore_replay(&file, path, image, true, &replay, error);
    heap_image_free(image);
    operation_file_release(&file);
    *found = replay.has_departed || replay.violation.kind != VIOLATION_NONE;
    return ok;
}
