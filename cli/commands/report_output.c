// The report for people: see cli/commands/report_output.h.

#include "cli/commands/report_output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/account_output.h"
#include "cli/report_details.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#define LABEL_COLUMNS 13 // of "reachable" and the like

// A line of the totals: text behind a label, which may be empty.
static void print_total(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void print_total(const char *label, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    printf("%-*s", LABEL_COLUMNS, label);
    print_prose_at(stdout, LABEL_COLUMNS, LABEL_COLUMNS, "%s", text != NULL ? text : "");
    free(text);
}

// "; 12 foreign blocks, 1.2 KiB", or nothing where there are none.
static const char *more_text(char text[4 * NUMBER_CHARS], uint64_t things, const char *what,
                             uint64_t size)
{
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];

    text[0] = '\0';
    if (things > 0)
        (void)snprintf(text, 4 * NUMBER_CHARS, "; %s %s, %s", format_count(count, things), what,
                       format_bytes(bytes, size));
    return text;
}

static void print_reachable(const HeapReport *report)
{
    const ReachabilityReport *reachability = report->reachability;
    const ReachabilityCounts *totals = &reachability->totals;
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];
    char foreign[4 * NUMBER_CHARS], sized[4 * NUMBER_CHARS];
    uint64_t sized_blocks = 0, sized_bytes = 0;

    if (report->tree != NULL)
        object_graph_count_sized(report->tree->graph, &sized_blocks, &sized_bytes);
    print_total(
        "reachable", "%s object%s, %s%s%s", format_count(count, totals->reachable_objects),
        plural(totals->reachable_objects), format_bytes(bytes, totals->reachable_bytes),
        more_text(foreign, reachability->reachable_foreign_blocks,
                  reachability->reachable_foreign_blocks == 1 ? "foreign block" : "foreign blocks",
                  reachability->reachable_foreign_bytes),
        more_text(sized, sized_blocks, "without content", sized_bytes));
    if (reachability->knows_residue &&
        reachability->without_residue_objects != totals->reachable_objects)
        print_total("", "%s of the objects without words that look left over, %s",
                    format_count(count, reachability->without_residue_objects),
                    format_bytes(bytes, reachability->without_residue_bytes));
    if (!reachability->knows_residue && report->image->details->metadata.is_redacted &&
        report->image->layout.reference_count.width != 0)
        print_total("", "how many without words that look left over is not known: the snapshot is "
                        "redacted");
}

static void print_totals(const HeapReport *report)
{
    const ReachabilityReport *reachability = report->reachability;
    const ReachabilityCounts *totals = &reachability->totals;
    const CollectorMemory *collector = report->collector;
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS], text[4 * NUMBER_CHARS];

    print_reachable(report);
    print_total("garbage", "%s object%s, %s%s", format_count(count, totals->unreachable_objects),
                plural(totals->unreachable_objects), format_bytes(bytes, totals->unreachable_bytes),
                more_text(text, totals->zombies, totals->zombies == 1 ? "zombie" : "zombies",
                          totals->zombie_bytes));
    if (collector->block_count > 0)
        print_total("collector", "%s foreign block%s, %s, of its own",
                    format_count(count, collector->block_count), plural(collector->block_count),
                    format_bytes(bytes, collector->block_bytes));
    if (collector->kept_objects > 0)
        print_total("", "%s object%s, %s, kept only by its words",
                    format_count(count, collector->kept_objects), plural(collector->kept_objects),
                    format_bytes(bytes, collector->kept_bytes));
    print_total("pages", "%s, %s, %s of it in reachable objects",
                format_count(count, totals->pages), format_bytes(bytes, reachability->heap_bytes),
                format_share(text, totals->reachable_bytes, reachability->heap_bytes));
}

// ---- types ----

// Of compared heaps, what grew most comes first.
static int compare_groups(const void *left, const void *right, void *context)
{
    const HeapReport *report = context;
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    const HeapGroup *a = &report->groups.groups[GROUP_BY_TYPE][x];
    const HeapGroup *b = &report->groups.groups[GROUP_BY_TYPE][y];

    if (report->type_growth != NULL && report->type_growth[x].bytes != report->type_growth[y].bytes)
        return report->type_growth[x].bytes > report->type_growth[y].bytes ? -1 : 1;
    if (a->retained_bytes != b->retained_bytes)
        return a->retained_bytes > b->retained_bytes ? -1 : 1;
    if (a->counts.object_bytes != b->counts.object_bytes)
        return a->counts.object_bytes > b->counts.object_bytes ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void print_types(const HeapReport *report, uint32_t most)
{
    uint32_t count = report->groups.counts[GROUP_BY_TYPE], with_objects = 0, shown;
    uint32_t *order = calloc((size_t)count + 1, sizeof *order);
    TextTable table;

    if (order == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (report->groups.groups[GROUP_BY_TYPE][i].counts.objects > 0)
            order[with_objects++] = i;
    qsort_r(order, with_objects, sizeof *order, compare_groups, (void *)(uintptr_t)report);
    shown = with_objects < most ? with_objects : most;
    print_title(report->type_growth != NULL ? "types, what grew most first" : "types");
    report_groups_begin(&table, report->type_growth != NULL, "type");
    for (uint32_t i = 0; i < shown; i++) {
        const HeapGroup *group = &report->groups.groups[GROUP_BY_TYPE][order[i]];

        report_groups_add(&table, report, group,
                          report->type_growth != NULL ? &report->type_growth[order[i]] : NULL,
                          report->reachability->type_table->types[group->key].label);
    }
    report_groups_print(&table);
    print_left_out(with_objects, shown, "types");
    free(order);
}

// ---- growth ----

// Where objects became more: by what retains them.
static void print_grown(const HeapReport *report, uint32_t most)
{
    const GrownPlaces *grown = &report->grown;
    uint32_t shown = grown->kept < most ? grown->kept : most;
    TextTable table;

    if (shown == 0)
        return;
    print_title("grown, by retainer");
    text_table_init(&table, "rrrrll");
    text_table_add(&table,
                   (const char *[]){"+retained", "retained", "+objects", "objects", "type", "in"});
    for (uint32_t i = 0; i < shown; i++) {
        const GrownPlace *place = &grown->items[i];
        char more[2][NUMBER_CHARS], now[2][NUMBER_CHARS], *merged = NULL;

        if (place->is_merged && asprintf(&merged, "%s and other fields", place->label) < 0)
            merged = NULL;

        text_table_add(&table, (const char *[]){format_more_bytes(more[0], place->growth.bytes),
                                                format_bytes(now[0], place->retained_bytes),
                                                format_more(more[1], place->growth.objects),
                                                format_count(now[1], place->objects),
                                                node_types_label(report->types, place->type),
                                                merged != NULL ? merged : place->label});
        free(merged);
    }
    text_table_print_fitting(&table, 3u << 4, stdout);
    print_left_out(grown->count, shown, "places");
}

bool report_output_print(const HeapReport *report, const ReportOutput *output)
{
    bool is_recorded = report->image->details->metadata.account.is_recorded, is_explained = false;

    if (output->left_out != NULL) {
        print_prose(stdout, 2, "skipped: suspects, retained sizes, owners, conservative roots: %s",
                    output->left_out);
        printf("\n");
    }
    if (output->not_compared != NULL) {
        print_prose(stdout, 2, "skipped: growth since older snapshots: %s", output->not_compared);
        printf("\n");
    }
    if (report->tree != NULL) {
        is_explained = verdict_print(report, &output->files, output->is_full);
        printf("\n");
    }
    if (is_recorded) {
        account_output_print(report);
        printf("\n");
    }
    print_totals(report);
    if (!is_recorded)
        account_output_print(report);
    print_grown(report, output->most);
    print_types(report, output->most);
    if (output->is_full)
        report_details_print(report, output->most);
    else
        printf("\n");
    print_prose(stdout, 6,
                "more: --full (size classes, owner threads, generations, retainers, pages, "
                "conservative roots), --html FILE (a page with charts, for a browser)");
    return is_explained;
}
