// `rudo-snap what-if`: the memory that removing some objects, types or roots would free.

#include <stdio.h>

#include "analysis/what_if.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "formats/json/answer_json.h"

typedef struct WhatIfSettings {
    HeapSettings heap;
    OptionTexts cuts;
} WhatIfSettings;

static const Option options[] = {
    {.name = "cut",
     .type = OPTION_TEXTS,
     .value_name = "WHAT",
     .help = "remove WHAT: an ADDRESS (of an object, a foreign block\n"
             "or a root), a TYPE, or a group of roots (stack,\n"
             "register, global, tls, handle, foreign, explicit,\n"
             "conservative, exact, interior, thread:NAME); can be\n"
             "given several times",
     .is_required = true,
     .setting = offsetof(WhatIfSettings, cuts)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage what_if_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Marks the heap in the snapshot FILE again without the objects, types or roots\n"
               "that --cut names, and shows how much would become garbage.\n",
    .examples = "  rudo-snap what-if --cut shop::Cart shop.zst\n"
                "  rudo-snap what-if --cut 0x600000000640 --cut stack shop.zst\n",
};

typedef struct WhatIfRun {
    const WhatIfSettings *settings;
    HeapSession session;
    uint32_t cut_count;
    HeapSelection cuts[OPTION_MAX_TEXTS];
    WhatIf what_if;
    bool follows_collector; // for lack of memory: its words count like all others
} WhatIfRun;

// Without memory for the graph the rule of marking is followed.
static bool set_collector_aside(WhatIfRun *run, Error *error)
{
    if (heap_session_need_program(&run->session, error))
        return true;
    run->follows_collector = error->code == ERROR_MEMORY || error->code == ERROR_UNSUPPORTED;
    return run->follows_collector;
}

static bool answer(void *context, Error *error)
{
    WhatIfRun *run = context;
    HeapSession *session = &run->session;
    const OptionTexts *cuts = &run->settings->cuts;

    if (!heap_session_read(session, session->operands.values[0], NULL, error))
        return false;
    for (uint32_t i = 0; i < cuts->count; i++) {
        if (!heap_selection_make(session->image, session->report->type_table, SELECT_HEAP_AND_ROOTS,
                                 cuts->values[i], &run->cuts[i], error))
            return false;
        run->cut_count++;
    }
    if (!set_collector_aside(run, error))
        return false;
    // The image holds what was set aside; the mark needs the memory.
    heap_session_free_graph(session);
    if (!heap_session_allows_mark(session, error))
        return false;
    heap_session_say(session, "marking again");
    if (!what_if_make(session->image, session->mark, session->report->type_table, run->cuts,
                      run->cut_count, &run->what_if, error))
        return false;
    if (session->json == NULL)
        return true;
    WhatIfJson document = {.image = session->image,
                           .reachability = session->report,
                           .what_if = &run->what_if,
                           .cut_count = cuts->count,
                           .cuts = cuts->values};
    return what_if_json_write(result_file_sink(session->json), &document, error) &&
           output_file_commit(session->json, error);
}

// ---- for people ----

static void print_freed(const WhatIfRun *run)
{
    const WhatIf *what_if = &run->what_if;
    const ReachabilityReport *report = run->session.report;
    uint64_t freed = freed_bytes(&what_if->freed);
    char text[NUMBER_CHARS];

    printf("without");
    for (uint32_t i = 0; i < run->settings->cuts.count; i++) {
        printf("%s ", i > 0 ? "," : "");
        print_text(stdout, run->settings->cuts.values[i]);
    }
    printf(" (%s object%s", format_count(text, what_if->cut_objects), plural(what_if->cut_objects));
    printf(", %s foreign block%s", format_count(text, what_if->cut_blocks),
           plural(what_if->cut_blocks));
    printf(", %s root%s):\n\n", format_count(text, what_if->cut_roots), plural(what_if->cut_roots));
    style_begin(stdout, STYLE_STRONG);
    printf("freed: %s", format_bytes(text, freed));
    style_end(stdout);
    printf(", %s of the reachable bytes",
           format_share(text, freed,
                        report->totals.reachable_bytes + report->reachable_foreign_bytes +
                            what_if->reachable_sized_bytes));
    printf("; %s object%s", format_count(text, what_if->freed.objects),
           plural(what_if->freed.objects));
    printf(" and %s foreign block%s",
           format_count(text, what_if->freed.blocks + what_if->freed.sized_blocks),
           plural(what_if->freed.blocks + what_if->freed.sized_blocks));
    if (what_if->freed.sized_blocks > 0)
        printf(", %s of them without content", format_count(text, what_if->freed.sized_blocks));
    if (what_if->freed.sized_blocks > 0)
        printf(" (%s)", format_bytes(text, what_if->freed.sized_bytes));
    printf("\n");
}

static void print_types(const WhatIfRun *run)
{
    const WhatIf *what_if = &run->what_if;
    const TypeTable *types = run->session.report->type_table;
    uint32_t shown = what_if->type_count < 20 ? what_if->type_count : 20;
    TextTable table;

    if (shown == 0)
        return;
    printf("\n");
    text_table_init(&table, "rrl");
    text_table_add(&table, (const char *[]){"objects", "bytes", "freed type"});
    for (uint32_t i = 0; i < shown; i++) {
        const FreedType *type = &what_if->types[i];
        char objects[NUMBER_CHARS], bytes[NUMBER_CHARS];

        text_table_add(&table, (const char *[]){format_count(objects, type->objects),
                                                format_bytes(bytes, type->bytes),
                                                type->type < types->type_count
                                                    ? types->types[type->type].label
                                                    : "foreign block"});
    }
    text_table_print_fitting(&table, 1u << 2, stdout);
    print_left_out(what_if->type_count, shown, "types");
}

static void print_answer(void *context)
{
    const WhatIfRun *run = context;

    heap_session_print_heading(&run->session);
    print_freed(run);
    print_types(run);
    printf("\n");
    if (run->follows_collector)
        print_prose(stdout, 6,
                    "note: the collector's own words were followed: there was no memory to tell "
                    "them from the program's");
    heap_session_print_notes(&run->session);
    heap_session_print_next(&run->session, "retained", NULL);
}

static void release(void *context)
{
    WhatIfRun *run = context;

    what_if_release(&run->what_if);
    for (uint32_t i = 0; i < run->cut_count; i++)
        heap_selection_release(&run->cuts[i]);
}

ExitStatus what_if_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {
        .answer = answer, .print = print_answer, .release = release, .skips_residue = true};
    WhatIfSettings settings = {.cuts.count = 0};
    WhatIfRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
