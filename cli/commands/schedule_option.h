// `--schedule`, `--scheduler` and `--record`: which worker of a mark makes the next step.
//
//     ScheduledRun run = {0};
//     ok = scheduled_run_open(&run, &settings, &session, &error) &&
//          ... read the image ... &&
//          scheduled_run_prepare(&run, image, &mark_options, &error) &&
//          mark_reachable(image, &mark_options, &result, &error) &&
//          scheduled_run_finish(&run, &error);
//     if (!ok && scheduled_run_has_departed(&run))
//         // error says at which step
//     scheduled_run_release(&run);

#ifndef CLI_COMMANDS_SCHEDULE_OPTION_H
#define CLI_COMMANDS_SCHEDULE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/commands/explore_replay.h"
#include "cli/session.h"
#include "formats/operation_file.h"
#include "marker/mark.h"
#include "marker/schedule/schedule_recording.h"
#include "base/error.h"

// Virtual workers by default: the same number on every machine.
#define DEFAULT_VIRTUAL_WORKERS 16u

typedef struct ScheduleSettings {
    const char *schedule; // "threads", "seed:S", "file:FILE"; NULL: threads
    int scheduler;        // SchedulePolicy
    const char *record;   // NULL: none
} ScheduleSettings;

// Choices of `--scheduler`.
extern const OptionChoice scheduler_choices[];

// A zeroed struct is valid and means threads.
typedef struct ScheduledRun {
    bool is_scheduled;
    const char *file;    // to follow; NULL: none
    bool has_operations; // the file is one of `explore`'s: this one
    OperationFile operations;
    ExploreReplay replay; // the outcome of following it
    MarkSchedule schedule;
    OutputFile *record;          // NULL: not wanted; the session's
    ScheduleRecording recording; // made, or followed
    bool is_other_heap;          // than the one that it was made from
    ScheduleFollower follower;
} ScheduledRun;

// Parses the options, opens the file to record to as a result of `session`, and reads the one to
// follow. Errors: usage, and those of files.
NODISCARD bool scheduled_run_open(ScheduledRun *run, const ScheduleSettings *settings,
                                  Session *session, Error *error);

// Fills in options->driver and, where they are left open, the other options. Errors: usage (a
// schedule of other options), and those of following operations.
NODISCARD bool scheduled_run_prepare(ScheduledRun *run, const HeapImage *image,
                                     MarkOptions *options, Error *error);

// After the mark: writes the recorded schedule; checks that all of the given one was followed.
NODISCARD bool scheduled_run_finish(ScheduledRun *run, Error *error);

// After a failure: did the run depart from the schedule, or, with operations, violate a rule? Adds
// a hint to `error` if it departed because the heap is another one.
bool scheduled_run_has_departed(const ScheduledRun *run, Error *error);

void scheduled_run_release(ScheduledRun *run);

#endif
