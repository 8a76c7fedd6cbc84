// The details of a report: see cli/report_details.h.

#include "cli/report_details.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/holder_label.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#define SHOWN_GROUPS 16u
#define SHOWN_OTHERS 10u

// The type of a node and its address, or the label of a holder; the caller frees it. NULL: memory
// is short.
static char *node_text(const HeapReport *report, uint32_t node, char address[NUMBER_CHARS])
{
    const DominatorTree *tree = report->tree;

    address[0] = '\0';
    if (dominator_tree_is_holder(tree, node))
        return holder_label(tree, dominator_tree_holder(tree, node));
    (void)snprintf(address, NUMBER_CHARS, "0x%" PRIx64, object_graph_address(tree->graph, node));
    return strdup(node_types_label(report->types, report->types->by_node[node]));
}

// ---- groups ----

void report_groups_begin(TextTable *table, bool with_growth, const char *what)
{
    text_table_init(table, with_growth ? "rrrrrrrl" : "rrrrrl");
    text_table_add(table, with_growth
                              ? (const char *[]){"retained", "+retained", "reachable", "+reachable",
                                                 "own bytes", "garbage", "garbage bytes", what}
                              : (const char *[]){"retained", "reachable", "own bytes", "garbage",
                                                 "garbage bytes", what});
}

void report_groups_add(TextTable *table, const HeapReport *report, const HeapGroup *group,
                       const Growth *growth, const char *name)
{
    char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], retained[NUMBER_CHARS] = "?";
    char unreachable[NUMBER_CHARS] = "", lost[NUMBER_CHARS] = "";
    char more_bytes[NUMBER_CHARS] = "?", more_objects[NUMBER_CHARS] = "?";

    if (report->groups.has_retained)
        format_bytes(retained, group->retained_bytes);
    format_count(objects, group->counts.reachable_objects);
    format_bytes(bytes, group->counts.reachable_bytes);
    if (group->counts.unreachable_objects > 0) {
        format_count(unreachable, group->counts.unreachable_objects);
        format_bytes(lost, group->counts.unreachable_bytes);
    }
    if (growth == NULL) {
        text_table_add(table, (const char *[]){retained, objects, bytes, unreachable, lost, name});
        return;
    }
    if (growth->knowledge == GROWTH_KNOWN) {
        format_more_bytes(more_bytes, growth->bytes);
        format_more(more_objects, growth->objects);
    }
    text_table_add(table, (const char *[]){retained, more_bytes, objects, more_objects, bytes,
                                           unreachable, lost, name});
}

void report_groups_print(TextTable *table)
{
    text_table_print_fitting(table, 1u << (table->column_count - 1), stdout);
}

static void print_groups(const HeapReport *report, Grouping grouping, const char *title,
                         const char *what)
{
    uint32_t count = report->groups.counts[grouping];
    uint32_t shown = count < SHOWN_GROUPS ? count : SHOWN_GROUPS;
    TextTable table;

    print_title(title);
    report_groups_begin(&table, false, what);
    for (uint32_t i = 0; i < shown; i++) {
        const HeapGroup *group = &report->groups.groups[grouping][i];
        char name[NUMBER_CHARS] = "large";

        if (grouping != GROUP_BY_SIZE_CLASS || group->key != LARGE_SIZE_CLASS)
            (void)snprintf(name, sizeof name, "%" PRIu64, group->key);
        report_groups_add(&table, report, group, NULL, name);
    }
    text_table_print(&table, stdout);
    print_left_out(count, shown, title);
}

// ---- retainers, pages, foreign memory ----

static void print_retainers(const HeapReport *report, uint32_t most)
{
    const DominatorTree *tree = report->tree;
    uint32_t shown = report->retainer_count < most ? report->retainer_count : most;
    TextTable table;

    print_title("biggest retainers");
    text_table_init(&table, "rrrllll");
    text_table_add(&table, (const char *[]){"retained", "share", "objects", "address", "type",
                                            "keeper", "kept by"});
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t node = report->retainers[i];
        char bytes[NUMBER_CHARS], share[NUMBER_CHARS], objects[NUMBER_CHARS];
        char address[NUMBER_CHARS], keeper_address[NUMBER_CHARS];
        char *what = node_text(report, node, address);
        char *keeper = node_text(report, tree->dominators[node], keeper_address);

        text_table_add(&table, (const char *[]){format_bytes(bytes, tree->retained_bytes[node]),
                                                format_share(share, tree->retained_bytes[node],
                                                             heap_report_program_bytes(report)),
                                                format_count(objects, tree->retained_objects[node]),
                                                address, what, keeper_address, keeper});
        free(what);
        free(keeper);
    }
    text_table_print_fitting(&table, 1u << 4 | 1u << 6, stdout);
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
    printf("\n");
    print_prose(stdout, 0,
                "objects that keep nearly empty pages (at most %u %% of the slots are reachable):",
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

        text_table_add(&table,
                       (const char *[]){format_count(blocks, owner->blocks + owner->sized_blocks),
                                        format_bytes(bytes, owner->bytes + owner->sized_bytes),
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

static void print_excess(const HeapReport *report)
{
    const AmbiguityLedger *ledger = &report->ledger;
    char objects[NUMBER_CHARS], words[NUMBER_CHARS];

    if (ledger->excess_objects == 0 || !report->reachability->has_guessed_words)
        return;
    print_prose(stdout, 2,
                "%s object%s referred to by %s more word%s than the reference counts say: weak "
                "references%s or chance values, which cannot be told apart",
                format_count(objects, ledger->excess_objects),
                ledger->excess_objects == 1 ? " is" : "s are",
                format_count(words, ledger->excess_words), plural(ledger->excess_words),
                report->reachability->may_have_none ? ", stale words" : "");
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
    print_excess(report);
    if (ledger->word_count == 0)
        return;
    printf("\n");
    text_table_init(&table, "rlll");
    text_table_add(&table,
                   (const char *[]){"retained", "by this root alone", "address", "refers to"});
    for (uint32_t i = 0; i < ledger->word_count; i++) {
        const RootHolder *holder = dominator_tree_holder(report->tree, ledger->words[i]);
        const GraphRoot *root = &report->tree->graph->roots[holder->graph_root];
        char address[NUMBER_CHARS], *word = node_text(report, ledger->words[i], address);
        char *target = node_text(report, root->node, address);

        text_table_add(
            &table,
            (const char *[]){format_bytes(bytes, report->tree->retained_bytes[ledger->words[i]]),
                             word, address, target});
        free(word);
        free(target);
    }
    text_table_print_fitting(&table, 1u << 1 | 1u << 3, stdout);
}

void report_details_print(const HeapReport *report, uint32_t most)
{
    const HeapLayout *layout = &report->image->layout;

    print_groups(report, GROUP_BY_SIZE_CLASS, "size classes", "size class");
    if (layout->owner_thread.width > 0)
        print_groups(report, GROUP_BY_OWNER_THREAD, "owner threads", "owner thread");
    if (layout->generation.width > 0)
        print_groups(report, GROUP_BY_GENERATION, "generations", "generation");
    if (report->tree != NULL)
        print_retainers(report, most);
    print_fragmentation(report);
    print_foreign_owners(report);
    if (report->tree != NULL)
        print_ledger(report);
}
