// The output of `replay` for people: see cli/commands/replay/replay_output.h.

#include "cli/commands/replay/replay_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/terminal.h"

static void print_lines(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        print_safely(stdout, text, length);
        printf("\n");
        text += length + (text[length] == '\n');
    }
}

// "12/12 heaps, 5 worker counts, 20 seeds, 2 policies: 2,400 marks in 6.1 s"
static void print_heading(const ReplayOutput *output)
{
    const ReplayPlan *plan = output->run->plan;
    uint64_t marked = 0, marks = 0, seeds = plan->last_seed - plan->first_seed + 1;
    char text[NUMBER_CHARS];

    for (uint64_t i = 0; i < output->count; i++) {
        marked += output->heaps[i].record.was_marked;
        marks += output->heaps[i].record.marks;
    }
    printf("%s", format_count(text, marked));
    printf("/%s heap%s", format_count(text, output->count), plural(output->count));
    if (output->run->parts > 1)
        printf(" of shard %u/%u", output->run->part, output->run->parts);
    printf(", %" PRIu32 " worker count%s", plan->worker_count, plural(plan->worker_count));
    printf(", %s seed%s", format_count(text, seeds), plural(seeds));
    printf(", %" PRIu32 " polic%s", plan->policy_count, plan->policy_count == 1 ? "y" : "ies");
    printf(": %s mark%s", format_count(text, marks), plural(marks));
    printf(" in %s\n", format_time(text, output->elapsed_ns));
}

static void print_count(const char *what, uint64_t count)
{
    char text[NUMBER_CHARS];

    if (count > 0)
        printf(" %-10s %6s\n", what, format_count(text, count));
}

void replay_output_print_counts(const ReplayCounts *counts)
{
    print_count("ok", counts->verdicts[REPLAY_EQUAL] - counts->updated);
    print_count("updated", counts->updated);
    print_count("DIFFERENT", counts->verdicts[REPLAY_DIFFERENT]);
    print_count("NO GOLDEN", counts->verdicts[REPLAY_NO_GOLDEN]);
    print_count("FAILED", counts->verdicts[REPLAY_FAILED]);
}

void replay_output_print_text(const char *heap, ReplayVerdict verdict, const char *text,
                              const char *again)
{
    printf("\n");
    print_text(stdout, heap);
    printf(": ");
    print_lines(text != NULL ? text : replay_verdict_name(verdict));
    if (again != NULL) {
        printf("  reproduce: ");
        print_text(stdout, again);
        printf("\n");
    }
}

static void print_record(const ReplayRecord *record)
{
    replay_output_print_text(record->heap, record->verdict, record->text, record->again);
    if (record->again != NULL && !record->is_between_marks && record->verdict != REPLAY_FAILED) {
        printf("  accept the new result: ");
        print_text(stdout, record->again);
        printf(" --update\n");
    }
}

static void print_lacking_threads(const ReplayOutput *output)
{
    uint32_t most = 0;

    for (uint64_t i = 0; i < output->count; i++)
        if (output->heaps[i].lacking_threads > most)
            most = output->heaps[i].lacking_threads;
    if (most > 0)
        printf("note: the system refused up to %" PRIu32 " of the threads of a mark; fewer workers "
               "marked\n",
               most);
}

static void print_notes(const ReplayOutput *output, uint64_t finished)
{
    char text[NUMBER_CHARS];

    for (uint64_t i = 0; i < output->count; i++) {
        const ReplayRecord *record = &output->heaps[i].record;
        if (!record->was_marked || record->is_complete)
            continue;
        printf("note: ");
        print_text(stdout, record->heap);
        printf(" is incomplete; only its present parts were marked\n");
    }
    for (uint64_t i = 0; i < output->orphans->count; i++) {
        printf("%sno heap belongs to the golden ", i == 0 ? "\n" : "");
        print_text(stdout, output->orphans->files[i].path);
        printf("\n");
    }
    print_lacking_threads(output);
    if (finished < output->count)
        printf("note: interrupted; %s of the heaps were not replayed\n",
               format_count(text, output->count - finished));
}

void replay_output_print(const ReplayOutput *output)
{
    ReplayCounts counts = {.updated = 0};
    uint64_t finished = 0;

    for (uint64_t i = 0; i < output->count; i++) {
        const ReplayRecord *record = &output->heaps[i].record;
        if (record->heap == NULL)
            continue;
        finished++;
        counts.verdicts[record->verdict]++;
        counts.updated += record->is_updated;
    }
    print_heading(output);
    replay_output_print_counts(&counts);
    for (uint64_t i = 0; i < output->count; i++)
        if (output->heaps[i].record.exit_status != EXIT_STATUS_DONE ||
            output->heaps[i].record.is_updated)
            print_record(&output->heaps[i].record);
    print_notes(output, finished);
}
