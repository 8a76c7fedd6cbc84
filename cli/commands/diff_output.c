// The comparison of heaps, for people: see cli/commands/diff_output.h.

#include "cli/commands/diff_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture_notes.h"
#include "cli/limit_text.h"
#include "cli/next_command.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#define SHOWN_ROWS 16u
// Heaps that have a line of their own: the first ones and the last ones.
#define SHOWN_HEAPS 12u

static void print_heading(const HeapDiff *diff, const HeapProfile *const *profiles)
{
    const ProfileProcess *process = &profiles[0]->process;

    print_text(stdout, process->executable);
    if (diff->is_one_process)
        printf(" (pid %" PRIu32 "): %" PRIu32
               " snapshots of one process, compared object by object\n\n",
               process->pid, diff->heap_count);
    else
        printf(": %" PRIu32 " snapshots, not of one process oldest first; compared by type\n\n",
               diff->heap_count);
}

static void print_heaps(const HeapDiff *diff, const HeapProfile *const *profiles, char **paths)
{
    TextTable table;

    text_table_init(&table, "rrrrl");
    text_table_add(&table,
                   (const char *[]){"reachable", "bytes", "foreign bytes", "pages", "snapshot"});
    for (uint32_t i = 0; i < diff->heap_count; i++) {
        const HeapProfile *profile = profiles[i];
        char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], foreign[NUMBER_CHARS], pages[NUMBER_CHARS];

        if (i >= SHOWN_HEAPS / 2 && i + SHOWN_HEAPS / 2 < diff->heap_count) {
            if (i == SHOWN_HEAPS / 2)
                text_table_add(&table, (const char *[]){"", "", "", "", "..."});
            continue;
        }
        text_table_add(&table,
                       (const char *[]){format_count(objects, profile->totals.reachable_objects),
                                        format_bytes(bytes, profile->totals.reachable_bytes),
                                        format_bytes(foreign, profile->foreign_bytes),
                                        format_count(pages, profile->totals.pages), paths[i]});
    }
    text_table_print_fitting(&table, 1u << 4, stdout);
}

static void print_limit(const DiffOutput *output, uint32_t index)
{
    const HeapLimit *limit = &output->limits[index];
    const LimitFinding *finding = &output->findings[index];
    char before[NUMBER_CHARS], after[NUMBER_CHARS];
    char *(*format)(char *, uint64_t) =
        finding->figure == FIGURE_OBJECTS ? format_count : format_bytes;

    limit_text_print_verdict(finding->is_exceeded                 ? "EXCEEDED"
                             : heap_doubts_matter(output->doubts) ? "doubtful"
                                                                  : "ok",
                             finding->is_exceeded);
    print_text(stdout, limit->text);
    if (finding->label != NULL && !finding->is_missing) {
        printf("   ");
        print_text(stdout, finding->label);
        printf(" %s -> %s", format(before, finding->before), format(after, finding->measured));
    }
    if (finding->is_missing)
        printf("   no heap has such a type");
    if (finding->nearest != NULL) {
        printf("; a similar name is ");
        print_text(stdout, finding->nearest);
    }
    if (finding->exceeded_by > 1)
        printf(", and %" PRIu32 " more", finding->exceeded_by - 1);
    printf("\n");
}

static void print_limits(const DiffOutput *output, bool only_exceeded)
{
    for (uint32_t i = 0; i < output->limit_count; i++)
        if (!only_exceeded || output->findings[i].is_exceeded)
            print_limit(output, i);
}

// Without limits, heaps that cannot be compared are compared nevertheless.
static void print_verdicts(const DiffOutput *output)
{
    if (output->limit_count == 0) {
        if (output->doubts->count > 0)
            printf("\n");
        for (uint32_t i = 0; i < output->doubts->count; i++)
            print_prose(stdout, 6, "note: %s", output->doubts->doubts[i].text);
        return;
    }
    printf("\n");
    limit_text_print_doubts(output->doubts, false);
    print_limits(output, false);
}

void diff_output_print_exceeded(const DiffOutput *output)
{
    limit_text_print_doubts(output->doubts, true);
    print_limits(output, true);
}

static void add_row(TextTable *table, const HeapDiff *diff, const DiffRow *row, const char *label)
{
    char growth[NUMBER_CHARS], before[NUMBER_CHARS], after[NUMBER_CHARS], bytes[NUMBER_CHARS];
    uint32_t last = diff->heap_count - 1;

    text_table_add(
        table, (const char *[]){
                   format_more_bytes(growth, row->growth), format_count(after, row->objects[last]),
                   format_count(before, row->objects[0]), format_bytes(bytes, row->bytes[last]),
                   row->grew_always && diff->heap_count > 2 ? "every step" : "", label});
}

static void begin_rows(TextTable *table, const char *what)
{
    text_table_init(table, "rrrrll");
    text_table_add(table,
                   (const char *[]){"growth", "objects", "before", "bytes", "grew in", what});
}

// Rows that shrank are shown, too, but last.
static bool has_changed(const HeapDiff *diff, const DiffRow *row)
{
    return row->growth != 0 || row->objects[0] != row->objects[diff->heap_count - 1];
}

static uint32_t count_changed(const HeapDiff *diff, const DiffRow *rows, uint32_t count)
{
    uint32_t changed = 0;

    for (uint32_t i = 0; i < count; i++)
        changed += has_changed(diff, &rows[i]);
    return changed;
}

static void print_types(const HeapDiff *diff)
{
    uint32_t changed = count_changed(diff, diff->types, diff->type_count), shown = 0;
    TextTable table;

    print_title("types");
    if (changed == 0) {
        printf("no type has more or fewer reachable objects\n");
        return;
    }
    begin_rows(&table, "type");
    for (uint32_t i = 0; i < diff->type_count && shown < SHOWN_ROWS; i++)
        if (has_changed(diff, &diff->types[i])) {
            add_row(&table, diff, &diff->types[i], diff->types[i].label);
            shown++;
        }
    text_table_print_fitting(&table, 1u << 5, stdout);
    print_left_out(changed, shown, "types");
}

// The length of the steps at which a path goes on from the one before it, the separator behind them
// included.
static size_t common_length(const char *path, const char *before)
{
    size_t common = 0, i = 0;

    for (; path[i] != '\0' && path[i] == before[i]; i++)
        if (path[i] == PROFILE_PATH_SEPARATOR)
            common = i + 1;
    return path[i] == PROFILE_PATH_SEPARATOR && before[i] == '\0' ? i + 1 : common;
}

// A path comes right before those that go on from it: the separator is below all other characters.
static int compare_paths(const void *left, const void *right)
{
    return strcmp((*(const DiffRow *const *)left)->label, (*(const DiffRow *const *)right)->label);
}

// Adds a path as a branch of a tree: a row for each step that the path before it does not have, and
// the figures beside the last one.
static void add_path(TextTable *table, const HeapDiff *diff, const DiffRow *row, const char *before)
{
    size_t at = common_length(row->label, before);
    unsigned depth = 0;

    for (size_t i = 0; i < at; i++)
        depth += row->label[i] == PROFILE_PATH_SEPARATOR;
    for (;; depth++) {
        size_t length = strcspn(row->label + at, (const char[]){PROFILE_PATH_SEPARATOR, '\0'});
        bool is_last = row->label[at + length] == '\0';
        char *step;

        if (asprintf(&step, "%*s%s%.*s", (int)(depth > 0 ? 3 * (depth - 1) : 0), "",
                     depth > 0 ? tree_branch() : "", (int)length, row->label + at) < 0)
            return;
        // ".audit shop::Topic"
        if (strchr(step, PROFILE_FIELD_END) != NULL)
            *strchr(step, PROFILE_FIELD_END) = ' ';
        if (is_last)
            add_row(table, diff, row, step);
        else
            text_table_add(table, (const char *[]){"", "", "", "", "", step});
        free(step);
        if (is_last)
            return;
        at += length + 1;
    }
}

static void print_paths(const HeapDiff *diff)
{
    uint32_t changed = count_changed(diff, diff->paths, diff->path_count), shown = 0;
    const DiffRow *rows[SHOWN_ROWS];
    TextTable table;

    print_title("shortest paths from the roots");
    if (!diff->has_paths) {
        printf("skipped: --mem-limit is too small\n");
        return;
    }
    if (changed == 0) {
        printf("no path leads to more or fewer objects\n");
        return;
    }
    begin_rows(&table, "path");
    for (uint32_t i = 0; i < diff->path_count && shown < SHOWN_ROWS; i++)
        if (has_changed(diff, &diff->paths[i]))
            rows[shown++] = &diff->paths[i];
    qsort(rows, shown, sizeof(const DiffRow *), compare_paths);
    for (uint32_t i = 0; i < shown; i++)
        add_path(&table, diff, rows[i], i > 0 ? rows[i - 1]->label : "");
    text_table_print_fitting(&table, 1u << 5, stdout);
    print_left_out(changed, shown, "paths");
}

static void print_classes(const HeapDiff *diff)
{
    uint32_t last = diff->heap_count - 1;
    TextTable table;

    print_title("pages");
    text_table_init(&table, "rrrrr");
    text_table_add(&table, (const char *[]){"size class", "pages before", "pages after",
                                            "nearly empty before", "nearly empty after"});
    for (uint32_t i = 0; i < diff->class_count; i++) {
        const DiffClass *class = &diff->classes[i];
        char size[NUMBER_CHARS] = "large", numbers[4][NUMBER_CHARS];

        if (class->block_size != 0)
            (void)snprintf(size, sizeof size, "%" PRIu32, class->block_size);
        text_table_add(&table,
                       (const char *[]){size, format_count(numbers[0], class->pages[0]),
                                        format_count(numbers[1], class->pages[last]),
                                        format_count(numbers[2], class->nearly_empty[0]),
                                        format_count(numbers[3], class->nearly_empty[last])});
    }
    text_table_print(&table, stdout);
}

static void print_moves(const HeapDiff *diff)
{
    TextTable table;

    if (!diff->is_one_process)
        return;
    print_title("object by object");
    text_table_init(&table, "lrrrrrrr");
    text_table_add(&table, (const char *[]){"step", "kept", "new", "gone", "reused slots",
                                            "new pages", "gone pages", "reused pages"});
    for (uint32_t i = 0; i + 1 < diff->heap_count && i < SHOWN_ROWS; i++) {
        const ObjectMoves *moves = &diff->moves[i];
        const PageMoves *pages = &diff->pages[i];
        char step[NUMBER_CHARS], numbers[7][NUMBER_CHARS];

        (void)snprintf(step, sizeof step, "%" PRIu32 " to %" PRIu32, i + 1, i + 2);
        text_table_add(&table, (const char *[]){step, format_count(numbers[0], moves->kept),
                                                format_count(numbers[1], moves->fresh),
                                                format_count(numbers[2], moves->gone),
                                                format_count(numbers[3], moves->reused),
                                                format_count(numbers[4], pages->fresh),
                                                format_count(numbers[5], pages->gone),
                                                format_count(numbers[6], pages->reused)});
    }
    text_table_print(&table, stdout);
    print_left_out(diff->heap_count - 1, SHOWN_ROWS, "steps");
    printf("note: a slot that was reused for the same type counts as kept unless its header shows "
           "it\n");
}

static OrderedCapture capture_of(const DiffOutput *output, uint32_t heap)
{
    const HeapProfile *profile = output->profiles[heap];

    return (OrderedCapture){.path = output->paths[heap],
                            .pid = profile->process.pid,
                            .captured_at_ns = profile->process.captured_at_ns,
                            .digest = profile->digest};
}

// That two heaps are the same is one of the doubts.
static void print_order(const DiffOutput *output)
{
    for (uint32_t i = 0; i + 1 < output->diff->heap_count; i++) {
        OrderedCapture older = capture_of(output, i), newer = capture_of(output, i + 1);

        if (output->diff->heap_count > 2 || older.captured_at_ns != newer.captured_at_ns)
            print_capture_order(&older, &newer);
    }
}

void diff_output_print(const DiffOutput *output)
{
    const HeapDiff *diff = output->diff;
    const char *last = output->paths[diff->heap_count - 1];

    print_heading(diff, output->profiles);
    print_heaps(diff, output->profiles, output->paths);
    print_verdicts(output);
    print_order(output);
    print_types(diff);
    print_paths(diff);
    print_classes(diff);
    print_moves(diff);
    if (diff->type_count > 0 && diff->types[0].growth > 0)
        print_next(stdout, "path --merge", (const char *[]){last, diff->types[0].label, NULL});
    else
        print_next(stdout, "report", (const char *[]){last, NULL});
}
