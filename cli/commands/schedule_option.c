// `--schedule`, `--scheduler` and `--record`: see cli/commands/schedule_option.h.

#include "cli/commands/schedule_option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/shell_word.h"
#include "formats/schedule_file.h"
#include "marker/schedule/mark_schedule.h"

const OptionChoice scheduler_choices[] = {
    {"random", SCHEDULE_RANDOM},
    {"round-robin", SCHEDULE_ROUND_ROBIN},
    {"pct", SCHEDULE_PCT},
    {"preemption", SCHEDULE_PREEMPTION},
    {"longest-idle", SCHEDULE_LONGEST_IDLE},
    {"thief", SCHEDULE_THIEF},
    {"clock", SCHEDULE_CLOCK},
    {NULL, 0},
};

static bool parse_seed(const char *text, uint64_t *seed, Error *error)
{
    char *end;

    errno = 0;
    *seed = strtoull(text, &end, 10);
    // strtoull() would also take blanks and signs.
    if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9')
        return error_set(error, ERROR_USAGE, "--schedule: '%s' is not a seed, a number from 0",
                         text);
    return true;
}

static bool parse_schedule(ScheduledRun *run, const char *text, Error *error)
{
    if (text == NULL || strcmp(text, "threads") == 0)
        return true;
    run->is_scheduled = true;
    if (strncmp(text, "seed:", 5) == 0)
        return parse_seed(text + 5, &run->schedule.seed, error);
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        run->file = text + 5;
        run->schedule.seed = 0;
        return true;
    }
    return error_set(error, ERROR_USAGE,
                     "--schedule: '%s' is neither 'threads' nor 'seed:S' nor 'file:FILE'", text);
}

static bool read_operations(ScheduledRun *run, Error *error)
{
    char quoted[SHELL_WORD_CHARS];

    if (!operation_file_read(run->file, &run->operations, error))
        return false;
    if (!run->operations.is_queue)
        return true;
    (void)error_set(error, ERROR_USAGE, "schedule '%s' is for a queue, not for a mark", run->file);
    return error_add_hint(error, "`rudo-snap explore --replay %s` runs it",
                          shell_word(run->file, "SCHEDULE", quoted));
}

static bool read_steps(ScheduledRun *run, Error *error)
{
    char digest[DIGEST128_CHARS];

    if (!schedule_file_read(run->file, &run->recording, error))
        return false;
    schedule_recording_digest(&run->recording, digest);
    return strcmp(digest, run->recording.digest) == 0 ||
           error_set(error, ERROR_CORRUPT,
                     "schedule '%s' is damaged: the digest of its steps is not the one at its end",
                     run->file);
}

bool scheduled_run_open(ScheduledRun *run, const ScheduleSettings *settings, Session *session,
                        Error *error)
{
    run->schedule = mark_schedule_default();
    if (!parse_schedule(run, settings->schedule, error))
        return false;
    run->schedule.policy = (SchedulePolicy)settings->scheduler;
    if (settings->record != NULL && (!run->is_scheduled || run->file != NULL))
        return error_set(error, ERROR_USAGE, "--record needs --schedule seed:S");
    if (run->file != NULL && !session_add_input(session, run->file, error))
        return false;
    if (!session_open_result(session, "--record", settings->record, &run->record, error))
        return false;
    if (run->file == NULL)
        return true;
    run->has_operations = operation_file_is(run->file);
    return run->has_operations ? read_operations(run, error) : read_steps(run, error);
}

// Takes the options of the recorded mark; other options are errors.
static bool take_options(const ScheduledRun *run, const MarkOptions *recorded, MarkOptions *options,
                         Error *error)
{
    if (options->workers != 0 && options->workers != recorded->workers)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for %u workers", run->file,
                         recorded->workers);
    if (options->policy != MARK_POLICY_DEFAULT && options->policy != recorded->policy)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for --policy %s", run->file,
                         mark_policy_name(recorded->policy));
    if (options->kind != MARK_MAJOR && options->kind != recorded->kind)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for a %s mark", run->file,
                         mark_kind_name(recorded->kind));
    options->workers = recorded->workers;
    options->policy = recorded->policy;
    options->kind = recorded->kind;
    options->queue_capacity = recorded->queue_capacity;
    return true;
}

static bool prepare_following(ScheduledRun *run, const HeapImage *image, MarkOptions *options,
                              Error *error)
{
    const ScheduleRecording *recording = &run->recording;
    char heap[MARK_DIGEST_CHARS];

    heap_fingerprint(image, heap);
    run->is_other_heap = strcmp(heap, recording->heap) != 0;
    schedule_follower_init(&run->follower, recording);
    schedule_follow(&run->follower, &run->schedule);
    return take_options(run,
                        &(MarkOptions){.workers = recording->workers,
                                       .kind = recording->kind,
                                       .policy = recording->policy,
                                       .queue_capacity = recording->queue_capacity},
                        options, error);
}

// Operations are followed in the exploring build, before the mark. If they lead to no violation,
// the mark itself runs on any schedule: the result is the same.
static bool follow_operations(ScheduledRun *run, const HeapImage *image, MarkOptions *options,
                              Error *error)
{
    char quoted[SHELL_WORD_CHARS];
    const OperationFile *file = &run->operations;
    const Violation *violation = &run->replay.violation;

    if (!take_options(run,
                      &(MarkOptions){.workers = file->workers,
                                     .kind = file->kind,
                                     .policy = file->policy,
                                     .queue_capacity = file->queue_capacity},
                      options, error) ||
        !explore_replay(file, run->file, image, false, &run->replay, error))
        return false;
    if (violation->kind == VIOLATION_NONE)
        return true;
    (void)error_set(error, ERROR_SYSTEM, "the schedule leads to a violation: %s (%s)",
                    violation->text, violation_kind_name(violation->kind));
    return error_add_hint(error, "`rudo-snap explore --replay %s FILE` shows each step",
                          shell_word(run->file, "SCHEDULE", quoted));
}

bool scheduled_run_prepare(ScheduledRun *run, const HeapImage *image, MarkOptions *options,
                           Error *error)
{
    if (!run->is_scheduled)
        return true;
    if (run->has_operations)
        return follow_operations(run, image, options, error);
    options->driver = &run->schedule.driver;
    if (run->file != NULL)
        return prepare_following(run, image, options, error);
    if (options->workers == 0)
        options->workers = DEFAULT_VIRTUAL_WORKERS;
    if (options->policy == MARK_POLICY_DEFAULT)
        options->policy = MARK_POLICY_STEAL;
    if (run->record != NULL) {
        schedule_recording_init(&run->recording, image, options);
        run->schedule.observer = schedule_recorder(&run->recording);
    }
    return true;
}

// A run can follow the schedule of a heap that differs in what the steps do not count.
static bool check_heap(ScheduledRun *run, Error *error)
{
    if (!run->is_other_heap)
        return true;
    run->follower.has_departed = true;
    run->is_other_heap = false; // said here
    return error_set(error, ERROR_CORRUPT,
                     "schedule '%s' was recorded from another heap; the run follows its steps all "
                     "the same",
                     run->file);
}

bool scheduled_run_finish(ScheduledRun *run, Error *error)
{
    if (run->has_operations)
        return true;
    if (run->file != NULL)
        return schedule_follower_finish(&run->follower, error) && check_heap(run, error);
    return run->record == NULL ||
           (schedule_file_write(result_file_sink(run->record), &run->recording, error) &&
            output_file_commit(run->record, error));
}

bool scheduled_run_has_departed(const ScheduledRun *run, Error *error)
{
    if (run->follower.has_departed && run->is_other_heap)
        (void)error_add_hint(error, "it was recorded from another heap");
    return run->follower.has_departed || run->replay.has_departed ||
           run->replay.violation.kind != VIOLATION_NONE;
}

void scheduled_run_release(ScheduledRun *run)
{
    schedule_recording_release(&run->recording);
    operation_file_release(&run->operations);
}
