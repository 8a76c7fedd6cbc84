// Recordings: the steps of a scheduled mark, to be followed by another one.
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
// A recording holds what the worker chosen did, too, so that a run that departs from it is told
// at the first step that goes another way.

#ifndef MARKER_SCHEDULE_SCHEDULE_RECORDING_H
#define MARKER_SCHEDULE_SCHEDULE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/schedule/mark_schedule.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// These bytes are what the schedule digest is about.
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
    uint32_t workers;
    MarkKind kind;
    MarkPolicy policy; // never MARK_POLICY_DEFAULT
    uint32_t queue_capacity;
    uint64_t step_count;
    uint64_t capacity;
    RecordedStep *steps; // owned
} ScheduleRecording;

// What makes a heap this one: its pages, its live objects, its roots and blocks (not the bytes of
// objects). Written like a digest.
void heap_fingerprint(const HeapImage *image, char text[MARK_DIGEST_CHARS]);

// Empty, for a mark of `image` with these options, of which workers and policy must be given.
void schedule_recording_init(ScheduleRecording *recording, const HeapImage *image,
                             const MarkOptions *options);
void schedule_recording_release(ScheduleRecording *recording);

// Errors: memory.
NODISCARD bool schedule_recording_add(ScheduleRecording *recording, RecordedStep step,
                                      Error *error);

// Appends each step that it sees. `recording` is borrowed.
ScheduleObserver schedule_recorder(ScheduleRecording *recording);

typedef struct ScheduleFollower {
    const ScheduleRecording *recording; // borrowed
    uint64_t next;
    bool has_departed;
} ScheduleFollower;

void schedule_follower_init(ScheduleFollower *follower, const ScheduleRecording *recording);

// Makes the schedule follow the recording; the mark fails at the first step that departs from it.
void schedule_follow(ScheduleFollower *follower, MarkSchedule *schedule);

// After a mark that did not fail: were all steps made? Errors: corrupt (has_departed).
NODISCARD bool schedule_follower_finish(ScheduleFollower *follower, Error *error);

// "started", "worked", ...; "unknown" outside the enumeration.
const char *step_outcome_name(StepOutcome outcome);

#endif
