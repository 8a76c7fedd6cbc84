// ReplayMerge: see formats/replay_merge.h.

#include "formats/replay_merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json_object.h"

// The limit of the option --shard.
#define MAX_PARTS 100000u
#define MAX_EXIT_STATUS 4u

// A file while it is read.
typedef struct PartReader {
    ReplayMerge *merge;
    const char *path;
    unsigned long long line_number;
    bool has_count;
    uint32_t heaps;
} PartReader;

void replay_merge_init(ReplayMerge *merge)
{
    *merge = (ReplayMerge){.count = 0};
}

static void release_line(ReplayLine *line)
{
    free(line->json);
    free(line->heap);
    free(line->text);
    free(line->again);
}

void replay_merge_release(ReplayMerge *merge)
{
    for (uint64_t i = 0; i < merge->count; i++)
        release_line(&merge->lines[i]);
    free(merge->lines);
    free(merge->run);
    free(merge->part_files);
    replay_merge_init(merge);
}

static bool damaged(const PartReader *reader, const char *how, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "replay result '%s' is damaged: line %llu: %s",
                     reader->path, reader->line_number, how);
}

// ---- the run ----

static bool parse_shard(const char *text, uint32_t *part, uint32_t *parts)
{
    char again[32];

    if (sscanf(text, "%9u/%9u", part, parts) != 2 || *part < 1 || *part > *parts ||
        *parts > MAX_PARTS)
        return false;
    (void)snprintf(again, sizeof again, "%u/%u", *part, *parts);
    return strcmp(again, text) == 0;
}

static bool take_part(PartReader *reader, uint32_t part, uint32_t parts, Error *error)
{
    ReplayMerge *merge = reader->merge;

    if (merge->part_files == NULL) {
        merge->parts = parts;
        merge->part_files = calloc(parts, sizeof *merge->part_files);
        if (merge->part_files == NULL)
            return error_set_memory(error, parts * sizeof *merge->part_files, "shards");
    }
    if (parts != merge->parts)
        return error_set(error, ERROR_USAGE,
                         "'%s' belongs to another run: it has %u shards, not %u", reader->path,
                         parts, merge->parts);
    if (merge->part_files[part - 1] != NULL)
        return error_set(error, ERROR_USAGE, "'%s' and '%s' are both shard %u/%u",
                         merge->part_files[part - 1], reader->path, part, parts);
    merge->part_files[part - 1] = reader->path;
    return true;
}

// True when the members that distinguish runs are there.
static bool is_run(const JsonObject *run)
{
    static const char *const texts[] = {"workers", "seeds", "policies", "shard"};
    const char *text;
    bool has_golden;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (json_object_get_text(run, texts[i], &text) != JSON_FOUND)
            return false;
    return json_object_get_bool(run, "golden", &has_golden) == JSON_FOUND;
}

static bool take_run(PartReader *reader, JsonObject *object, Error *error)
{
    ReplayMerge *merge = reader->merge;
    JsonObject *run = json_object_member(object, "run");
    const char *shard;
    uint32_t part, parts;
    char *line;

    if (run == NULL || !is_run(run) || json_object_get_text(run, "shard", &shard) != JSON_FOUND ||
        !parse_shard(shard, &part, &parts))
        return damaged(reader, "it does not describe a run", error);
    // Older files do not say how many heaps there were.
    reader->has_count = json_object_get_u32(run, "heap_count", &reader->heaps) == JSON_FOUND;
    // Equal for all shards of one run, and but for the number of heaps the line that a replay of
    // all of them writes.
    line = json_object_set_text(run, "shard", "1/1") &&
                   (!reader->has_count || json_object_set_u32(run, "heap_count", 0))
               ? json_object_print_line(object)
               : NULL;
    if (line == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a run");
    if (merge->run != NULL && strcmp(merge->run, line) != 0) {
        free(line);
        return error_set(error, ERROR_USAGE,
                         "'%s' belongs to another run: workers, seeds, policies "
                         "or goldens differ",
                         reader->path);
    }
    free(merge->run);
    merge->run = line;
    return take_part(reader, part, parts, error);
}

// ---- heaps ----

static bool find_verdict(const char *name, ReplayVerdict *verdict)
{
    for (int i = 0; i < REPLAY_VERDICT_COUNT; i++) {
        *verdict = (ReplayVerdict)i;
        if (strcmp(name, replay_verdict_name(*verdict)) == 0)
            return true;
    }
    return false;
}

static bool take_heap(PartReader *reader, const JsonObject *object, const char *json, Error *error)
{
    const char *heap, *verdict, *text = NULL, *again = NULL;
    ReplayLine line = {.file = reader->path};
    ReplayMerge *merge = reader->merge;

    if (json_object_get_text(object, "heap", &heap) != JSON_FOUND ||
        json_object_get_text(object, "verdict", &verdict) != JSON_FOUND ||
        json_object_get_u32(object, "exit_status", &line.exit_status) != JSON_FOUND ||
        json_object_get_bool(object, "updated", &line.is_updated) != JSON_FOUND ||
        !find_verdict(verdict, &line.verdict) || line.exit_status > MAX_EXIT_STATUS ||
        (line.exit_status == 0) != (line.verdict == REPLAY_EQUAL))
        return damaged(reader, "it does not describe a heap", error);
    (void)json_object_get_text(object, "text", &text);
    (void)json_object_get_text(object, "again", &again);
    if (!array_reserve(&merge->lines, &merge->capacity, merge->count + 1, sizeof line, "heaps",
                       error))
        return false;
    line.json = strdup(json);
    line.heap = strdup(heap);
    line.text = text != NULL ? strdup(text) : NULL;
    line.again = again != NULL ? strdup(again) : NULL;
    if (line.json == NULL || line.heap == NULL || (text != NULL && line.text == NULL) ||
        (again != NULL && line.again == NULL)) {
        release_line(&line);
        return error_set_memory(error, strlen(json), "a heap");
    }
    merge->lines[merge->count++] = line;
    return true;
}

static bool take_line(PartReader *reader, const char *json, size_t length, Error *error)
{
    const char *schema;
    JsonObject *object;
    Error why;
    bool ok;

    if (!json_object_parse(json, length, &object, &why))
        return why.code == ERROR_MEMORY ? error_set(error, ERROR_MEMORY, "%s", why.message)
                                        : damaged(reader, why.message, error);
    if (json_object_get_text(object, "schema", &schema) != JSON_FOUND ||
        strcmp(schema, REPLAY_SCHEMA) != 0)
        ok = damaged(reader, "its schema is not " REPLAY_SCHEMA, error);
    else if (reader->line_number == 1)
        ok = take_run(reader, object, error);
    else
        ok = take_heap(reader, object, json, error);
    json_object_free(object);
    return ok;
}

bool replay_merge_add(ReplayMerge *merge, const char *path, Error *error)
{
    PartReader reader = {.merge = merge, .path = path};
    FILE *stream = fopen(path, "re");
    size_t capacity = 0;
    char *line = NULL;
    ssize_t length;
    bool ok = true;

    if (stream == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    errno = 0;
    while (ok && (length = getline(&line, &capacity, stream)) > 0) {
        reader.line_number++;
        if (line[length - 1] != '\n')
            ok = damaged(&reader, "the line is cut short", error);
        else
            line[--length] = '\0';
        // A zero byte inside would end the text early.
        if (ok && strlen(line) != (size_t)length)
            ok = damaged(&reader, "it holds a NUL byte", error);
        ok = ok && take_line(&reader, line, (size_t)length, error);
    }
    if (ok && ferror(stream))
        ok = error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
    if (ok && reader.line_number == 0)
        ok = error_set(error, ERROR_CORRUPT, "replay result '%s' is empty", path);
    if (ok && reader.has_count && reader.line_number - 1 != reader.heaps)
        ok = error_set(error, ERROR_CORRUPT,
                       "replay result '%s' has %llu of %u heaps: it is cut, or its replay was "
                       "interrupted",
                       path, reader.line_number - 1, reader.heaps);
    free(line);
    (void)fclose(stream);
    return ok;
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(((const ReplayLine *)left)->heap, ((const ReplayLine *)right)->heap);
}

// Gives the line about the run the number of all heaps.
static bool count_heaps(ReplayMerge *merge, Error *error)
{
    JsonObject *object, *run;
    uint32_t heaps;
    char *line = merge->run;

    if (!json_object_parse(line, strlen(line), &object, error))
        return false;
    run = json_object_member(object, "run");
    if (json_object_get_u32(run, "heap_count", &heaps) == JSON_FOUND)
        line = json_object_set_u32(run, "heap_count", (uint32_t)merge->count)
                   ? json_object_print_line(object)
                   : NULL;
    json_object_free(object);
    if (line == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a run");
    if (line != merge->run)
        free(merge->run);
    merge->run = line;
    return true;
}

bool replay_merge_finish(ReplayMerge *merge, Error *error)
{
    for (uint32_t part = 0; part < merge->parts; part++)
        if (merge->part_files[part] == NULL)
            return error_set(error, ERROR_USAGE, "shard %u/%u is missing", part + 1, merge->parts);
    if (merge->count > 0)
        qsort(merge->lines, merge->count, sizeof *merge->lines, compare_lines);
    for (uint64_t i = 1; i < merge->count; i++)
        if (strcmp(merge->lines[i - 1].heap, merge->lines[i].heap) == 0)
            return error_set(error, ERROR_USAGE, "heap '%s' is in '%s' and in '%s'",
                             merge->lines[i].heap, merge->lines[i - 1].file, merge->lines[i].file);
    return count_heaps(merge, error);
}

static bool put_line(JsonSink sink, const char *line, Error *error)
{
    return sink.write(sink.context, line, strlen(line), error) &&
           sink.write(sink.context, "\n", 1, error);
}

bool replay_merge_write(const ReplayMerge *merge, JsonSink sink, Error *error)
{
    if (!put_line(sink, merge->run, error))
        return false;
    for (uint64_t i = 0; i < merge->count; i++)
        if (!put_line(sink, merge->lines[i].json, error))
            return false;
    return true;
}
