// Recordings: see marker/schedule/schedule_recording.h.

#include "marker/schedule/schedule_recording.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/checksum.h"

const char *step_outcome_name(StepOutcome outcome)
{
    static const char *const names[STEP_OUTCOME_COUNT] = {
        [STEP_STARTED] = "started",   [STEP_WORKED] = "worked", [STEP_IDLED] = "idled",
        [STEP_FOUND] = "found",       [STEP_LOOKED] = "looked", [STEP_SLEPT] = "slept",
        [STEP_FINISHED] = "finished",
    };

    return (unsigned)outcome < STEP_OUTCOME_COUNT ? names[outcome] : "unknown";
}

RecordedStep recorded_step(const ScheduleStep *step)
{
    return (RecordedStep){
        .worker = (uint8_t)step->worker,
        .quantum = (uint8_t)step->quantum,
        .outcome = (uint8_t)step->outcome,
        .victim = step->victim == NO_INDEX ? NO_VICTIM : (uint8_t)step->victim,
        .claimed = step->claimed,
        .edges = step->edges,
        .scanned_words = step->scanned_words,
    };
}

void heap_fingerprint(const HeapImage *image, char text[MARK_DIGEST_CHARS])
{
    Digest128 digest;

    digest128_init(&digest);
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t record[3] = {image->pages[page].address, image->pages[page].block_size,
                              image->pages[page].owner_thread};
        digest128_update(&digest, record, sizeof record);
        digest128_update(&digest, image->live + heap_image_first_word(image, page),
                         heap_image_page_words(image, page) * sizeof *image->live);
    }
    for (uint64_t i = 0; i < image->root_count; i++) {
        uint64_t record[2] = {image->roots[i].value, image->roots[i].kind};
        digest128_update(&digest, record, sizeof record);
    }
    for (uint32_t i = 0; i < image->block_count; i++) {
        uint64_t record[2] = {image->blocks[i].address, image->blocks[i].bytes};
        digest128_update(&digest, record, sizeof record);
    }
    digest128_text(&digest, text);
}

// ---- recording ----

void schedule_recording_init(ScheduleRecording *recording, const HeapImage *image,
                             const MarkOptions *options)
{
    *recording = (ScheduleRecording){
        .workers = options->workers,
        .kind = options->kind,
        .policy = options->policy,
        .queue_capacity = options->queue_capacity != 0 ? options->queue_capacity : QUEUE_CAPACITY,
    };
    heap_fingerprint(image, recording->heap);
}

void schedule_recording_release(ScheduleRecording *recording)
{
    free(recording->steps);
    recording->steps = NULL;
    recording->step_count = recording->capacity = 0;
}

void schedule_recording_digest(const ScheduleRecording *recording, char text[DIGEST128_CHARS])
{
    Digest128 digest;

    digest128_init(&digest);
    if (recording->step_count > 0)
        digest128_update(&digest, recording->steps,
                         recording->step_count * sizeof *recording->steps);
    digest128_text(&digest, text);
}

bool schedule_recording_add(ScheduleRecording *recording, RecordedStep step, Error *error)
{
    if (!array_reserve(&recording->steps, &recording->capacity, recording->step_count + 1,
                       sizeof step, "the schedule", error))
        return false;
    recording->steps[recording->step_count++] = step;
    return true;
}

static bool record_step(void *context, const ScheduleStep *step, Error *error)
{
    return schedule_recording_add(context, recorded_step(step), error);
}

ScheduleObserver schedule_recorder(ScheduleRecording *recording)
{
    return (ScheduleObserver){.saw_step = record_step, .context = recording};
}

// ---- following ----

void schedule_follower_init(ScheduleFollower *follower, const ScheduleRecording *recording)
{
    *follower = (ScheduleFollower){.recording = recording};
}

static bool follow_next(void *context, uint64_t number, uint64_t runnable_mask,
                        ScheduledChoice *choice, Error *error)
{
    ScheduleFollower *follower = context;
    const ScheduleRecording *recording = follower->recording;

    if (number >= recording->step_count) {
        follower->has_departed = true;
        return error_set(error, ERROR_CORRUPT,
                         "the run departs from the schedule: it continues after step %llu, the "
                         "last recorded step",
                         (unsigned long long)recording->step_count);
    }
    const RecordedStep *step = &recording->steps[number];
    if (step->worker >= MAX_VIRTUAL_WORKERS || (runnable_mask >> step->worker & 1) == 0) {
        follower->has_departed = true;
        return error_set(error, ERROR_CORRUPT,
                         "the run departs from the schedule at step %llu: worker %u %s when it was "
                         "recorded, and cannot continue here",
                         (unsigned long long)number, step->worker,
                         step_outcome_name((StepOutcome)step->outcome));
    }
    *choice = (ScheduledChoice){.worker = step->worker, .quantum = step->quantum};
    return true;
}

static bool departs(ScheduleFollower *follower, const ScheduleStep *step, const char *what,
                    uint64_t recorded, uint64_t here, Error *error)
{
    follower->has_departed = true;
    return error_set(error, ERROR_CORRUPT,
                     "the run departs from the schedule at step %llu, of worker %u: %s %llu here, "
                     "%llu when it was recorded",
                     (unsigned long long)step->number, step->worker, what, (unsigned long long)here,
                     (unsigned long long)recorded);
}

static const char *victim_text(uint8_t victim, char text[16])
{
    if (victim == NO_VICTIM)
        return "no worker";
    (void)snprintf(text, 16, "worker %u", victim);
    return text;
}

static bool compare_step(void *context, const ScheduleStep *step, Error *error)
{
    ScheduleFollower *follower = context;
    const RecordedStep *recorded = &follower->recording->steps[step->number];
    RecordedStep here = recorded_step(step);

    if (here.outcome != recorded->outcome) {
        follower->has_departed = true;
        return error_set(error, ERROR_CORRUPT,
                         "the run departs from the schedule at step %llu: worker %u %s here, and "
                         "%s when it was recorded",
                         (unsigned long long)step->number, step->worker,
                         step_outcome_name(step->outcome),
                         step_outcome_name((StepOutcome)recorded->outcome));
    }
    if (here.victim != recorded->victim) {
        char victims[2][16];
        follower->has_departed = true;
        return error_set(error, ERROR_CORRUPT,
                         "the run departs from the schedule at step %llu: worker %u steals from %s "
                         "here, from %s when it was recorded",
                         (unsigned long long)step->number, step->worker,
                         victim_text(here.victim, victims[0]),
                         victim_text(recorded->victim, victims[1]));
    }
    if (here.claimed != recorded->claimed)
        return departs(follower, step, "objects claimed:", recorded->claimed, here.claimed, error);
    if (here.scanned_words != recorded->scanned_words)
        return departs(follower, step, "words scanned:", recorded->scanned_words,
                       here.scanned_words, error);
    if (here.edges != recorded->edges)
        return departs(follower, step, "edges:", recorded->edges, here.edges, error);
    follower->next = step->number + 1;
    return true;
}

void schedule_follow(ScheduleFollower *follower, MarkSchedule *schedule)
{
    schedule->source = (ScheduleSource){.next = follow_next, .context = follower};
    schedule->observer = (ScheduleObserver){.saw_step = compare_step, .context = follower};
}

bool schedule_follower_finish(ScheduleFollower *follower, Error *error)
{
    uint64_t count = follower->recording->step_count;

    if (follower->next == count)
        return true;
    follower->has_departed = true;
    return error_set(error, ERROR_CORRUPT,
                     "the run departs from the schedule: it ends after %llu of %llu steps",
                     (unsigned long long)follower->next, (unsigned long long)count);
}
