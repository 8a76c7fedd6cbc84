// One heap of a replay: see cli/commands/replay/replay_heap.h.

#include "cli/commands/replay/replay_heap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shell_word.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "formats/golden_file.h"
#include "cli/result_file.h"
#include "snapshot/file/snapshot_file.h"

// ---- the text about it ----

// Adds a line. Without memory the line is lost, not the verdict.
static void say(ReplayHeap *heap, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(ReplayHeap *heap, const char *format, ...)
{
    char *line, *text;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        line = NULL;
    va_end(arguments);
    if (line == NULL)
        return;
    if (heap->text == NULL) {
        heap->text = line;
    } else if (asprintf(&text, "%s\n%s", heap->text, line) >= 0) {
        free(heap->text);
        free(line);
        heap->text = text;
    } else {
        free(line);
    }
    heap->record.text = heap->text;
}

// "slots 4 and 11", "slot 4", "slots 1, 2 and 7 more".
static void slots_text(const DifferingSlots *slots, char *text, size_t size)
{
    uint32_t named = slots->in_page > 4 ? 3 : slots->shown;
    size_t used = (size_t)snprintf(text, size, "slot%s", slots->in_page > 1 ? "s" : "");

    for (uint32_t i = 0; i < named; i++) {
        const char *before = i == 0                                      ? " "
                             : i == named - 1 && named == slots->in_page ? " and "
                                                                         : ", ";
        used += (size_t)snprintf(text + used, size - used, "%s%u", before, slots->slots[i]);
    }
    if (named < slots->in_page)
        (void)snprintf(text + used, size - used, " and %u more", slots->in_page - named);
}

// "slots 4 and 11 are marked, the golden says free"
static void say_slots(ReplayHeap *heap, const DifferingSlots *slots, bool is_added,
                      const char *other)
{
    char text[128];

    if (slots->in_page == 0)
        return;
    slots_text(slots, text, sizeof text);
    say(heap, "    %s %s %smarked, %s %s", text, slots->in_page > 1 ? "are" : "is",
        is_added ? "" : "not ", other, is_added ? "says free" : "says reachable");
}

static void say_page(ReplayHeap *heap, const MarkDifference *difference, const char *other)
{
    char size[32] = "large", count[NUMBER_CHARS];

    if (difference->pages == 0)
        return;
    if (!difference->is_large)
        (void)snprintf(size, sizeof size, "class %u", difference->block_size);
    say(heap, "  page 0x%" PRIx64 " (%s, owner %u):", difference->page_address, size,
        difference->owner_thread);
    say_slots(heap, &difference->added, true, other);
    say_slots(heap, &difference->missing, false, other);
    if (difference->pages > 1)
        say(heap, "  and %s more page%s", format_count(count, difference->pages - 1),
            difference->pages > 2 ? "s" : "");
}

static void say_totals(ReplayHeap *heap)
{
    ReplayRecord *record = &heap->record;
    char found[NUMBER_CHARS], expected[NUMBER_CHARS], name[32];

    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++) {
        if (!record->differs[total])
            continue;
        (void)snprintf(name, sizeof name, "%s", golden_total_name((GoldenTotal)total));
        for (char *at = name; *at != '\0'; at++)
            if (*at == '_')
                *at = ' ';
        say(heap, "  %s: %s, the golden says %s", name, format_count(found, record->totals[total]),
            format_count(expected, record->expected[total]));
    }
}

static void set_reproduction(ReplayHeap *heap, char *again)
{
    heap->again = again;
    heap->record.again = again;
}

static void fail(ReplayHeap *heap, const Error *error)
{
    heap->record.verdict = REPLAY_FAILED;
    heap->record.exit_status = (uint32_t)exit_status_of(error->code);
    say(heap, "%s", error->message);
    for (const char *line = error->hint; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        say(heap, "  %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

// ---- marks that differ from each other ----

static void report_marks(ReplayHeap *heap, const HeapReplay *replay)
{
    char quoted[SHELL_WORD_CHARS], schedule[64], capacity[32];
    const ReplayWay *way = &replay->way;
    ReplayRecord *record = &heap->record;
    char *again;
    int length;

    record->verdict = REPLAY_DIFFERENT;
    record->exit_status = EXIT_STATUS_FOUND;
    record->is_between_marks = true;
    record->way = *way;
    record->marked = replay->difference;
    if (way->is_scheduled)
        say(heap, "the %smark on schedule %" PRIu64 " differs from the serial one",
            way->kind == MARK_MINOR ? "minor " : "", way->seed);
    else
        say(heap, "a %smark on threads differs from the serial one",
            way->kind == MARK_MINOR ? "minor " : "");
    say_page(heap, &replay->difference, "the serial mark");
    if (replay->difference.blocks > 0)
        say(heap, "  %" PRIu64 " foreign blocks are in one of them only",
            replay->difference.blocks);
    if (replay->differs_in_totals && replay->difference.pages == 0)
        say(heap, "  the same objects, but other counts");
    (void)snprintf(capacity, sizeof capacity, " --capacity %" PRIu32, way->queue_capacity);
    (void)snprintf(schedule, sizeof schedule, "--schedule seed:%" PRIu64 " ", way->seed);
    length = asprintf(&again, "rudo-snap mark %s--workers %u %s--policy %s%s%s %s",
                      heap->precise_option, way->workers, way->is_scheduled ? schedule : "",
                      mark_policy_name(way->policy), way->kind == MARK_MINOR ? " --kind minor" : "",
                      way->queue_capacity == QUEUE_CAPACITY ? "" : capacity,
                      shell_word(record->heap, "HEAP", quoted));
    if (length >= 0)
        set_reproduction(heap, again);
}

// ---- the golden ----

// Makes the folders of `path`, which is changed meanwhile.
static bool make_folders(char *path, Error *error)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        bool ok;
        *slash = '\0';
        ok = mkdir(path, 0777) == 0 || errno == EEXIST ||
             error_set(error, ERROR_SYSTEM, "cannot make the folder '%s': %s", path,
                       strerror(errno));
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

static bool write_golden(char *path, const MarkGolden *golden, Error *error)
{
    OutputFile *file = NULL;
    bool ok =
        make_folders(path, error) && result_file_open("--update", path, false, &file, error) &&
        golden_file_write(result_file_sink(file), golden, error) && output_file_commit(file, error);

    output_file_free(file);
    return ok;
}

// "rudo-snap replay heaps/cart.zst --golden heaps/golden": the folder is the golden's, so that the
// heap's name alone leads to it.
static void set_golden_again(ReplayHeap *heap)
{
    const char *golden = heap->record.golden;
    char *folder = strndup(golden, (size_t)(strrchr(golden, '/') - golden)), *again;
    char quoted[2][SHELL_WORD_CHARS];

    if (folder != NULL &&
        asprintf(&again, "rudo-snap replay %s%s --golden %s", heap->precise_option,
                 shell_word(heap->record.heap, "HEAP", quoted[0]),
                 shell_word(folder, "FOLDER", quoted[1])) >= 0)
        set_reproduction(heap, again);
    free(folder);
}

static void report_golden(ReplayHeap *heap, const GoldenComparison *comparison,
                          const MarkGolden *expected)
{
    ReplayRecord *record = &heap->record;

    set_golden_again(heap);
    record->verdict = REPLAY_DIFFERENT;
    record->exit_status = EXIT_STATUS_FOUND;
    record->is_other_heap = comparison->is_other_heap;
    record->is_other_rule = comparison->is_other_rule;
    record->marked = comparison->marks;
    memcpy(record->differs, comparison->differs, sizeof record->differs);
    memcpy(record->expected, expected->totals, sizeof record->expected);
    if (comparison->is_other_heap) {
        say(heap, "'%s' is the golden of another heap", record->golden);
        return;
    }
    say(heap, "differs from its golden");
    if (comparison->is_other_rule)
        say(heap, "  rule: %s, the golden says %s", record->rule, expected->rule);
    say_page(heap, &comparison->marks, "the golden");
    if (comparison->strange_pages > 0)
        say(heap, "  %" PRIu64 " pages of the golden are not in the heap",
            comparison->strange_pages);
    say_totals(heap);
}

// "wrote golden/cart.golden (changed)", and then how it differed before.
static void say_written(ReplayHeap *heap, bool was_there)
{
    char *before = heap->text;

    heap->text = NULL;
    heap->record.text = NULL;
    say(heap, "wrote %s (%s)", heap->record.golden, was_there ? "changed" : "new");
    for (const char *line = before; line != NULL && *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line != before)
            say(heap, "%.*s", (int)length, line);
        else
            say(heap, heap->record.is_other_heap ? "  before, it was the golden of another heap"
                                                 : "  before, the mark and the golden differed:");
        line += length + (line[length] == '\n');
    }
    free(before);
}

// Compares the mark with the golden; writes the golden with --update.
static bool check_golden(ReplayHeap *heap, const ReplayFile *file, const ReplayHeapOptions *options,
                         const MarkGolden *found, const HeapImage *image, const MarkResult *serial,
                         Error *error)
{
    ReplayRecord *record = &heap->record;
    bool is_there = access(file->golden, F_OK) == 0, is_same = false;
    GoldenComparison comparison;
    MarkGolden expected;

    record->golden = file->golden;
    if (is_there && golden_file_read(file->golden, &expected, error)) {
        bool ok =
            mark_golden_compare(&expected, found, image, serial, &is_same, &comparison, error);
        if (ok && !is_same)
            report_golden(heap, &comparison, &expected);
        mark_golden_release(&expected);
        if (!ok)
            return false;
    } else if (is_there) {
        // --update replaces a damaged golden, too.
        if (!options->updates)
            return error_add_hint(error, "--update replaces it");
    } else if (!options->updates) {
        record->verdict = REPLAY_NO_GOLDEN;
        record->exit_status = EXIT_STATUS_FOUND;
        say(heap, "has no golden '%s'", file->golden);
        set_golden_again(heap);
    }
    if (is_same || !options->updates)
        return true;
    if (!write_golden(file->golden, found, error))
        return false;
    say_written(heap, is_there);
    record->verdict = REPLAY_EQUAL;
    record->exit_status = EXIT_STATUS_DONE;
    record->is_updated = true;
    free(heap->again);
    set_reproduction(heap, NULL);
    return true;
}

// ---- all of it ----

static void take_found(ReplayRecord *record, const MarkGolden *found, const HeapReplay *replay)
{
    record->was_marked = true;
    memcpy(record->rule, found->rule, sizeof record->rule);
    memcpy(record->digest, found->digest, sizeof record->digest);
    memcpy(record->totals, found->totals, sizeof record->totals);
    record->marks = replay->marks;
    record->steps = replay->steps;
}

static bool replay(ReplayHeap *heap, const ReplayFile *file, const ReplayHeapOptions *options,
                   const HeapImage *image, Error *error)
{
    HeapReplay replay;
    MarkGolden found;
    bool ok;

    heap->record.is_complete = image->details->metadata.is_complete;
    if (!heap_replay_run(image, &options->plan, &replay, error))
        return false;
    heap->lacking_threads = replay.lacking_threads;
    mark_golden_init(&found);
    ok = mark_golden_take(&found, image, replay.serial, error);
    if (ok) {
        take_found(&heap->record, &found, &replay);
        // Marks that differ from each other say nothing about the golden.
        if (replay.has_difference)
            report_marks(heap, &replay);
        else if (options->golden != NULL)
            ok = check_golden(heap, file, options, &found, image, replay.serial, error);
    }
    mark_golden_release(&found);
    heap_replay_release(&replay);
    return ok;
}

static void begin(const ReplayFile *file, const ReplayHeapOptions *options, ReplayHeap *out)
{
    *out = (ReplayHeap){.record = {.heap = file->path, .verdict = REPLAY_EQUAL},
                        .precise_option = options->is_precise ? "--precise " : ""};
}

void replay_heap_fail(const ReplayFile *file, const ReplayHeapOptions *options, const Error *why,
                      ReplayHeap *out)
{
    char quoted[SHELL_WORD_CHARS];
    char *again;

    begin(file, options, out);
    fail(out, why);
    if (asprintf(&again, "rudo-snap replay %s%s%s", out->precise_option,
                 options->given != NULL ? options->given : "",
                 shell_word(file->path, "HEAP", quoted)) >= 0)
        set_reproduction(out, again);
}

bool replay_heap_run(const ReplayFile *file, const ReplayHeapOptions *options, ReplayHeap *out,
                     Error *error)
{
    // Heaps are read side by side: one thread each.
    const SnapshotReadOptions read_options = {.threads = 1, .is_precise = options->is_precise};
    HeapImage *image = NULL;
    bool ok;

    begin(file, options, out);
    ok = (options->jobs == 0 ||
          heap_memory_check_whole(&options->limit, file->path, options->jobs, error)) &&
         snapshot_read(file->path, &read_options, &image, error) &&
         replay(out, file, options, image, error);
    heap_image_free(image);
    if (!ok && error->code == ERROR_INTERRUPTED) {
        replay_heap_release(out);
        return false;
    }
    if (!ok)
        fail(out, error);
    return true;
}

void replay_heap_release(ReplayHeap *heap)
{
    free(heap->text);
    free(heap->again);
    *heap = (ReplayHeap){.text = NULL};
}
