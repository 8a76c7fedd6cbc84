// `--schedule`, `--scheduler` and `--record`: see cli/schedule_option.h.

#include "cli/schedule_option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explore_replay.h"
#include "formats/operation_file.h"
#include "formats/schedule_file.h"
#include "marker/mark_schedule.h"

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
        return error_set(error, ERROR_USAGE, "--schedule: '%s' is not a seed", text);
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

bool scheduled_run_parse(ScheduledRun *run, const ScheduleSettings *settings, Error *error)
{
    run->schedule = mark_schedule_default();
    if (!parse_schedule(run, settings->schedule, error))
        return false;
    run->schedule.policy = (SchedulePolicy)settings->scheduler;
    if (settings->record != NULL && (!run->is_scheduled || run->file != NULL))
        return error_set(error, ERROR_USAGE, "--record needs --schedule seed:S");
    if (settings->record != NULL && !result_file_open(&run->record, settings->record, error))
        return false;
    if (run->file == NULL)
        return true;
    run->has_operations = operation_file_is(run->file);
    return run->has_operations || schedule_file_read(run->file, &run->recording, error);
}

// The options of the recorded mark; whoever asks for others is told.
static bool take_options(const ScheduledRun *run, MarkOptions *options, Error *error)
{
    const ScheduleRecording *recording = &run->recording;

    if (options->workers != 0 && options->workers != recording->workers)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for %u workers", run->file,
                         recording->workers);
    if (options->policy != MARK_POLICY_DEFAULT && options->policy != recording->policy)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for the other --policy", run->file);
    if (options->kind != MARK_MAJOR && options->kind != recording->kind)
        return error_set(error, ERROR_USAGE, "schedule '%s' is for a %s mark", run->file,
                         mark_kind_name(recording->kind));
    options->workers = recording->workers;
    options->policy = recording->policy;
    options->kind = recording->kind;
    options->queue_capacity = recording->queue_capacity;
    return true;
}

static bool prepare_following(ScheduledRun *run, const HeapImage *image, MarkOptions *options,
                              Error *error)
{
    char heap[MARK_DIGEST_CHARS];

    heap_fingerprint(image, heap);
    if (strcmp(heap, run->recording.heap) != 0)
        return error_set(error, ERROR_USAGE, "schedule '%s' was recorded from another heap",
                         run->file);
    schedule_follower_init(&run->follower, &run->recording);
    schedule_follow(&run->follower, &run->schedule);
    return take_options(run, options, error);
}

// Operations are followed in the exploring build, here and now. When they lead to no violation, the
// mark itself may go on as it likes: the result is the same.
static bool follow_operations(ScheduledRun *run, const HeapImage *image, Error *error)
{
    if (!explore_replay(run->file, image, false, &run->violation, error))
        return false;
    if (run->violation.kind == VIOLATION_NONE)
        return true;
    (void)error_set(error, ERROR_SYSTEM, "the schedule leads to a violation: %s (%s)",
                    run->violation.text, violation_kind_name(run->violation.kind));
    return error_add_hint(error, "`rudo-snap explore --replay %s FILE` shows each step", run->file);
}

bool scheduled_run_prepare(ScheduledRun *run, const HeapImage *image, MarkOptions *options,
                           Error *error)
{
    if (!run->is_scheduled)
        return true;
    if (run->has_operations)
        return follow_operations(run, image, error);
    options->schedule = &run->schedule;
    if (run->file != NULL)
        return prepare_following(run, image, options, error);
    if (options->workers == 0)
        options->workers = DEFAULT_VIRTUAL_WORKERS;
    if (options->policy == MARK_POLICY_DEFAULT)
        options->policy = MARK_POLICY_STEAL;
    if (run->record.stream != NULL) {
        schedule_recording_init(&run->recording, image, options);
        run->schedule.observer = schedule_recorder(&run->recording);
    }
    return true;
}

bool scheduled_run_finish(ScheduledRun *run, const MarkResult *result, Error *error)
{
    if (run->has_operations)
        return true;
    if (run->file != NULL)
        return schedule_follower_finish(&run->follower, error);
    return run->record.stream == NULL ||
           (schedule_file_write(result_file_sink(&run->record), &run->recording,
                                result->statistics.schedule.digest, error) &&
            result_file_commit(&run->record, error));
}

bool scheduled_run_has_departed(const ScheduledRun *run)
{
    return run->follower.has_departed || run->violation.kind != VIOLATION_NONE;
}

void scheduled_run_release(ScheduledRun *run)
{
    result_file_release(&run->record);
    schedule_recording_release(&run->recording);
}
