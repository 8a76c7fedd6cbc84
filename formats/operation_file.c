// Operation files: see formats/operation_file.h.

#include "formats/operation_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shell_word.h"
#include "formats/line_reader.h"
#include "marker/schedule/schedule_recording.h"

#define TEXT_CHARS 512u
#define VERSION 1u
#define FIRST_WORDS "rudo-snap operations "
// The first words of the files of formats/schedule_file.h.
#define STEPS_WORDS "rudo-snap schedule "
// Longer than any run.
#define MAX_CHOICES (UINT32_C(1) << 20)

static const char *const models[SIM_MODEL_COUNT] = {"sc", "tso", "c11"};
static const char *const cases[] = {"queue", "mark", "overflow"};
static const char *const kinds[] = {"major", "minor"};
static const char *const policies[] = {"steal", "owner"};

void operation_file_release(OperationFile *file)
{
    choice_list_release(&file->choices);
}

// ---- writing ----

static bool put(JsonSink sink, const char *text, int length, Error *error)
{
    return sink.write(sink.context, text, (size_t)length, error);
}

static const char *case_name(const ExploreCase *explored)
{
    return !explored->is_queue ? cases[1] : cases[explored->queue.is_overflow ? 2 : 0];
}

static bool write_case(JsonSink sink, const ExploreFinding *finding, Error *error)
{
    const ExploreCase *explored = &finding->subject.explored;
    char text[TEXT_CHARS], heap[MARK_DIGEST_CHARS];

    if (explored->is_queue)
        return put(sink, text,
                   snprintf(text, sizeof text,
                            "capacity %" PRIu32 "\noperations %s\nthieves %" PRIu32
                            "\nsteals %" PRIu32 "\n",
                            explored->queue.capacity, explored->queue.operations,
                            explored->queue.thieves, explored->queue.steals),
                   error);
    heap_fingerprint(explored->mark.image, heap);
    return put(sink, text,
               snprintf(text, sizeof text,
                        "heap %s\nkind %s\npolicy %s\nworkers %" PRIu32 "\ncapacity %" PRIu32 "\n",
                        heap, mark_kind_name(explored->mark.kind),
                        policies[explored->mark.policy == MARK_POLICY_OWNER],
                        explored->mark.workers, explored->mark.queue_capacity),
               error);
}

// Writes a line for each stretch of equal choices.
static bool write_choices(JsonSink sink, const ChoiceList *list, Error *error)
{
    char text[TEXT_CHARS];

    for (uint32_t start = 0, end; start < list->count; start = end) {
        SimChoice choice = list->choices[start];
        for (end = start + 1; end < list->count && list->choices[end].entity == choice.entity &&
                              list->choices[end].option == choice.option;)
            end++;
        if (!put(sink, text,
                 snprintf(text, sizeof text, "%c%u %u %" PRIu32 "\n",
                          choice.entity < SIM_FLUSHER ? 'w' : 'f', choice.entity % SIM_MAX_WORKERS,
                          choice.option, end - start),
                 error))
            return false;
    }
    return true;
}

bool operation_file_write(JsonSink sink, const ExploreFinding *finding, Error *error)
{
    char text[TEXT_CHARS];

    return put(sink, text,
               snprintf(text, sizeof text, FIRST_WORDS "%u\nmodel %s\ncase %s\n", VERSION,
                        sim_model_name(finding->model), case_name(&finding->subject.explored)),
               error) &&
           write_case(sink, finding, error) &&
           put(sink, text,
               snprintf(text, sizeof text,
                        "violation %s\nchoices %" PRIu32 "\n# who (w: worker, f: its store "
                        "buffer), which of the values, how often\n",
                        violation_kind_name(finding->violation.kind), finding->choices.count),
               error) &&
           write_choices(sink, &finding->choices, error) && put(sink, "end\n", 4, error);
}

// ---- reading ----

static bool read_queue(LineReader *reader, QueueCase *queue, Error *error)
{
    const char *operations;
    uint64_t number;

    if (!line_reader_power(reader, "capacity", 2, 64, &queue->capacity, error))
        return false;
    if (!line_reader_value(reader, "operations", &operations, error))
        return false;
    if (strlen(operations) > EXPLORE_MAX_OPERATIONS ||
        operations[strspn(operations, "+-?")] != '\0')
        return line_reader_damaged(reader, "not pushes and pops", error);
    memcpy(queue->operations, operations, strlen(operations) + 1);
    if (!line_reader_number(reader, "thieves", 0, EXPLORE_MAX_THIEVES, &number, error))
        return false;
    queue->thieves = (uint32_t)number;
    if (!line_reader_number(reader, "steals", 0, EXPLORE_MAX_STEALS, &number, error))
        return false;
    queue->steals = (uint32_t)number;
    return true;
}

static bool read_mark(LineReader *reader, OperationFile *file, Error *error)
{
    const char *heap;
    uint64_t number;
    uint32_t place;

    if (!line_reader_value(reader, "heap", &heap, error))
        return false;
    if (strlen(heap) != sizeof file->heap - 1)
        return line_reader_damaged(reader, "not a fingerprint", error);
    memcpy(file->heap, heap, sizeof file->heap);
    if (!line_reader_name(reader, "kind", kinds, 2, &place, error))
        return false;
    file->kind = place == 0 ? MARK_MAJOR : MARK_MINOR;
    if (!line_reader_name(reader, "policy", policies, 2, &place, error))
        return false;
    file->policy = place == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER;
    if (!line_reader_number(reader, "workers", 2, SIM_MAX_WORKERS, &number, error))
        return false;
    file->workers = (uint32_t)number;
    return line_reader_power(reader, "capacity", 2, 1024, &file->queue_capacity, error);
}

static bool read_choices(LineReader *reader, ChoiceList *list, uint64_t count, Error *error)
{
    while (list->count < count) {
        unsigned worker, option, times;
        char who;
        int used = 0;
        if (!line_reader_next(reader, error))
            return false;
        if (sscanf(reader->line, "%c%3u %3u %9u%n", &who, &worker, &option, &times, &used) != 4 ||
            reader->line[used] != '\0' || (who != 'w' && who != 'f') || worker >= SIM_MAX_WORKERS ||
            option > UINT8_MAX || times == 0 || times > count - list->count)
            return line_reader_damaged(reader, "not a choice", error);
        for (; times > 0; times--)
            if (!choice_list_add(list,
                                 (SimChoice){(uint8_t)(worker + (who == 'f' ? SIM_FLUSHER : 0)),
                                             (uint8_t)option}))
                return error_set_memory(error, count * sizeof(SimChoice), "the schedule");
    }
    return true;
}

static bool read_violation(LineReader *reader, ViolationKind *kind, Error *error)
{
    const char *names[VIOLATION_KIND_COUNT];
    uint32_t place;

    for (uint32_t i = 0; i < VIOLATION_KIND_COUNT; i++)
        names[i] = violation_kind_name((ViolationKind)i);
    if (!line_reader_name(reader, "violation", names, VIOLATION_KIND_COUNT, &place, error))
        return false;
    *kind = (ViolationKind)place;
    return true;
}

static bool read_all(LineReader *reader, OperationFile *file, Error *error)
{
    char quoted[SHELL_WORD_CHARS];
    unsigned long long version;
    uint64_t count;
    uint32_t place;

    if (!line_reader_next(reader, error))
        return false;
    if (sscanf(reader->line, FIRST_WORDS "%18llu", &version) != 1) {
        (void)error_set(error, ERROR_CORRUPT, "'%s' is not a schedule of operations", reader->path);
        return strncmp(reader->line, STEPS_WORDS, strlen(STEPS_WORDS)) == 0 &&
               error_add_hint(error,
                              "it is a schedule of steps: `rudo-snap mark --schedule file:%s` "
                              "follows it",
                              shell_word(reader->path, "SCHEDULE", quoted));
    }
    if (version != VERSION)
        return error_set(error, ERROR_UNSUPPORTED, "schedule '%s' has version %llu", reader->path,
                         version);
    if (!line_reader_name(reader, "model", models, SIM_MODEL_COUNT, &place, error))
        return false;
    file->model = (SimModel)place;
    if (!line_reader_name(reader, "case", cases, 3, &place, error))
        return false;
    file->is_queue = place != 1;
    file->queue.is_overflow = place == 2;
    if (file->is_queue ? !read_queue(reader, &file->queue, error) : !read_mark(reader, file, error))
        return false;
    if (!read_violation(reader, &file->violation, error) ||
        !line_reader_number(reader, "choices", 0, MAX_CHOICES, &count, error) ||
        !read_choices(reader, &file->choices, count, error) || !line_reader_next(reader, error))
        return false;
    if (strcmp(reader->line, "end") != 0)
        return line_reader_damaged(reader, "the end is missing", error);
    return line_reader_is_at_end(reader) ||
           line_reader_damaged(reader, "text behind the end", error);
}

bool operation_file_is(const char *path)
{
    LineReader reader;
    Error error;
    bool is_one;

    if (!line_reader_open(&reader, path, "schedule", &error))
        return false;
    is_one = line_reader_next(&reader, &error) &&
             strncmp(reader.line, FIRST_WORDS, strlen(FIRST_WORDS)) == 0;
    line_reader_close(&reader);
    return is_one;
}

bool operation_file_read(const char *path, OperationFile *file, Error *error)
{
    LineReader reader;
    bool ok;

    memset(file, 0, sizeof *file);
    if (!line_reader_open(&reader, path, "schedule", error))
        return false;
    ok = read_all(&reader, file, error);
    line_reader_close(&reader);
    if (!ok)
        operation_file_release(file);
    return ok;
}
