// Schedule files: see formats/schedule_file.h.

#include "formats/schedule_file.h"

#include <stdio.h>
#include <string.h>

#include "formats/line_reader.h"

#define HEAD_CHARS 1024u
#define VERSION 1u

// ---- writing ----

static bool put(JsonSink sink, const char *line, int length, Error *error)
{
    return sink.write(sink.context, line, (size_t)length, error);
}

bool schedule_file_write(JsonSink sink, const ScheduleRecording *recording, Error *error)
{
    char line[HEAD_CHARS], digest[DIGEST128_CHARS];
    int length = snprintf(line, sizeof line,
                          "rudo-snap schedule %u\n"
                          "heap %s\n"
                          "kind %s\n"
                          "policy %s\n"
                          "workers %u\n"
                          "capacity %u\n"
                          "steps %llu\n"
                          "# worker quantum outcome victim claimed edges words\n",
                          VERSION, recording->heap, mark_kind_name(recording->kind),
                          mark_policy_name(recording->policy), recording->workers,
                          recording->queue_capacity, (unsigned long long)recording->step_count);

    if (!put(sink, line, length, error))
        return false;
    for (uint64_t i = 0; i < recording->step_count; i++) {
        const RecordedStep *step = &recording->steps[i];
        char victim[8] = "-";
        if (step->victim != NO_VICTIM)
            (void)snprintf(victim, sizeof victim, "%u", step->victim);
        length = snprintf(line, sizeof line, "%u %u %s %s %u %u %u\n", step->worker, step->quantum,
                          step_outcome_name((StepOutcome)step->outcome), victim, step->claimed,
                          step->edges, step->scanned_words);
        if (!put(sink, line, length, error))
            return false;
    }
    schedule_recording_digest(recording, digest);
    length = snprintf(line, sizeof line, "end %s\n", digest);
    return put(sink, line, length, error);
}

// ---- reading ----

static bool read_head(LineReader *reader, ScheduleRecording *recording, uint64_t *steps,
                      Error *error)
{
    static const char *const kinds[] = {"major", "minor"};
    static const char *const policies[] = {"steal", "owner"};
    unsigned long long version;
    const char *value;
    uint64_t number;
    uint32_t place;

    if (!line_reader_next(reader, error))
        return false;
    if (sscanf(reader->line, "rudo-snap schedule %18llu", &version) != 1)
        return error_set(error, ERROR_CORRUPT, "'%s' is not a schedule", reader->path);
    if (version != VERSION)
        return error_set(error, ERROR_UNSUPPORTED, "schedule '%s' has version %llu", reader->path,
                         version);
    if (!line_reader_value(reader, "heap", &value, error))
        return false;
    if (strlen(value) != sizeof recording->heap - 1)
        return line_reader_damaged(reader, "not a fingerprint", error);
    memcpy(recording->heap, value, sizeof recording->heap);
    if (!line_reader_name(reader, "kind", kinds, 2, &place, error))
        return false;
    recording->kind = place == 0 ? MARK_MAJOR : MARK_MINOR;
    if (!line_reader_name(reader, "policy", policies, 2, &place, error))
        return false;
    recording->policy = place == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER;
    if (!line_reader_number(reader, "workers", 1, MAX_VIRTUAL_WORKERS, &number, error))
        return false;
    recording->workers = (uint32_t)number;
    if (!line_reader_power(reader, "capacity", 2, UINT32_C(1) << 20, &recording->queue_capacity,
                           error))
        return false;
    return line_reader_number(reader, "steps", 0, UINT64_C(1) << 40, steps, error);
}

static bool parse_step(const LineReader *reader, RecordedStep *step, Error *error)
{
    unsigned worker, quantum, victim = NO_VICTIM;
    unsigned long long claimed, edges, words;
    char outcome[16], thief[8];
    int used = 0;

    if (sscanf(reader->line, "%9u %9u %15s %7s %10llu %10llu %10llu%n", &worker, &quantum, outcome,
               thief, &claimed, &edges, &words, &used) != 7 ||
        reader->line[used] != '\0' || worker >= MAX_VIRTUAL_WORKERS || quantum < 1 ||
        quantum > MAX_QUANTUM || claimed > UINT32_MAX || edges > UINT32_MAX || words > UINT32_MAX)
        return line_reader_damaged(reader, "not a step", error);
    if (strcmp(thief, "-") != 0 &&
        (sscanf(thief, "%3u", &victim) != 1 || victim >= MAX_VIRTUAL_WORKERS))
        return line_reader_damaged(reader, "unknown victim", error);
    *step = (RecordedStep){.worker = (uint8_t)worker,
                           .quantum = (uint8_t)quantum,
                           .victim = (uint8_t)victim,
                           .claimed = (uint32_t)claimed,
                           .edges = (uint32_t)edges,
                           .scanned_words = (uint32_t)words};
    while (step->outcome < STEP_OUTCOME_COUNT &&
           strcmp(outcome, step_outcome_name((StepOutcome)step->outcome)) != 0)
        step->outcome++;
    if (step->outcome == STEP_OUTCOME_COUNT)
        return line_reader_damaged(reader, "unknown outcome", error);
    return true;
}

static bool read_all(LineReader *reader, ScheduleRecording *recording, Error *error)
{
    const char *digest;
    uint64_t steps;

    if (!read_head(reader, recording, &steps, error))
        return false;
    for (uint64_t i = 0; i < steps; i++) {
        RecordedStep step;
        if (!line_reader_next(reader, error) || !parse_step(reader, &step, error) ||
            !schedule_recording_add(recording, step, error))
            return false;
    }
    if (!line_reader_value(reader, "end", &digest, error))
        return false;
    if (strlen(digest) != sizeof recording->digest - 1)
        return line_reader_damaged(reader, "not a digest", error);
    memcpy(recording->digest, digest, sizeof recording->digest);
    return line_reader_is_at_end(reader) ||
           line_reader_damaged(reader, "text behind the end", error);
}

bool schedule_file_read(const char *path, ScheduleRecording *recording, Error *error)
{
    LineReader reader;
    bool ok;

    *recording = (ScheduleRecording){.workers = 0};
    if (!line_reader_open(&reader, path, "schedule", error))
        return false;
    ok = read_all(&reader, recording, error);
    line_reader_close(&reader);
    if (!ok)
        schedule_recording_release(recording);
    return ok;
}
