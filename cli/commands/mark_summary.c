// The summary that `rudo-snap mark` prints: what was looked at, the answer, the details.

#include "cli/commands/mark_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/capture_notes.h"
#include "cli/terminal.h"

// Rows that a table shows at most; the JSON has all of them.
#define SHOWN_OWNERS 16u
#define SHOWN_TYPES 16u

static void print_heading(const MarkSummary *summary)
{
    print_safely(stdout, summary->path, strlen(summary->path));
    printf(": ");
    print_capture(stdout, &summary->image->details->metadata);
    printf(", %s, %s\n", summary->image->layout.name, summary->report->rule);
    if (summary->report->kind == MARK_MINOR)
        printf("minor: old pages count as live; reachable and unreachable are about "
               "generation 0 alone\n");
    printf("\n");
}

static void print_totals(const MarkSummary *summary)
{
    const ReachabilityCounts *totals = &summary->report->totals;
    uint64_t looked_at = totals->reachable_bytes + totals->unreachable_bytes;
    char count[4][NUMBER_CHARS], bytes[5][NUMBER_CHARS], share[3][NUMBER_CHARS],
        pages[NUMBER_CHARS];
    char where[TABLE_CELL_CHARS];
    TextTable table;

    (void)snprintf(where, sizeof where, "in %s page%s, %s of their %s",
                   format_count(pages, totals->pages), plural(totals->pages),
                   format_share(share[2], totals->object_bytes, summary->report->heap_bytes),
                   format_bytes(bytes[4], summary->report->heap_bytes));
    text_table_init(&table, "lrrrl");
    text_table_add(&table, (const char *[]){"", "objects", "bytes", "", ""});
    text_table_add(
        &table, (const char *[]){"reachable", format_count(count[0], totals->reachable_objects),
                                 format_bytes(bytes[0], totals->reachable_bytes),
                                 format_share(share[0], totals->reachable_bytes, looked_at), ""});
    text_table_add(
        &table, (const char *[]){"unreachable", format_count(count[1], totals->unreachable_objects),
                                 format_bytes(bytes[1], totals->unreachable_bytes),
                                 format_share(share[1], totals->unreachable_bytes, looked_at), ""});
    text_table_add(&table,
                   (const char *[]){"total", format_count(count[2], totals->objects),
                                    format_bytes(bytes[2], totals->object_bytes), "", where});
    if (totals->zombies > 0)
        text_table_add(&table, (const char *[]){"zombies", format_count(count[3], totals->zombies),
                                                format_bytes(bytes[3], totals->zombie_bytes), "",
                                                "dropped, not yet swept: not traced"});
    text_table_print(&table, stdout);
    printf("\n");
}

static void add_group(TextTable *table, const char *name, const ReachabilityCounts *counts)
{
    char pages[NUMBER_CHARS], objects[NUMBER_CHARS], bytes[NUMBER_CHARS];
    char reachable[NUMBER_CHARS], occupancy[NUMBER_CHARS];

    text_table_add(
        table, (const char *[]){
                   name, format_count(pages, counts->pages), format_count(objects, counts->objects),
                   format_bytes(bytes, counts->object_bytes),
                   format_share(reachable, counts->reachable_objects,
                                counts->reachable_objects + counts->unreachable_objects),
                   format_share(occupancy, counts->objects + counts->zombies, counts->slots)});
}

static void print_size_classes(const ReachabilityReport *report)
{
    TextTable table;

    text_table_init(&table, "rrrrrr");
    text_table_add(&table, (const char *[]){"size class", "pages", "objects", "bytes", "reachable",
                                            "occupancy"});
    for (uint32_t i = 0; i < report->size_classes.group_count; i++) {
        const Group *group = &report->size_classes.groups[i];
        char name[NUMBER_CHARS] = "large";

        if (group->key != LARGE_SIZE_CLASS)
            (void)snprintf(name, sizeof name, "%" PRIu64, group->key);
        add_group(&table, name, &group->counts);
    }
    text_table_print(&table, stdout);
    printf("\n");
}

static void print_more(uint32_t all, uint32_t shown, const char *what)
{
    if (all > shown)
        printf("  and %" PRIu32 " more %s: --json FILE has all of them\n", all - shown, what);
}

static void print_owner_threads(const ReachabilityReport *report)
{
    const GroupTable *owners = &report->owner_threads;
    TextTable table;

    text_table_init(&table, "rrrrrr");
    text_table_add(&table, (const char *[]){"owner thread", "pages", "objects", "bytes",
                                            "reachable", "occupancy"});
    for (uint32_t i = 0; i < owners->group_count && i < SHOWN_OWNERS; i++) {
        char name[NUMBER_CHARS];

        (void)snprintf(name, sizeof name, "%" PRIu64, owners->groups[i].key);
        add_group(&table, name, &owners->groups[i].counts);
    }
    text_table_print(&table, stdout);
    print_more(owners->group_count, SHOWN_OWNERS, "owner threads");
    printf("\n");
}

// The types with the most bytes, most first; ties in the order in which types are shown. Returns
// how many.
static uint32_t biggest_types(const ReachabilityReport *report, uint32_t biggest[SHOWN_TYPES])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < report->type_table->type_count; i++) {
        const ReachabilityCounts *counts = report->heap_type_counts;
        uint32_t place = count;

        while (place > 0 && counts[biggest[place - 1]].object_bytes < counts[i].object_bytes)
            place--;
        if (counts[i].objects == 0 || place == SHOWN_TYPES)
            continue;
        if (count < SHOWN_TYPES)
            count++;
        for (uint32_t later = count - 1; later > place; later--)
            biggest[later] = biggest[later - 1];
        biggest[place] = i;
    }
    return count;
}

static void print_types(const ReachabilityReport *report)
{
    uint32_t biggest[SHOWN_TYPES];
    uint32_t count = biggest_types(report, biggest), with_objects = 0;
    TextTable table;

    if (count == 0)
        return;
    for (uint32_t i = 0; i < report->type_table->type_count; i++)
        with_objects += report->heap_type_counts[i].objects > 0;
    text_table_init(&table, "rrrl");
    text_table_add(&table, (const char *[]){"objects", "bytes", "reachable", "type"});
    for (uint32_t i = 0; i < count; i++) {
        const ReachabilityCounts *counts = &report->heap_type_counts[biggest[i]];
        char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], reachable[NUMBER_CHARS];
        char name[64];

        shorten_middle(name, sizeof name, report->type_table->types[biggest[i]].label);
        text_table_add(&table, (const char *[]){format_count(objects, counts->objects),
                                                format_bytes(bytes, counts->object_bytes),
                                                format_share(reachable, counts->reachable_objects,
                                                             counts->reachable_objects +
                                                                 counts->unreachable_objects),
                                                name});
    }
    text_table_print(&table, stdout);
    print_more(with_objects, count, "types");
    printf("\n");
}

static void print_references(const ReachabilityReport *report)
{
    char text[NUMBER_CHARS], bytes[NUMBER_CHARS];

    printf("roots: %s", format_count(text, report->roots));
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++)
        if (report->root_kinds[kind].roots > 0)
            printf("   %s %s", root_kind_name((RootKind)kind),
                   format_count(text, report->root_kinds[kind].roots));
    printf("\n");
    if (report->foreign_blocks > 0) {
        printf("foreign blocks: %s of ", format_count(text, report->reachable_foreign_blocks));
        printf("%s reached, %s\n", format_count(text, report->foreign_blocks),
               format_bytes(bytes, report->reachable_foreign_bytes));
    }
    if (report->invalid_references > 0)
        printf("invalid references: %s (words that point into GC pages, but to no allocated "
               "object; skipped)\n",
               format_count(text, report->invalid_references));
}

// What the totals may have been, had nothing been missing.
static void print_possible(const ReachabilityReport *report)
{
    const ReachabilityCounts *counts = &report->possible.counts;
    char text[3][NUMBER_CHARS];

    if (!report->possible.is_known)
        printf("      nobody knows how much is missing: there is no upper end\n");
    else if (memcmp(counts, &report->totals, sizeof *counts) != 0)
        printf("      there were at most %s objects, %s reachable, %s unreachable ones\n",
               format_count(text[0], counts->objects),
               format_count(text[1], counts->reachable_objects),
               format_count(text[2], counts->unreachable_objects));
}

static void print_notes(const MarkSummary *summary)
{
    const SnapshotMetadata *metadata = &summary->image->details->metadata;
    uint64_t foreign_roots = summary->report->root_kinds[ROOT_FOREIGN].roots;
    char text[NUMBER_CHARS];

    print_capture_notes(stdout, metadata);
    print_possible(summary->report);
    // Said above where malloc'd memory as a whole became roots.
    if (foreign_roots > 0 && metadata->foreign_mode == metadata->foreign_requested) {
        printf("note: %s foreign root%s: ", format_count(text, foreign_roots),
               plural(foreign_roots));
        print_safely(stdout, metadata->foreign_note, strlen(metadata->foreign_note));
        printf("\n");
    }
}

static void print_schedule(const MarkStatistics *statistics)
{
    const ScheduleStatistics *schedule = &statistics->schedule;
    char time[NUMBER_CHARS], text[NUMBER_CHARS];
    TextTable table;

    printf("\nschedule %s, seed %" PRIu64 ": %s steps, %s of virtual time\n%s\n", schedule->policy,
           schedule->seed, format_count(text, schedule->steps),
           format_time(time, schedule->virtual_ns), schedule->digest);
    text_table_init(&table, "rrrrrrrrr");
    text_table_add(&table, (const char *[]){"worker", "steps", "marked", "words", "edges", "steals",
                                            "overflow", "busy", "idle"});
    for (uint32_t i = 0; i < statistics->worker_count; i++) {
        const MarkWorkerStatistics *worker = &statistics->workers[i];
        char number[NUMBER_CHARS], steps[NUMBER_CHARS], marked[NUMBER_CHARS], words[NUMBER_CHARS];
        char edges[NUMBER_CHARS], won[NUMBER_CHARS], tried[NUMBER_CHARS];
        char steals[2 * NUMBER_CHARS + 4], overflow[NUMBER_CHARS];
        char busy[NUMBER_CHARS], idle[NUMBER_CHARS];

        (void)snprintf(steals, sizeof steals, "%s of %s", format_count(won, worker->steals_won),
                       format_count(tried, worker->steals_tried));
        text_table_add(&table,
                       (const char *[]){format_count(number, i), format_count(steps, worker->steps),
                                        format_count(marked, worker->marked),
                                        format_count(words, worker->scanned_words),
                                        format_count(edges, worker->edges), steals,
                                        format_count(overflow, worker->overflow_segments),
                                        format_time(busy, worker->busy_virtual_ns),
                                        format_time(idle, worker->idle_virtual_ns)});
    }
    text_table_print(&table, stdout);
}

static void print_statistics(const MarkSummary *summary)
{
    const MarkStatistics *statistics = &summary->result->statistics;
    char time[NUMBER_CHARS];
    TextTable table;

    printf("\nread in %s, %s\n", format_time(time, summary->read_ns),
           summary->image->is_relocated ? "relocated" : "at the captured addresses");
    text_table_init(&table, "rrrrrrrr");
    text_table_add(&table, (const char *[]){"worker", "marked", "words", "edges", "steals",
                                            "overflow", "idle", "cpu"});
    for (uint32_t i = 0; i < statistics->worker_count; i++) {
        const MarkWorkerStatistics *worker = &statistics->workers[i];
        char number[NUMBER_CHARS], marked[NUMBER_CHARS], words[NUMBER_CHARS], edges[NUMBER_CHARS];
        char won[NUMBER_CHARS], tried[NUMBER_CHARS], steals[2 * NUMBER_CHARS + 4];
        char overflow[NUMBER_CHARS], idle[NUMBER_CHARS], cpu[NUMBER_CHARS];

        (void)snprintf(steals, sizeof steals, "%s of %s", format_count(won, worker->steals_won),
                       format_count(tried, worker->steals_tried));
        text_table_add(&table, (const char *[]){format_count(number, i),
                                                format_count(marked, worker->marked),
                                                format_count(words, worker->scanned_words),
                                                format_count(edges, worker->edges), steals,
                                                format_count(overflow, worker->overflow_segments),
                                                format_time(idle, worker->idle_ns),
                                                format_time(cpu, worker->cpu_ns)});
    }
    text_table_print(&table, stdout);
}

void mark_summary_print(const MarkSummary *summary)
{
    const MarkStatistics *statistics = &summary->result->statistics;
    char time[NUMBER_CHARS];

    print_heading(summary);
    print_totals(summary);
    print_size_classes(summary->report);
    print_owner_threads(summary->report);
    print_types(summary->report);
    print_references(summary->report);
    style_begin(stdout, STYLE_STRONG);
    printf("digest %s", summary->report->digest);
    style_end(stdout);
    if (statistics->schedule.is_scheduled && statistics->schedule.seed == 0)
        printf("   (%" PRIu32 " virtual worker%s, schedule %s)\n", statistics->worker_count,
               plural(statistics->worker_count), statistics->schedule.policy);
    else if (statistics->schedule.is_scheduled)
        printf("   (%" PRIu32 " virtual worker%s, schedule %s, seed %" PRIu64 ")\n",
               statistics->worker_count, plural(statistics->worker_count),
               statistics->schedule.policy, statistics->schedule.seed);
    else
        printf("   (%" PRIu32 " worker%s, %s)\n", statistics->worker_count,
               plural(statistics->worker_count), format_time(time, statistics->elapsed_ns));
    print_notes(summary);
    if (summary->report->has_guessed_words)
        printf("note: weak references and stale words of None count as strong\n");
    if (summary->has_statistics && statistics->schedule.is_scheduled)
        print_schedule(statistics);
    else if (summary->has_statistics)
        print_statistics(summary);
}
