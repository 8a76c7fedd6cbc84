// Fuzz target: schedule files of both kinds. An accepted file can be followed: a schedule of steps
// marks a small heap or departs from it, and one of operations leads to nothing bad, wherever it
// leads.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/operation_file.h"
#include "formats/schedule_file.h"
#include "marker/schedule/mark_schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One heap for all.
static HeapImage *small_heap(void)
{
    ScheduleRandom random = {1};
    ExploreHeap heap;
    HeapImage *image;
    Error error;

    explore_heap_generate(&heap, &random, 20, 20);
    if (!explore_heap_image(&heap, &image, &error))
        abort();
    return image;
}

static void follow_operations(const OperationFile *file, const HeapImage *image)
{
    ExploreSubject subject = {.explored = {.marker = &exploring_marker,
                                           .is_queue = file->is_queue,
                                           .queue = file->queue}};
    SimRun *run = sim_run_new();
    MarkResult *expected = NULL;
    Departure departure;
    uint32_t departed_at;
    Error error;

    if (run == NULL || !mark_reachable_serial(image, file->kind, &expected, &error))
        abort();
    subject.explored.mark = (MarkCase){.image = image,
                                       .expected = expected,
                                       .workers = file->workers,
                                       .kind = file->kind,
                                       .policy = file->policy,
                                       .queue_capacity = file->queue_capacity};
    if (explore_follow_exactly(run, &subject, file->model, &file->choices, &departure, &departed_at)
            .violation.kind != VIOLATION_NONE)
        abort();
    if (departure != DEPARTURE_NONE && departed_at >= file->choices.count)
        abort();
    mark_result_free(expected);
    sim_run_free(run);
}

static void follow_steps(const ScheduleRecording *recording, const HeapImage *image)
{
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions options = mark_options_default();
    ScheduleFollower follower;
    MarkResult *result;
    Error error;

    schedule_follower_init(&follower, recording);
    schedule_follow(&follower, &schedule);
    options.driver = &schedule.driver;
    options.workers = recording->workers;
    options.policy = recording->policy;
    options.kind = recording->kind;
    options.queue_capacity = recording->queue_capacity;
    if (mark_reachable(image, &options, &result, &error))
        mark_result_free(result);
    else if (!follower.has_departed && error.code != ERROR_USAGE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static HeapImage *image;
    char path[64];
    int fd = memfd_create("schedule", 0);
    OperationFile file;
    ScheduleRecording recording;
    Error error = {0};

    if (image == NULL)
        image = small_heap();
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (operation_file_read(path, &file, &error)) {
        follow_operations(&file, image);
        operation_file_release(&file);
    } else if (error.message[0] == '\0') {
        abort();
    }
    if (schedule_file_read(path, &recording, &error)) {
        follow_steps(&recording, image);
        schedule_recording_release(&recording);
    }
    (void)close(fd);
    return 0;
}
