// Runs what `explore` found once more: see cli/explore_replay.h.

#include "cli/explore_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/explore_report.h"
#include "formats/operation_file.h"
#include "marker/schedule_recording.h"

// The image stays the caller's.
static bool make_subject(const OperationFile *file, const HeapImage *image, ExploreSubject *subject,
                         Error *error)
{
    char heap[MARK_DIGEST_CHARS];

    subject->explored.marker = &exploring_marker;
    subject->explored.is_queue = file->is_queue;
    subject->explored.queue = file->queue;
    if (file->is_queue)
        return true;
    if (image == NULL)
        return error_set(error, ERROR_USAGE, "the schedule is of a mark: its heap is missing");
    heap_fingerprint(image, heap);
    if (strcmp(heap, file->heap) != 0)
        return error_set(error, ERROR_USAGE, "the schedule was recorded from another heap");
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

static bool follow(SimRun *run, const OperationFile *file, ExploreFinding *finding,
                   bool shows_steps, Error *error)
{
    uint32_t departed_at;
    CaseRun result = explore_follow_exactly(run, &finding->subject, file->model, &finding->choices,
                                            &departed_at);

    if (result.outcome == SIM_TOO_LARGE || result.outcome == SIM_NO_MEMORY)
        return error_set(error, ERROR_UNSUPPORTED, "the heap is too large to explore");
    finding->violation = result.violation;
    if (result.violation.kind == VIOLATION_NONE)
        (void)snprintf(finding->violation.text, sizeof finding->violation.text,
                       "nothing goes wrong here; it was recorded as '%s'",
                       violation_kind_name(file->violation));
    if (shows_steps)
        explore_print_finding(run, finding);
    if (departed_at != file->choices.count && result.violation.kind == VIOLATION_NONE)
        return error_set(error, ERROR_CORRUPT,
                         "the run departs from the schedule at operation %" PRIu32 " of %" PRIu32,
                         departed_at, file->choices.count);
    return true;
}

bool explore_replay(const char *path, const HeapImage *image, bool shows_steps,
                    Violation *violation, Error *error)
{
    ExploreFinding finding = {.number = 0};
    SimRun *run = NULL;
    OperationFile file;
    bool ok = false;

    violation->kind = VIOLATION_NONE;
    if (!operation_file_read(path, &file, error))
        return false;
    finding.model = file.model;
    if (!make_subject(&file, image, &finding.subject, error))
        goto done;
    run = sim_run_new();
    if (run == NULL || !choice_list_copy(&finding.choices, &file.choices)) {
        error_set_memory(error, file.choices.count * sizeof(SimChoice), "the schedule");
        goto done;
    }
    ok = follow(run, &file, &finding, shows_steps, error);
    *violation = finding.violation;

done:
    sim_run_free(run);
    explore_finding_release(&finding);
    operation_file_release(&file);
    return ok;
}
