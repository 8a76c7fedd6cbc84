// Schedule files: see formats/schedule_file.h.

#include "formats/schedule_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_CHARS 256u
#define VERSION 1u

// ---- writing ----

static bool put(JsonSink sink, const char *line, int length, Error *error)
{
    return sink.write(sink.context, line, (size_t)length, error);
}

bool schedule_file_write(JsonSink sink, const ScheduleRecording *recording, const char *digest,
                         Error *error)
{
    char line[LINE_CHARS * 4];
    int length =
        snprintf(line, sizeof line,
                 "rudo-snap schedule %u\n"
                 "heap %s\n"
                 "kind %s\n"
                 "policy %s\n"
                 "workers %u\n"
                 "capacity %u\n"
                 "steps %llu\n"
                 "# worker quantum outcome victim claimed edges words\n",
                 VERSION, recording->heap, mark_kind_name(recording->kind),
                 recording->policy == MARK_POLICY_OWNER ? "owner" : "steal", recording->workers,
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
    length = snprintf(line, sizeof line, "end %s\n", digest);
    return put(sink, line, length, error);
}

// ---- reading ----

typedef struct ScheduleReader {
    FILE *stream;
    const char *path;
    unsigned long long line_number;
    char line[LINE_CHARS]; // without its line feed
} ScheduleReader;

static bool damaged(const ScheduleReader *reader, const char *what, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "schedule '%s' is damaged: line %llu: %s", reader->path,
                     reader->line_number, what);
}

// The next line that is no comment.
static bool next_line(ScheduleReader *reader, Error *error)
{
    do {
        size_t length;
        reader->line_number++;
        errno = 0;
        if (fgets(reader->line, sizeof reader->line, reader->stream) == NULL) {
            if (ferror(reader->stream))
                return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", reader->path,
                                 strerror(errno));
            return damaged(reader, "the file ends early", error);
        }
        length = strlen(reader->line);
        if (length == 0 || reader->line[length - 1] != '\n')
            return damaged(reader, "the line is too long, or cut", error);
        reader->line[length - 1] = '\0';
    } while (reader->line[0] == '#');
    return true;
}

// The value of a head line "KEY VALUE".
static bool next_value(ScheduleReader *reader, const char *key, const char **value, Error *error)
{
    size_t length = strlen(key);
    char what[64];

    if (!next_line(reader, error))
        return false;
    if (strncmp(reader->line, key, length) != 0 || reader->line[length] != ' ') {
        (void)snprintf(what, sizeof what, "'%s' is missing", key);
        return damaged(reader, what, error);
    }
    *value = reader->line + length + 1;
    return true;
}

static bool next_number(ScheduleReader *reader, const char *key, uint64_t low, uint64_t high,
                        uint64_t *number, Error *error)
{
    const char *value;
    int used = 0;
    unsigned long long parsed;

    if (!next_value(reader, key, &value, error))
        return false;
    if (sscanf(value, "%19llu%n", &parsed, &used) != 1 || value[used] != '\0' || parsed < low ||
        parsed > high)
        return damaged(reader, "no such number can be here", error);
    *number = parsed;
    return true;
}

static bool read_head(ScheduleReader *reader, ScheduleRecording *recording, uint64_t *steps,
                      Error *error)
{
    const char *value;
    unsigned long long version;
    uint64_t number;

    if (!next_line(reader, error))
        return false;
    if (sscanf(reader->line, "rudo-snap schedule %18llu", &version) != 1)
        return error_set(error, ERROR_CORRUPT, "'%s' is no schedule", reader->path);
    if (version != VERSION)
        return error_set(error, ERROR_UNSUPPORTED, "schedule '%s' has version %llu", reader->path,
                         version);
    if (!next_value(reader, "heap", &value, error))
        return false;
    if (strlen(value) != sizeof recording->heap - 1)
        return damaged(reader, "that is no fingerprint", error);
    memcpy(recording->heap, value, sizeof recording->heap);
    if (!next_value(reader, "kind", &value, error))
        return false;
    recording->kind = strcmp(value, "minor") == 0 ? MARK_MINOR : MARK_MAJOR;
    if (strcmp(value, mark_kind_name(recording->kind)) != 0)
        return damaged(reader, "there is no such kind", error);
    if (!next_value(reader, "policy", &value, error))
        return false;
    recording->policy = strcmp(value, "owner") == 0 ? MARK_POLICY_OWNER : MARK_POLICY_STEAL;
    if (strcmp(value, "owner") != 0 && strcmp(value, "steal") != 0)
        return damaged(reader, "there is no such policy", error);
    if (!next_number(reader, "workers", 1, MAX_VIRTUAL_WORKERS, &number, error))
        return false;
    recording->workers = (uint32_t)number;
    if (!next_number(reader, "capacity", 2, UINT32_C(1) << 20, &number, error))
        return false;
    recording->queue_capacity = (uint32_t)number;
    return next_number(reader, "steps", 0, UINT64_C(1) << 40, steps, error);
}

static bool parse_step(const ScheduleReader *reader, RecordedStep *step, Error *error)
{
    unsigned worker, quantum, victim = NO_VICTIM;
    unsigned long long claimed, edges, words;
    char outcome[16], thief[8];
    int used = 0;

    if (sscanf(reader->line, "%9u %9u %15s %7s %10llu %10llu %10llu%n", &worker, &quantum, outcome,
               thief, &claimed, &edges, &words, &used) != 7 ||
        reader->line[used] != '\0' || worker >= MAX_VIRTUAL_WORKERS || quantum < 1 ||
        quantum > MAX_QUANTUM || claimed > UINT32_MAX || edges > UINT32_MAX || words > UINT32_MAX)
        return damaged(reader, "that is no step", error);
    if (strcmp(thief, "-") != 0 &&
        (sscanf(thief, "%3u", &victim) != 1 || victim >= MAX_VIRTUAL_WORKERS))
        return damaged(reader, "there is no such victim", error);
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
        return damaged(reader, "there is no such outcome", error);
    return true;
}

static bool read_all(ScheduleReader *reader, ScheduleRecording *recording, Error *error)
{
    const char *digest;
    uint64_t steps;

    if (!read_head(reader, recording, &steps, error))
        return false;
    for (uint64_t i = 0; i < steps; i++) {
        RecordedStep step;
        if (!next_line(reader, error) || !parse_step(reader, &step, error) ||
            !schedule_recording_add(recording, step, error))
            return false;
    }
    return next_value(reader, "end", &digest, error);
}

bool schedule_file_read(const char *path, ScheduleRecording *recording, Error *error)
{
    ScheduleReader reader = {.path = path};
    bool ok;

    *recording = (ScheduleRecording){.workers = 0};
    reader.stream = fopen(path, "re");
    if (reader.stream == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    ok = read_all(&reader, recording, error);
    (void)fclose(reader.stream);
    if (!ok)
        schedule_recording_release(recording);
    return ok;
}
