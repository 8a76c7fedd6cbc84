// Schedule files: a file that was written is read again; a damaged one is refused, with its line.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/schedule_file.h"

static const char *const whole[] = {
    "rudo-snap schedule 1",
    "heap xxh3-128:0123456789abcdef0123456789abcdef",
    "kind minor",
    "policy owner",
    "workers 3",
    "capacity 2",
    "steps 2",
    "# a comment",
    "0 16 started - 7 0 0",
    "2 1 found 1 4294967295 2 3",
    "end xxh3-128:00000000000000000000000000000000",
    NULL,
};

// Reads the lines above, with line `changed` (from 0; -1: none) replaced; NULL: cut there.
static bool read_changed(int changed, const char *line, ScheduleRecording *recording, Error *error)
{
    char path[] = "/tmp/rudo-snap-schedule.XXXXXX";
    int fd = mkstemp(path);
    FILE *stream = fdopen(fd, "w");
    bool ok;

    for (int i = 0; whole[i] != NULL; i++) {
        if (i == changed && line == NULL)
            break;
        fprintf(stream, "%s\n", i == changed ? line : whole[i]);
    }
    fclose(stream);
    ok = schedule_file_read(path, recording, error);
    unlink(path);
    return ok;
}

typedef struct Text {
    char bytes[4096];
    size_t used;
} Text;

static bool append(void *context, const char *bytes, size_t count, Error *error)
{
    Text *text = context;

    (void)error;
    cr_assert(text->used + count < sizeof text->bytes);
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    return true;
}

Test(schedule_file, what_is_read_is_written_again)
{
    ScheduleRecording recording;
    Text text = {.used = 0}, wanted = {.used = 0};
    Error error;

    cr_assert(read_changed(-1, NULL, &recording, &error), "%s", error.message);
    cr_expect_eq(recording.workers, 3);
    cr_expect_eq(recording.kind, MARK_MINOR);
    cr_expect_eq(recording.policy, MARK_POLICY_OWNER);
    cr_expect_eq(recording.queue_capacity, 2);
    cr_assert_eq(recording.step_count, 2);
    cr_expect_eq(recording.steps[0].victim, NO_VICTIM);
    cr_expect_eq(recording.steps[1].outcome, STEP_FOUND);
    cr_expect_eq(recording.steps[1].claimed, UINT32_MAX);
    cr_expect_str_eq(recording.digest, "xxh3-128:00000000000000000000000000000000");
    cr_assert(schedule_file_write((JsonSink){append, &text}, &recording, &error));
    schedule_recording_digest(&recording, recording.digest);
    for (int i = 0; whole[i] != NULL; i++)
        if (strncmp(whole[i], "end ", 4) == 0)
            wanted.used +=
                (size_t)sprintf(wanted.bytes + wanted.used, "end %s\n", recording.digest);
        else if (whole[i][0] != '#')
            wanted.used += (size_t)sprintf(wanted.bytes + wanted.used, "%s\n", whole[i]);
    // Without the comment that the writer puts above the steps.
    char *comment = strchr(text.bytes, '#');
    cr_assert_not_null(comment);
    memmove(comment, strchr(comment, '\n') + 1, strlen(strchr(comment, '\n') + 1) + 1);
    cr_expect_str_eq(text.bytes, wanted.bytes);
    schedule_recording_release(&recording);
}

Test(schedule_file, what_is_damaged_is_refused)
{
    static char long_line[400];
    static const struct {
        int line;
        const char *text;
        ErrorCode code;
    } cases[] = {
        {0, "rudo-snap schedule 2", ERROR_UNSUPPORTED},
        {0, "something else", ERROR_CORRUPT},
        {0, "", ERROR_CORRUPT},
        {1, "heap xxh3-128:0123", ERROR_CORRUPT},
        {1, "heap", ERROR_CORRUPT},
        {2, "kind middle", ERROR_CORRUPT},
        {3, "policy thief", ERROR_CORRUPT},
        {4, "workers 0", ERROR_CORRUPT},
        {4, "workers 65", ERROR_CORRUPT},
        {4, "workers -1", ERROR_CORRUPT},
        {4, "workers 3 4", ERROR_CORRUPT},
        {5, "capacity 1", ERROR_CORRUPT},
        {5, "capacity 3", ERROR_CORRUPT},
        {5, "capacity 99999999999999999999", ERROR_CORRUPT},
        {6, "steps 3", ERROR_CORRUPT},
        {6, "steps 1", ERROR_CORRUPT},
        {6, "steps 999999999999999", ERROR_CORRUPT},
        {8, "0 17 started - 7 0 0", ERROR_CORRUPT},
        {8, "0 0 started - 7 0 0", ERROR_CORRUPT},
        {8, "64 1 started - 7 0 0", ERROR_CORRUPT},
        {8, "0 1 dozed - 7 0 0", ERROR_CORRUPT},
        {8, "0 1 started 64 7 0 0", ERROR_CORRUPT},
        {8, "0 1 started x 7 0 0", ERROR_CORRUPT},
        {8, "0 1 started - 7 0", ERROR_CORRUPT},
        {8, "0 1 started - 7 0 0 0", ERROR_CORRUPT},
        {8, long_line, ERROR_CORRUPT},
        {10, "end xxh3-128:00", ERROR_CORRUPT},
        {10, "end xxh3-128:00000000000000000000000000000000\nmore", ERROR_CORRUPT},
    };

    memset(long_line, '1', sizeof long_line - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ScheduleRecording recording;
        Error error;
        cr_expect(!read_changed(cases[i].line, cases[i].text, &recording, &error), "'%s'",
                  cases[i].text);
        cr_expect_eq(error.code, cases[i].code, "'%s': %s", cases[i].text, error.message);
        cr_expect_null(recording.steps);
    }
    // Cut anywhere.
    for (int line = 0; whole[line] != NULL; line++) {
        ScheduleRecording recording;
        Error error;
        cr_expect(!read_changed(line, NULL, &recording, &error));
        cr_expect_eq(error.code, ERROR_CORRUPT);
    }
}

Test(schedule_file, a_file_that_is_not_there_is_the_systems_fault)
{
    ScheduleRecording recording;
    Error error;

    cr_expect(!schedule_file_read("/nonexistent/schedule", &recording, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
}
