// Recordings: the steps of a scheduled mark, for another mark to follow.
//
//     ScheduleRecording recording;
//     schedule_recording_init(&recording, image, &options);
//     schedule.observer = schedule_recorder(&recording);
//     ... mark_reachable() ...
//
//     ScheduleFollower follower;
//     schedule_follower_init(&follower, &recording);
//     schedule_follow(&follower, &schedule);
//     if (!mark_reachable(...) || !schedule_follower_finish(&follower, &error))
//         if (follower.has_departed) ... error.message says at which step, and how
//
// A recording holds the counts of each step, too, so that a run that departs from it is detected at
// the first step that differs.

#ifndef MARKER_SCHEDULE_SCHEDULE_RECORDING_H
#define MARKER_SCHEDULE_SCHEDULE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/schedule/mark_schedule.h"
#include "base/checksum.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// The schedule digest is over these bytes.
typedef struct RecordedStep {
    uint8_t worker;
    uint8_t quantum;
    uint8_t outcome; // StepOutcome
    uint8_t victim;  // of a successful steal; else NO_VICTIM
    uint32_t claimed;
    uint32_t edges;
    uint32_t scanned_words;
} RecordedStep;

#define NO_VICTIM 255u

RecordedStep recorded_step(const ScheduleStep *step);

typedef struct ScheduleRecording {
    char heap[MARK_DIGEST_CHARS]; // heap_fingerprint()
    char digest[DIGEST128_CHARS]; // of the steps, as a file has it; "" while it is recorded
    uint32_t workers;
    MarkKind kind;
    MarkPolicy policy; // never MARK_POLICY_DEFAULT
    uint32_t queue_capacity;
    uint64_t step_count;
    uint64_t capacity;
    RecordedStep *steps; // owned
} ScheduleRecording;

// The identity of a heap: a digest of its pages, live objects, roots and blocks, without the bytes
// of objects. Written like the digest of a mark.
void heap_fingerprint(const HeapImage *image, char text[MARK_DIGEST_CHARS]);

// Makes an empty recording, for a mark of `image` with these options. Workers and policy must be
// set.
void schedule_recording_init(ScheduleRecording *recording, const HeapImage *image,
                             const MarkOptions *options);
void schedule_recording_release(ScheduleRecording *recording);

// The schedule digest of the steps: the one of the mark that made them.
void schedule_recording_digest(const ScheduleRecording *recording, char text[DIGEST128_CHARS]);
// Errors: memory.
NODISCARD bool schedule_recording_add(ScheduleRecording *recording, RecordedStep step,
                                      Error *error);

// The observer that appends each step to `recording`, which is borrowed.
ScheduleObserver schedule_recorder(ScheduleRecording *recording);

typedef struct ScheduleFollower {
    const ScheduleRecording *recording; // borrowed
    uint64_t next;
    bool has_departed;
} ScheduleFollower;

void schedule_follower_init(ScheduleFollower *follower, const ScheduleRecording *recording);

// Makes the schedule follow the recording; the mark fails at the first step that departs from it.
void schedule_follow(ScheduleFollower *follower, MarkSchedule *schedule);

// Checks after a mark that all steps of the recording were made. Errors: corrupt (has_departed).
NODISCARD bool schedule_follower_finish(ScheduleFollower *follower, Error *error);

// "started", "worked", ...; "unknown" outside the enumeration.
const char *step_outcome_name(StepOutcome outcome);

#endif
