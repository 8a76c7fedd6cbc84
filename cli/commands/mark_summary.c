// The summary that `rudo-snap mark` prints: the origin of the heap, totals, details.

#include "cli/commands/mark_summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/terminal.h"
#include "cli/text_table.h"

// The most rows that a table shows; the JSON has all.
#define SHOWN_OWNERS 16u
#define SHOWN_TYPES 16u

static void print_totals(const ReachabilityReport *report)
{
    const ReachabilityCounts *totals = &report->totals;
    uint64_t counted = totals->reachable_bytes + totals->unreachable_bytes;
    char count[4][NUMBER_CHARS], bytes[5][NUMBER_CHARS], share[3][NUMBER_CHARS],
        pages[NUMBER_CHARS];
    char where[4 * NUMBER_CHARS];
    TextTable table;

    (void)snprintf(where, sizeof where, "in %s page%s; %s of their %s",
                   format_count(pages, totals->pages), plural(totals->pages),
                   format_share(share[2], totals->object_bytes, report->heap_bytes),
                   format_bytes(bytes[4], report->heap_bytes));
    text_table_init(&table, "lrrrl");
    text_table_add(&table, (const char *[]){"", "objects", "bytes", "share", ""});
    text_table_add(&table,
                   (const char *[]){"reachable", format_count(count[0], totals->reachable_objects),
                                    format_bytes(bytes[0], totals->reachable_bytes),
                                    format_share(share[0], totals->reachable_bytes, counted), ""});
    if (report->knows_residue && report->without_residue_objects != totals->reachable_objects)
        text_table_add(
            &table, (const char *[]){"", format_count(count[0], report->without_residue_objects),
                                     format_bytes(bytes[0], report->without_residue_bytes),
                                     format_share(share[0], report->without_residue_bytes, counted),
                                     "without words that look left over"});
    text_table_add(
        &table, (const char *[]){"garbage", format_count(count[1], totals->unreachable_objects),
                                 format_bytes(bytes[1], totals->unreachable_bytes),
                                 format_share(share[1], totals->unreachable_bytes, counted), ""});
    text_table_add(&table,
                   (const char *[]){"total", format_count(count[2], totals->objects),
                                    format_bytes(bytes[2], totals->object_bytes), "", where});
    if (totals->zombies > 0)
        text_table_add(&table, (const char *[]){"zombies", format_count(count[3], totals->zombies),
                                                format_bytes(bytes[3], totals->zombie_bytes), "",
                                                "dropped, but not yet swept; not traced"});
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
    print_left_out(owners->group_count, SHOWN_OWNERS, "owner threads");
    printf("\n");
}

// The types with the most bytes, the largest first; ties in the order of the type table. Returns
// their number.
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

        text_table_add(&table, (const char *[]){format_count(objects, counts->objects),
                                                format_bytes(bytes, counts->object_bytes),
                                                format_share(reachable, counts->reachable_objects,
                                                             counts->reachable_objects +
                                                                 counts->unreachable_objects),
                                                report->type_table->types[biggest[i]].label});
    }
    text_table_print_fitting(&table, 1u << 3, stdout);
    print_left_out(with_objects, count, "types");
    printf("\n");
}

static void print_invalid_kinds(const char *where, const uint64_t counts[INVALID_KIND_COUNT])
{
    const char *before = ": ";
    char text[NUMBER_CHARS];

    if (invalid_counts_sum(counts) == 0)
        return;
    printf("  %s", where);
    for (int kind = 0; kind < INVALID_KIND_COUNT; kind++) {
        if (counts[kind] == 0)
            continue;
        printf("%s%s %s", before, invalid_kind_name((InvalidKind)kind),
               format_count(text, counts[kind]));
        before = ", ";
    }
    printf("\n");
}

// The first one that is certainly wrong.
static void print_proven(const HeapSession *session)
{
    const ReachabilityReport *report = session->report;
    const InvalidReference *proven = &report->proven_invalid;
    bool is_block = proven->page == NO_INDEX;
    const TypeTable *table = report->type_table;

    printf("  first in a field that holds a reference: ");
    style_begin(stdout, STYLE_STRONG);
    print_text(
        stdout,
        is_block ? "foreign block"
                 : table->types[type_table_find(table, session->image, proven->page, proven->slot)]
                       .label);
    style_end(stdout);
    printf(" 0x%" PRIx64 "  ",
           is_block ? session->image->blocks[proven->block].address
                    : heap_image_object_address(session->image, proven->page, proven->slot));
    print_text(stdout, report->proven_field);
    printf("  -> 0x%" PRIx64 " (%s)\n", proven->target, invalid_kind_name(proven->kind));
}

static void print_invalid(const HeapSession *session)
{
    const ReachabilityReport *report = session->report;
    char text[NUMBER_CHARS];

    printf("invalid references: %s (words that point into a GC page, but not to an allocated "
           "object; skipped)\n",
           format_count(text, report->invalid_references));
    print_invalid_kinds("in roots", report->invalid.roots);
    print_invalid_kinds("in objects", report->invalid.objects);
    print_invalid_kinds("in foreign blocks", report->invalid.blocks);
    if (report->has_proven_invalid)
        print_proven(session);
}

static void print_references(const HeapSession *session)
{
    const ReachabilityReport *report = session->report;
    char text[NUMBER_CHARS], bytes[NUMBER_CHARS];

    printf("roots: %s", format_count(text, report->roots));
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++)
        if (report->root_kinds[kind].roots > 0)
            printf("   %s %s", root_kind_name((RootKind)kind),
                   format_count(text, report->root_kinds[kind].roots));
    printf("\n");
    if (report->foreign_blocks > 0) {
        printf("foreign blocks: %s of ", format_count(text, report->reachable_foreign_blocks));
        printf("%s reachable, %s\n", format_count(text, report->foreign_blocks),
               format_bytes(bytes, report->reachable_foreign_bytes));
    }
    if (report->invalid_references > 0)
        print_invalid(session);
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

static void print_statistics(const HeapSession *session)
{
    const MarkStatistics *statistics = &session->mark->statistics;
    char time[NUMBER_CHARS];
    TextTable table;

    printf("\nread in %s, %s\n", format_time(time, session->read_ns),
           session->image->is_relocated ? "relocated" : "at the captured addresses");
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

// "digest xxh3-128:...   (4 workers, 12 ms)"
static void print_digest(const ReachabilityReport *report, const MarkStatistics *statistics)
{
    const ScheduleStatistics *schedule = &statistics->schedule;
    char time[NUMBER_CHARS];

    style_begin(stdout, STYLE_STRONG);
    printf("digest %s", report->digest);
    style_end(stdout);
    printf("   (%" PRIu32 " %sworker%s", statistics->worker_count,
           schedule->is_scheduled ? "virtual " : "", plural(statistics->worker_count));
    if (!schedule->is_scheduled)
        printf(", %s", format_time(time, statistics->elapsed_ns));
    else
        printf(", schedule %s", schedule->policy);
    if (schedule->is_scheduled && schedule->seed != 0)
        printf(", seed %" PRIu64, schedule->seed);
    printf(")\n");
}

void mark_summary_print(const HeapSession *session, bool has_statistics)
{
    const ReachabilityReport *report = session->report;

    heap_session_print_heading(session);
    print_totals(report);
    print_size_classes(report);
    if (session->image->layout.owner_thread.width > 0)
        print_owner_threads(report);
    print_types(report);
    print_references(session);
    print_digest(report, &session->mark->statistics);
    heap_session_print_notes(session);
    if (has_statistics && session->mark->statistics.schedule.is_scheduled)
        print_schedule(&session->mark->statistics);
    else if (has_statistics)
        print_statistics(session);
}
