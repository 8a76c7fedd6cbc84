// The report for people: see cli/commands/report_output.h.

#include "cli/commands/report_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/graph/holder_label.h"
#include "cli/account_output.h"
#include "cli/commands/path_output.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#define SHOWN_TYPES 16u
#define SHOWN_OTHERS 10u

static void print_collector(const HeapReport *report)
{
    const CollectorMemory *collector = report->collector;
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];

    if (collector->block_count > 0)
        printf("\ncollector    %s foreign block%s, %s, of its own",
               format_count(count, collector->block_count), plural(collector->block_count),
               format_bytes(bytes, collector->block_bytes));
    if (collector->kept_objects > 0)
        printf("\n             %s object%s, %s, kept only by its words",
               format_count(count, collector->kept_objects), plural(collector->kept_objects),
               format_bytes(bytes, collector->kept_bytes));
}

static void print_sized(const HeapReport *report)
{
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];
    uint64_t sized_blocks, sized_bytes;

    if (report->tree == NULL)
        return;
    object_graph_count_sized(report->tree->graph, &sized_blocks, &sized_bytes);
    if (sized_blocks > 0)
        printf("; %s without content, %s", format_count(count, sized_blocks),
               format_bytes(bytes, sized_bytes));
}

static void print_totals(const HeapReport *report)
{
    const ReachabilityReport *reachability = report->reachability;
    const ReachabilityCounts *totals = &reachability->totals;
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];

    printf("reachable    %s object%s, %s", format_count(count, totals->reachable_objects),
           plural(totals->reachable_objects), format_bytes(bytes, totals->reachable_bytes));
    if (reachability->reachable_foreign_blocks > 0) {
        printf("; %s foreign block%s", format_count(count, reachability->reachable_foreign_blocks),
               plural(reachability->reachable_foreign_blocks));
        printf(", %s", format_bytes(bytes, reachability->reachable_foreign_bytes));
    }
    print_sized(report);
    if (reachability->knows_residue &&
        reachability->without_residue_objects != totals->reachable_objects) {
        printf("\n             %s of the objects without words that look left over",
               format_count(count, reachability->without_residue_objects));
        printf(", %s", format_bytes(bytes, reachability->without_residue_bytes));
    }
    printf("\ngarbage      %s object%s, %s", format_count(count, totals->unreachable_objects),
           plural(totals->unreachable_objects), format_bytes(bytes, totals->unreachable_bytes));
    if (totals->zombies > 0)
        printf("; %s zombie%s", format_count(count, totals->zombies), plural(totals->zombies));
    if (totals->zombies > 0)
        printf(", %s", format_bytes(bytes, totals->zombie_bytes));
    print_collector(report);
    printf("\npages        %s, %s", format_count(count, totals->pages),
           format_bytes(bytes, reachability->heap_bytes));
    printf(", %s of it in reachable objects\n",
           format_share(count, totals->reachable_bytes, reachability->heap_bytes));
    account_output_print(&report->image->details->metadata.account, report->types,
                         report->collector != NULL ? report->collector->block_bytes : 0);
}

// ---- suspects ----

static char *place_text(const HeapReport *report, uint32_t node)
{
    const DominatorTree *tree = report->tree;
    char *text = NULL;

    if (dominator_tree_is_holder(tree, node))
        return holder_label(tree, dominator_tree_holder(tree, node));
    if (asprintf(&text, "%s 0x%" PRIx64,
                 node_types_label(report->types, report->types->by_node[node]),
                 object_graph_address(tree->graph, node)) < 0)
        return NULL;
    return text;
}

static void print_place(const HeapReport *report, uint32_t node)
{
    char *text = place_text(report, node);

    if (text != NULL)
        print_text(stdout, text);
    free(text);
}

static void print_suspects(const HeapReport *report)
{
    for (uint32_t i = 0; i < report->suspects.count; i++) {
        const LeakSuspect *suspect = &report->suspects.suspects[i];
        const char *type = node_types_label(report->types, suspect->type);
        char count[NUMBER_CHARS], bytes[NUMBER_CHARS], share[NUMBER_CHARS], title[64];

        (void)snprintf(title, sizeof title, "suspect %" PRIu32 " of %" PRIu32, i + 1,
                       report->suspects.count);
        print_title(title);
        printf("%s x ", format_count(count, suspect->objects));
        style_begin(stdout, STYLE_STRONG);
        print_text(stdout, type);
        style_end(stdout);
        printf(" keep %s alive, %s of the reachable bytes\n",
               format_bytes(bytes, suspect->retained_bytes),
               format_share(share, suspect->retained_bytes, heap_report_program_bytes(report)));
        printf("kept by ");
        print_place(report, suspect->place);
        if (suspect->owner != suspect->place) {
            printf(" of ");
            print_place(report, suspect->owner);
        }
        printf("; the largest one is 0x%" PRIx64 "\n",
               object_graph_address(report->tree->graph, suspect->example));
        path_output_print(report->types, &report->paths[i], NULL, 0, 1, 1);
    }
}

// ---- groups ----

static int compare_groups(const void *left, const void *right)
{
    const HeapGroup *a = *(const HeapGroup *const *)left, *b = *(const HeapGroup *const *)right;

    if (a->retained_bytes != b->retained_bytes)
        return a->retained_bytes > b->retained_bytes ? -1 : 1;
    if (a->counts.object_bytes != b->counts.object_bytes)
        return a->counts.object_bytes > b->counts.object_bytes ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void add_group(TextTable *table, const HeapReport *report, const HeapGroup *group,
                      const char *name)
{
    char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], retained[NUMBER_CHARS] = "?";
    char unreachable[NUMBER_CHARS] = "", lost[NUMBER_CHARS] = "";

    if (report->groups.has_retained)
        format_bytes(retained, group->retained_bytes);
    if (group->counts.unreachable_objects > 0) {
        format_count(unreachable, group->counts.unreachable_objects);
        format_bytes(lost, group->counts.unreachable_bytes);
    }
    text_table_add(table, (const char *[]){retained,
                                           format_count(objects, group->counts.reachable_objects),
                                           format_bytes(bytes, group->counts.reachable_bytes),
                                           unreachable, lost, name});
}

static void begin_groups(TextTable *table, const char *what)
{
    text_table_init(table, "rrrrrl");
    text_table_add(table, (const char *[]){"retained", "reachable", "bytes", "garbage",
                                           "garbage bytes", what});
}

static void print_types(const HeapReport *report)
{
    uint32_t count = report->groups.counts[GROUP_BY_TYPE], with_objects = 0, shown;
    const HeapGroup **order = calloc((size_t)count + 1, sizeof(HeapGroup *));
    TextTable table;

    if (order == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (report->groups.groups[GROUP_BY_TYPE][i].counts.objects > 0)
            order[with_objects++] = &report->groups.groups[GROUP_BY_TYPE][i];
    qsort(order, with_objects, sizeof *order, compare_groups);
    shown = with_objects < SHOWN_TYPES ? with_objects : SHOWN_TYPES;
    print_title("types");
    begin_groups(&table, "type");
    for (uint32_t i = 0; i < shown; i++)
        add_group(&table, report, order[i],
                  report->reachability->type_table->types[order[i]->key].label);
    text_table_print_fitting(&table, 1u << 5, stdout);
    print_left_out(with_objects, shown, "types");
    free(order);
}

static void print_groups(const HeapReport *report, Grouping grouping, const char *title,
                         const char *what)
{
    uint32_t count = report->groups.counts[grouping];
    uint32_t shown = count < SHOWN_TYPES ? count : SHOWN_TYPES;
    TextTable table;

    print_title(title);
    begin_groups(&table, what);
    for (uint32_t i = 0; i < shown; i++) {
        const HeapGroup *group = &report->groups.groups[grouping][i];
        char name[NUMBER_CHARS] = "large";

        if (grouping != GROUP_BY_SIZE_CLASS || group->key != LARGE_SIZE_CLASS)
            (void)snprintf(name, sizeof name, "%" PRIu64, group->key);
        add_group(&table, report, group, name);
    }
    text_table_print(&table, stdout);
    print_left_out(count, shown, title);
}

// ---- retainers, pages, foreign memory ----

static void print_retainers(const HeapReport *report)
{
    const DominatorTree *tree = report->tree;
    uint32_t shown = report->retainer_count < SHOWN_OTHERS ? report->retainer_count : SHOWN_OTHERS;
    TextTable table;

    print_title("biggest retainers");
    text_table_init(&table, "rrrll");
    text_table_add(&table, (const char *[]){"retained", "share", "objects", "object", "kept by"});
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t node = report->retainers[i];
        char bytes[NUMBER_CHARS], share[NUMBER_CHARS], objects[NUMBER_CHARS];
        char *what = place_text(report, node);
        char *keeper = place_text(report, tree->dominators[node]);

        text_table_add(&table, (const char *[]){format_bytes(bytes, tree->retained_bytes[node]),
                                                format_share(share, tree->retained_bytes[node],
                                                             heap_report_program_bytes(report)),
                                                format_count(objects, tree->retained_objects[node]),
                                                what, keeper});
        free(what);
        free(keeper);
    }
    text_table_print_fitting(&table, 1u << 3 | 1u << 4, stdout);
}

static void print_page_classes(const PageFragmentation *fragmentation)
{
    TextTable table;

    text_table_init(&table, "rrrrr");
    text_table_add(&table, (const char *[]){"size class", "pages", "nearly empty", "free in them",
                                            "only garbage"});
    for (uint32_t i = 0; i < fragmentation->class_count; i++) {
        const ClassPages *class = &fragmentation->classes[i];
        char size[NUMBER_CHARS], pages[NUMBER_CHARS], nearly[NUMBER_CHARS], bytes[NUMBER_CHARS];
        char without[NUMBER_CHARS];

        (void)snprintf(size, sizeof size, "%" PRIu32, class->block_size);
        text_table_add(&table, (const char *[]){size, format_count(pages, class->pages),
                                                format_count(nearly, class->nearly_empty),
                                                format_bytes(bytes, class->free_bytes),
                                                format_count(without, class->without_reachable)});
    }
    text_table_print(&table, stdout);
}

static void print_fragmentation(const HeapReport *report)
{
    const PageFragmentation *fragmentation = &report->fragmentation;
    uint32_t shown =
        fragmentation->keeper_count < SHOWN_OTHERS ? fragmentation->keeper_count : SHOWN_OTHERS;
    TextTable table;

    print_title("pages");
    print_page_classes(fragmentation);
    if (shown == 0)
        return;
    printf("\nobjects that keep nearly empty pages (at most %u %% of the slots are reachable):\n",
           NEARLY_EMPTY_SHARE);
    text_table_init(&table, "rrrll");
    text_table_add(&table, (const char *[]){"pages", "free", "objects", "type", "kept by"});
    for (uint32_t i = 0; i < shown; i++) {
        const PageKeeper *keeper = &fragmentation->keepers[i];
        char pages[NUMBER_CHARS], bytes[NUMBER_CHARS], objects[NUMBER_CHARS];

        text_table_add(&table,
                       (const char *[]){format_count(pages, keeper->pages),
                                        format_bytes(bytes, keeper->free_bytes),
                                        format_count(objects, keeper->objects),
                                        node_types_label(report->types, keeper->type),
                                        keeper->kept_by < report->types->type_count
                                            ? node_types_label(report->types, keeper->kept_by)
                                            : "(roots)"});
    }
    text_table_print_fitting(&table, 1u << 3 | 1u << 4, stdout);
    print_left_out(fragmentation->keeper_count, shown, "pairs of types");
}

static void print_foreign_owners(const HeapReport *report)
{
    const HeapGroups *groups = &report->groups;
    const TypeTable *types = report->reachability->type_table;
    uint32_t shown = groups->owner_count < SHOWN_OTHERS ? groups->owner_count : SHOWN_OTHERS;
    TextTable table;

    if (shown == 0)
        return;
    print_title("malloc'd memory by owner");
    text_table_init(&table, "rrl");
    text_table_add(&table, (const char *[]){"blocks", "bytes", "kept by"});
    for (uint32_t i = 0; i < shown; i++) {
        const ForeignOwner *owner = &groups->owners[i];
        char blocks[NUMBER_CHARS], bytes[NUMBER_CHARS];

        text_table_add(&table, (const char *[]){format_count(blocks, owner->blocks),
                                                format_bytes(bytes, owner->bytes),
                                                owner->type < types->type_count
                                                    ? types->types[owner->type].label
                                                    : "(roots, or several objects)"});
    }
    text_table_print_fitting(&table, 1u << 2, stdout);
    print_left_out(groups->owner_count, shown, "types");
}

// ---- ambiguity ----

static void print_freed(const char *what, const FreedCounts *freed)
{
    char bytes[NUMBER_CHARS], objects[NUMBER_CHARS];

    printf("%-30s %10s in %s object%s\n", what, format_bytes(bytes, freed_bytes(freed)),
           format_count(objects, freed->objects), plural(freed->objects));
}

static void print_ledger(const HeapReport *report)
{
    const AmbiguityLedger *ledger = &report->ledger;
    char count[NUMBER_CHARS], bytes[NUMBER_CHARS];
    TextTable table;

    print_title("memory that only conservative roots keep alive");
    printf("%s conservative root%s, ", format_count(count, ledger->conservative_words),
           plural(ledger->conservative_words));
    printf("%s exact root%s\n", format_count(count, ledger->exact_words),
           plural(ledger->exact_words));
    printf("%-30s %10s\n", "all conservative roots",
           format_bytes(bytes, ledger->conservative_bytes));
    print_freed("roots on stacks, in registers", &ledger->stacks_and_registers);
    print_freed("interior pointers", &ledger->interior);
    if (ledger->excess_objects > 0 && report->reachability->has_guessed_words) {
        printf("%s object%s referred to by ", format_count(count, ledger->excess_objects),
               ledger->excess_objects == 1 ? " is" : "s are");
        printf("%s more word%s than the reference counts say:\n",
               format_count(count, ledger->excess_words), plural(ledger->excess_words));
        printf("  weak references, stale words or chance values, which cannot be told apart\n");
    }
    if (ledger->word_count == 0)
        return;
    printf("\n");
    text_table_init(&table, "rll");
    text_table_add(&table, (const char *[]){"retained", "by this root alone", "refers to"});
    for (uint32_t i = 0; i < ledger->word_count; i++) {
        const RootHolder *holder = dominator_tree_holder(report->tree, ledger->words[i]);
        const GraphRoot *root = &report->tree->graph->roots[holder->graph_root];
        char *word = place_text(report, ledger->words[i]), *target = place_text(report, root->node);

        text_table_add(
            &table,
            (const char *[]){format_bytes(bytes, report->tree->retained_bytes[ledger->words[i]]),
                             word, target});
        free(word);
        free(target);
    }
    text_table_print_fitting(&table, 1u << 1 | 1u << 2, stdout);
}

void report_output_print(const HeapReport *report, const char *left_out)
{
    print_totals(report);
    if (left_out != NULL) {
        printf("\nskipped: suspects, retained sizes, owners, conservative roots\n  ");
        print_text(stdout, left_out);
        printf("\n");
    }
    if (report->tree != NULL)
        print_suspects(report);
    print_types(report);
    print_groups(report, GROUP_BY_SIZE_CLASS, "size classes", "size class");
    print_groups(report, GROUP_BY_OWNER_THREAD, "owner threads", "owner thread");
    print_groups(report, GROUP_BY_GENERATION, "generations", "generation");
    if (report->tree != NULL)
        print_retainers(report);
    print_fragmentation(report);
    print_foreign_owners(report);
    if (report->tree != NULL)
        print_ledger(report);
}
