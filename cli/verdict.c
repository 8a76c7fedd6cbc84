// The verdict of a report: see cli/verdict.h.

#include "cli/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture_notes.h"
#include "cli/next_command.h"
#include "cli/path_output.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

// The width of "likely leak" and of the gap behind it.
#define INDENT 14u

// ---- sentences ----

static void print_label(const char *label, bool is_alarming)
{
    style_begin(stdout, is_alarming ? STYLE_ERROR : STYLE_STRONG);
    printf("%s", label);
    style_end(stdout);
    printf("%*s", (int)(strlen(label) < INDENT ? INDENT - strlen(label) : 1), "");
}

// Prints prose behind a label, or below it.
static void print_sentence(const char *text, bool is_first)
{
    if (!is_first)
        printf("%*s", (int)INDENT, "");
    // The first line begins behind a label: it must break as early as the others.
    print_prose_at(stdout, INDENT, INDENT, "%s", text);
}

static void print_amount(const HeapReport *report, const LeakSuspect *suspect)
{
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS], share[NUMBER_CHARS], *text = NULL;

    if (asprintf(
            &text, "%s x %s keep %s, %s of what is reachable",
            format_count(count, suspect->objects), node_types_label(report->types, suspect->type),
            format_bytes(bytes, suspect->retained_bytes),
            format_share(share, suspect->retained_bytes, heap_report_program_bytes(report))) < 0)
        return;
    print_sentence(text, true);
    free(text);
}

// "service::Audit+64, on 3 threads alike". The caller frees it.
static char *place_text(const HeapReport *report, uint32_t index)
{
    const LeakSuspect *suspect = &report->suspects.suspects[index];
    const char *label = report->labels[index];
    char count[NUMBER_CHARS], alike[2 * NUMBER_CHARS] = "", behind[2 * NUMBER_CHARS] = "";
    char *text = NULL, *root = label[0] == '\0' ? route_root_text(report->tree->graph,
                                                                  report->paths[index].nodes[0])
                                                : NULL;

    if (suspect->threads > 1)
        (void)snprintf(alike, sizeof alike, ", on %s threads alike",
                       format_count(count, suspect->threads));
    else if (suspect->places > 1)
        (void)snprintf(alike, sizeof alike, ", in %s places alike",
                       format_count(count, suspect->places));
    if (suspect->blocks > 0)
        (void)snprintf(behind, sizeof behind, ", behind %s foreign blocks",
                       format_count(count, suspect->blocks));
    if (asprintf(&text, "%s%s%s%s",
                 label[0] != '\0' ? label
                 : root != NULL   ? root
                                  : "memory of roots",
                 behind, suspect->is_nested ? ", below each other (a list or a tree)" : "",
                 alike) < 0)
        text = NULL;
    free(root);
    return text;
}

static void print_place(const HeapReport *report, uint32_t index)
{
    char *place = place_text(report, index), *text = NULL;

    if (place != NULL && asprintf(&text, "in %s", place) >= 0)
        print_sentence(text, false);
    free(text);
    free(place);
}

static void print_held(const HeapReport *report, const LeakSuspect *suspect)
{
    char held[NUMBER_CHARS], elsewhere[NUMBER_CHARS], *text = NULL;

    if (suspect->held_elsewhere == 0)
        return;
    if (asprintf(&text, "holding %s x %s; %s others are held elsewhere",
                 format_count(held, suspect->held_objects),
                 node_types_label(report->types, suspect->held_type),
                 format_count(elsewhere, suspect->held_elsewhere)) >= 0)
        print_sentence(text, false);
    free(text);
}

// "+12 objects, +1.2 MiB".
static char *growth_text(const LeakSuspect *suspect, char text[3 * NUMBER_CHARS])
{
    char objects[NUMBER_CHARS], bytes[NUMBER_CHARS];

    if (suspect->growth.knowledge != GROWTH_KNOWN)
        (void)snprintf(text, 3 * NUMBER_CHARS, "not known");
    else
        (void)snprintf(text, 3 * NUMBER_CHARS, "%s object%s, %s",
                       format_more(objects, suspect->growth.objects),
                       suspect->growth.objects == 1 ? "" : "s",
                       format_more_bytes(bytes, suspect->growth.bytes));
    return text;
}

static void print_growth(const HeapReport *report, const LeakSuspect *suspect,
                         const VerdictFiles *files)
{
    char growth[3 * NUMBER_CHARS], all[NUMBER_CHARS], steps[NUMBER_CHARS], *text = NULL;

    if (files->older != NULL) {
        const HeapHistory *older = report->older;
        bool is_steady = suspect->growth.is_steady && older->count > 1;

        (void)snprintf(steps, sizeof steps, "%" PRIu32, older->count);
        if (asprintf(&text, "growth since %s: %s, of %s in all%s%s%s", files->older,
                     growth_text(suspect, growth),
                     format_more_bytes(all, (int64_t)(heap_report_program_bytes(report) -
                                                      older->heaps[0].program_bytes)),
                     is_steady ? "; more in each of " : "", is_steady ? steps : "",
                     is_steady ? " steps" : "") >= 0)
            print_sentence(text, false);
        free(text);
        return;
    }
    print_sentence("one heap does not tell a leak from a cache; a later capture does:", false);
    printf("%*srudo-snap report ", (int)INDENT, "");
    print_shell_word(stdout, files->snapshot);
    printf(" later.zst\n");
}

// ---- paths ----

// The path to the place, the example behind it, and all objects as its last line.
static void print_path(const HeapReport *report, uint32_t index)
{
    const LeakSuspect *suspect = &report->suspects.suspects[index];
    const RootPath *path = &report->paths[index];
    bool is_held_by_roots = dominator_tree_is_holder(report->tree, suspect->place);
    RootPath whole = {.length = path->length + !is_held_by_roots};
    char count[NUMBER_CHARS], *last = NULL;

    whole.nodes = calloc(whole.length, sizeof *whole.nodes);
    if (whole.nodes == NULL)
        return;
    memcpy(whole.nodes, path->nodes, path->length * sizeof *whole.nodes);
    whole.nodes[whole.length - 1] = suspect->example;
    if (asprintf(&last, "%s x %s  0x%" PRIx64 "%s", format_count(count, suspect->objects),
                 node_types_label(report->types, suspect->type),
                 object_graph_address(report->tree->graph, suspect->example),
                 suspect->objects > 1 ? " ..." : "") >= 0)
        path_output_print_tree(report->types, &whole, NULL, 1, whole.length - 1, last);
    free(last);
    free(whole.nodes);
}

static void print_others(const HeapReport *report, const VerdictFiles *files)
{
    TextTable table;

    if (report->suspects.count < 2)
        return;
    print_title("other suspects");
    text_table_init(&table, files->older != NULL ? "rrrrlll" : "rrrrll");
    text_table_add(
        &table, files->older != NULL
                    ? (const char *[]){"#", "objects", "retained", "share", "growth", "type", "in"}
                    : (const char *[]){"#", "objects", "retained", "share", "type", "in"});
    for (uint32_t i = 1; i < report->suspects.count; i++) {
        const LeakSuspect *suspect = &report->suspects.suspects[i];
        char number[NUMBER_CHARS], count[NUMBER_CHARS], bytes[NUMBER_CHARS], share[NUMBER_CHARS];
        char growth[3 * NUMBER_CHARS], *place = place_text(report, i);
        const char *type = node_types_label(report->types, suspect->type);
        const char *cells[] = {
            format_count(number, i + 1),
            format_count(count, suspect->objects),
            format_bytes(bytes, suspect->retained_bytes),
            format_share(share, suspect->retained_bytes, heap_report_program_bytes(report)),
            files->older != NULL ? growth_text(suspect, growth) : type,
            files->older != NULL ? type : place,
            place};

        text_table_add(&table, cells);
        free(place);
    }
    text_table_print_fitting(&table, files->older != NULL ? 3u << 5 : 3u << 4, stdout);
}

static void print_other_paths(const HeapReport *report)
{
    for (uint32_t i = 1; i < report->suspects.count; i++) {
        printf("\n%" PRIu32 "\n", i + 1);
        print_path(report, i);
    }
}

// What gives a suspect without a name one: a number says little to who reads the verdict. False:
// it has a name, or the reason is not known.
static bool explain_names(const HeapReport *report, const LeakSuspect *suspect)
{
    const char *note = snapshot_names_note(&report->image->details->metadata);
    const char *end = strchrnul(note, '\n');
    char *text = NULL;
    bool is_explained = note[0] != '\0' && strncmp(node_types_label(report->types, suspect->type),
                                                   "type #", strlen("type #")) == 0;

    if (is_explained && asprintf(&text, "%.*s", (int)(end - note), note) >= 0)
        print_sentence(text, false);
    free(text);
    // Further reasons stay among the notes.
    return is_explained && *end == '\0';
}

bool verdict_print(const HeapReport *report, const VerdictFiles *files, bool is_full)
{
    const LeakSuspect *first = &report->suspects.suspects[0];
    bool is_compared = files->older != NULL, is_explained;

    if (report->suspects.count == 0) {
        print_label("no suspect", false);
        print_sentence("nothing stands out: no 20 objects of one type that are reached in the same "
                       "way keep 5 % of what is reachable",
                       true);
        return false;
    }
    if (is_compared && first->growth.knowledge == GROWTH_KNOWN && !leak_suspect_has_grown(first)) {
        print_label("no growth", false);
        print_sentence("no crowd of objects grew; the largest one:", true);
        printf("%*s", (int)INDENT, "");
    } else {
        print_label("likely leak", true);
    }
    print_amount(report, first);
    print_place(report, 0);
    print_held(report, first);
    print_growth(report, first, files);
    is_explained = explain_names(report, first);
    printf("\n");
    print_path(report, 0);
    print_others(report, files);
    if (is_full)
        print_other_paths(report);
    return is_explained;
}
