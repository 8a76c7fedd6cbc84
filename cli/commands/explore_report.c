// A violation, for people: see cli/commands/explore_report.h.

#include "base/output_path.h"
#include "base/shell_word.h"
#include "cli/commands/explore_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/result_file.h"
#include "cli/terminal.h"
#include "formats/operation_file.h"

#define PATH_CHARS 4096u

void explore_print_case(const ExploreSubject *subject)
{
    const ExploreCase *explored = &subject->explored;

    if (explored->is_queue) {
        const QueueCase *queue = &explored->queue;
        printf(
            "%s of capacity %" PRIu32 "; its owner, worker 0, does %s; %" PRIu32
            " thie%s with %" PRIu32 " attempt%s%s\n",
            queue->is_overflow ? "a stack that overflows (+ pushes 9 items, - pops 4)" : "a queue",
            queue->capacity, queue->operations, queue->thieves, queue->thieves == 1 ? "f" : "ves",
            queue->steals, plural(queue->steals), queue->thieves == 1 ? "" : " each");
        return;
    }
    printf("a %s mark by %" PRIu32 " workers, policy %s, queues of capacity %" PRIu32,
           mark_kind_name(explored->mark.kind), explored->mark.workers,
           mark_policy_name(explored->mark.policy), explored->mark.queue_capacity);
    if (subject->heap.node_count > 0)
        printf(", of %" PRIu32 " object%s and %" PRIu32 " root%s", subject->heap.node_count,
               plural(subject->heap.node_count), subject->heap.root_count,
               plural(subject->heap.root_count));
    printf("\n");
    for (uint32_t i = 0; i < subject->heap.node_count; i++) {
        const ExploreNode *node = &subject->heap.nodes[i];
        printf("  %s %" PRIu32 "%s%s%s%s%s", node->is_block ? "block" : "object", i,
               node->is_old ? " (old)" : "", node->is_far ? " (far)" : "",
               node->is_tiny ? " (16 bytes)" : "", node->is_free ? " (freed)" : "",
               node->is_open ? " (under construction)" : "");
        if (node->words > 0)
            printf(" (%" PRIu32 " words)", node->words);
        for (uint32_t edge = 0; edge < node->edge_count; edge++)
            printf("%s %u", edge == 0 ? " ->" : ",", node->edges[edge]);
        for (uint32_t root = 0; root < subject->heap.root_count; root++)
            if (subject->heap.roots[root] == i) {
                printf("%sa root", node->edge_count > 0 ? "; " : ": ");
                break;
            }
        printf("\n");
    }
}

static void print_line(void *context, const TraceLine *line)
{
    (void)context;
    if (line->number == 0)
        printf("      %s\n", line->text);
    else
        printf("%4" PRIu32 "  worker %" PRIu32 "  %s\n", line->number, line->worker, line->text);
}

// The state of each worker in a deadlock.
static void print_waiting(const SimRun *run)
{
    for (uint32_t i = 0; i < sim_worker_count(run); i++) {
        const SimOperation *pending = sim_pending(run, i);
        if (pending == NULL)
            printf("      worker %" PRIu32 "  has ended\n", i);
        else if (pending->kind == SIM_JOIN)
            printf("      worker %" PRIu32 "  waits for worker %" PRIu32 " to end\n", i,
                   pending->location);
        else if (pending->kind == SIM_PARK)
            printf("      worker %" PRIu32 "  sleeps in %s; no worker will wake it\n", i,
                   pending->function);
        else
            printf("      worker %" PRIu32 "  waits in %s for %s\n", i, pending->function,
                   pending->text);
    }
}

// The objects and blocks that are marked wrongly: as nodes of the heap, where it was made here.
static void print_addresses(const ExploreSubject *subject, const Violation *violation)
{
    for (uint32_t i = 0; i < violation->address_count; i++) {
        uint64_t address = violation->addresses[i];
        uint32_t node = explore_heap_node_at(&subject->heap, address);
        if (node < subject->heap.node_count)
            printf("%s%s %" PRIu32, i == 0 ? ": " : ", ",
                   subject->heap.nodes[node].is_block ? "block" : "object", node);
        else
            printf("%s0x%" PRIx64, i == 0 ? ": " : ", ", address);
    }
}

void explore_print_finding(SimRun *run, const ExploreFinding *finding)
{
    CaseRun result;

    style_begin(stdout, STYLE_STRONG);
    printf("%s", finding->violation.text);
    print_addresses(&finding->subject, &finding->violation);
    style_end(stdout);
    printf(" (%s, under %s)\n\n", violation_kind_name(finding->violation.kind),
           sim_model_name(finding->model));
    explore_print_case(&finding->subject);
    if (finding->model == SIM_TSO)
        printf("(buffered): only the worker itself sees the value until its store buffer is "
               "flushed\n");
    if (finding->model == SIM_C11)
        printf("(stale): an older value, which C11 allows the load to return\n");
    printf("\n");
    (void)explore_trace(run, &finding->subject, finding->model, &finding->choices, print_line, NULL,
                        &result);
    if (result.outcome == SIM_DEADLOCK)
        print_waiting(run);
}

bool explore_check_output(const char *prefix, bool replaces, const char *input, Error *error)
{
    char path[PATH_CHARS];

    if (snprintf(path, sizeof path, "%s.zst", prefix) >= (int)sizeof path)
        return error_set(error, ERROR_USAGE, "the name '%s' is too long", prefix);
    if (input != NULL && output_path_hits(path, input))
        return error_set(error, ERROR_USAGE, "--output would overwrite the input '%s'", input);
    return output_file_check(path, replaces, error);
}

bool explore_save_finding(const ExploreFinding *finding, const char *prefix, bool replaces,
                          Error *error)
{
    bool is_queue = finding->subject.explored.is_queue, ok;
    char path[PATH_CHARS], quoted[2][SHELL_WORD_CHARS];
    OutputFile *file = NULL;

    (void)snprintf(path, sizeof path, "%s.schedule", prefix);
    ok = result_file_open("--output", path, false, &file, error) &&
         operation_file_write(result_file_sink(file), finding, error) &&
         output_file_commit(file, error);
    output_file_free(file);
    if (!ok)
        return false;
    (void)snprintf(path, sizeof path, "%s.zst", prefix);
    if (!is_queue && !explore_heap_write(&finding->subject.heap, path, replaces, error))
        return false;
    (void)snprintf(path, sizeof path, "%s.schedule", prefix);
    (void)shell_word(path, "PREFIX.schedule", quoted[0]);
    (void)snprintf(path, sizeof path, "%s.zst", prefix);
    (void)shell_word(path, "PREFIX.zst", quoted[1]);
    if (is_queue)
        printf("reproduce: rudo-snap explore --replay %s\n", quoted[0]);
    else
        printf("reproduce: rudo-snap mark --schedule file:%s %s\n"
               "show steps: rudo-snap explore --replay %s %s\n",
               quoted[0], quoted[1], quoted[0], quoted[1]);
    return true;
}
