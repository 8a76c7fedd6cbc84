// Operation files: a file that was written is read again; a damaged one is refused, with its line.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/operation_file.h"
#include "marker/schedule/schedule_recording.h"

static const char *const queue_lines[] = {
    "rudo-snap operations 1",
    "model tso",
    "case queue",
    "capacity 4",
    "operations ++-?",
    "thieves 2",
    "steals 3",
    "# a comment",
    "violation twice",
    "choices 300",
    "w0 0 7",
    "f0 0 2",
    "w2 0 290",
    "w1 255 1",
    "end",
    NULL,
};

static const char *const mark_lines[] = {
    "rudo-snap operations 1",
    "model c11",
    "case mark",
    "heap xxh3-128:0123456789abcdef0123456789abcdef",
    "kind minor",
    "policy owner",
    "workers 8",
    "capacity 2",
    "violation none",
    "choices 0",
    "end",
    NULL,
};

// Reads the lines, with line `changed` (from 0; -1: none) replaced; NULL: cut there.
static bool read_changed(const char *const *lines, int changed, const char *line,
                         OperationFile *file, Error *error)
{
    char path[] = "/tmp/rudo-snap-operations.XXXXXX";
    int fd = mkstemp(path);
    FILE *stream = fdopen(fd, "w");
    bool ok;

    for (int i = 0; lines[i] != NULL; i++) {
        if (i == changed && line == NULL)
            break;
        fprintf(stream, "%s\n", i == changed ? line : lines[i]);
    }
    fclose(stream);
    ok = operation_file_read(path, file, error);
    cr_expect(operation_file_is(path) || changed == 0);
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

// The text that was written, without its comments.
static void expect_lines(const Text *text, const char *const *lines)
{
    const char *at = text->bytes;

    for (int i = 0; lines[i] != NULL; i++) {
        size_t length = strlen(lines[i]);
        if (lines[i][0] == '#')
            continue;
        while (*at == '#')
            at = strchr(at, '\n') + 1;
        cr_assert_eq(strncmp(at, lines[i], length), 0, "'%s' is not in '%s'", lines[i], at);
        cr_assert_eq(at[length], '\n');
        at += length + 1;
    }
    cr_expect_eq(at, text->bytes + text->used);
}

Test(operation_file, what_is_read_is_written_again)
{
    ExploreFinding finding;
    OperationFile file;
    Text text = {.used = 0};
    Error error;

    cr_assert(read_changed(queue_lines, -1, NULL, &file, &error), "%s", error.message);
    cr_expect_eq(file.model, SIM_TSO);
    cr_assert(file.is_queue);
    cr_expect_eq(file.queue.capacity, 4);
    cr_expect_eq(file.queue.thieves, 2);
    cr_expect_eq(file.queue.steals, 3);
    cr_expect_eq(file.violation, VIOLATION_TWICE);
    cr_assert_eq(file.choices.count, 300);
    cr_expect_eq(file.choices.choices[8].entity, SIM_FLUSHER);
    cr_expect_eq(file.choices.choices[298].entity, 2);
    cr_expect_eq(file.choices.choices[299].option, 255);
    finding = (ExploreFinding){.model = file.model,
                               .violation = {.kind = file.violation},
                               .choices = file.choices,
                               .subject.explored = {.is_queue = true, .queue = file.queue}};
    cr_assert(operation_file_write((JsonSink){append, &text}, &finding, &error));
    expect_lines(&text, queue_lines);
    operation_file_release(&file);
}

Test(operation_file, a_mark_names_its_heap)
{
    ScheduleRandom random = {1};
    ExploreFinding finding = {
        .model = SIM_C11,
        .subject.explored.mark = {
            .workers = 3, .kind = MARK_MINOR, .policy = MARK_POLICY_OWNER, .queue_capacity = 2}};
    char name[MARK_DIGEST_CHARS];
    ExploreHeap heap;
    OperationFile file;
    Text text = {.used = 0};
    Error error;

    cr_assert(read_changed(mark_lines, -1, NULL, &file, &error), "%s", error.message);
    cr_expect_not(file.is_queue);
    cr_expect_eq(file.kind, MARK_MINOR);
    cr_expect_eq(file.policy, MARK_POLICY_OWNER);
    cr_expect_eq(file.workers, 8);
    cr_expect_eq(file.queue_capacity, 2);
    cr_expect_str_eq(file.heap, mark_lines[3] + strlen("heap "));
    operation_file_release(&file);

    explore_heap_generate(&heap, &random, 9, 9);
    cr_assert(explore_subject_set_heap(&finding.subject, &heap, &error));
    cr_assert(operation_file_write((JsonSink){append, &text}, &finding, &error));
    heap_fingerprint(finding.subject.image, name);
    cr_expect_not_null(strstr(text.bytes, name));
    explore_finding_release(&finding);
}

static void expect_refused(const char *const *lines, int line, const char *text, ErrorCode code)
{
    OperationFile file;
    Error error;

    cr_expect(!read_changed(lines, line, text, &file, &error), "'%s'", text);
    cr_expect_eq(error.code, code, "'%s': %s", text, error.message);
    cr_expect_null(file.choices.choices);
    if (line > 0 && text != NULL && strncmp(text, "choices", 7) != 0) {
        char named[32];
        (void)snprintf(named, sizeof named, ": line %d: ", line + 1);
        cr_expect_not_null(strstr(error.message, named), "'%s': %s", text, error.message);
    }
}

Test(operation_file, what_is_damaged_is_refused)
{
    static char long_line[400];
    static const struct {
        const char *const *lines;
        int line;
        const char *text;
    } cases[] = {
        {queue_lines, 0, "something else"},
        {queue_lines, 0, ""},
        {queue_lines, 1, "model arm"},
        {queue_lines, 2, "case stack"},
        {queue_lines, 3, "capacity 1"},
        {queue_lines, 3, "capacity 3"},
        {queue_lines, 3, "capacity 128"},
        {queue_lines, 4, "operations +*"},
        {queue_lines, 4, "operations +++++++++++++++++++++++++++++++++++++++++"},
        {queue_lines, 5, "thieves 5"},
        {queue_lines, 5, "thieves -1"},
        {queue_lines, 6, "steals 17"},
        {queue_lines, 8, "violation dreadful"},
        {queue_lines, 9, "choices 301"},
        {queue_lines, 9, "choices 299"},
        {queue_lines, 9, "choices 1048577"},
        {queue_lines, 10, "w8 0 7"},
        {queue_lines, 10, "x0 0 7"},
        {queue_lines, 10, "w0 256 7"},
        {queue_lines, 10, "w0 0 0"},
        {queue_lines, 10, "w0 0 301"},
        {queue_lines, 10, "w0 0 -1"},
        {queue_lines, 10, "w0 0 7 1"},
        {queue_lines, 10, long_line},
        {queue_lines, 14, "the end"},
        {mark_lines, 3, "heap xxh3-128:0123"},
        {mark_lines, 4, "kind middle"},
        {mark_lines, 5, "policy thief"},
        {mark_lines, 6, "workers 1"},
        {mark_lines, 6, "workers 9"},
        {mark_lines, 7, "capacity 1025"},
        {mark_lines, 7, "capacity 3"},
    };

    memset(long_line, '1', sizeof long_line - 1);
    expect_refused(queue_lines, 0, "rudo-snap operations 2", ERROR_UNSUPPORTED);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i].lines, cases[i].line, cases[i].text, ERROR_CORRUPT);
    for (int line = 0; queue_lines[line] != NULL; line++)
        expect_refused(queue_lines, line, NULL, ERROR_CORRUPT);
}

Test(operation_file, a_file_that_is_not_there_is_the_systems_fault)
{
    OperationFile file;
    Error error;

    cr_expect(!operation_file_read("/nonexistent/schedule", &file, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_not(operation_file_is("/nonexistent/schedule"));
}
