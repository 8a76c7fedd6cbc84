// The nodes of a page as columns: see formats/html/page_parts_internal.h.

#include "formats/html/page_parts_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/graph/holder_label.h"
#include "analysis/names/root_label.h"

// Words that are looked at to name fields, in one object or block and in all: finding one of a
// million items takes a while, and its number tells little.
#define LARGEST_WORDS (1u << 16)
#define MOST_WORDS 20000000u

// A column: one number for each row.
static void write_column(JsonWriter *writer, const PageNodes *nodes, const char *name,
                         uint64_t (*value)(const PageNodes *nodes, uint32_t row))
{
    json_key(writer, name);
    json_begin_array(writer);
    for (uint32_t row = 0; row < nodes->count; row++) {
        uint64_t number = value(nodes, row);

        if (number == UINT64_MAX)
            json_null(writer);
        else
            json_unsigned(writer, number);
    }
    json_end_array(writer);
}

static bool is_holder(const PageNodes *nodes, uint32_t row)
{
    return dominator_tree_is_holder(nodes->report->tree, nodes->rows[row].node);
}

static uint64_t kind_of(const PageNodes *nodes, uint32_t row)
{
    if (is_holder(nodes, row))
        return 2;
    return object_graph_is_block(nodes->report->tree->graph, nodes->rows[row].node);
}

static uint64_t dominator_of(const PageNodes *nodes, uint32_t row)
{
    const DominatorTree *tree = nodes->report->tree;
    uint32_t node = nodes->rows[row].node, above;

    if (node == dominator_tree_top(tree))
        return UINT64_MAX;
    above = page_nodes_row(nodes, tree->dominators[node]);
    return above == PAGE_NO_ROW ? UINT64_MAX : above;
}

static uint64_t bytes_of(const PageNodes *nodes, uint32_t row)
{
    return is_holder(nodes, row)
               ? 0
               : object_graph_bytes_of(nodes->report->tree->graph, nodes->rows[row].node);
}

static uint64_t retained_of(const PageNodes *nodes, uint32_t row)
{
    return nodes->report->tree->retained_bytes[nodes->rows[row].node];
}

static uint64_t objects_of(const PageNodes *nodes, uint32_t row)
{
    return nodes->report->tree->retained_objects[nodes->rows[row].node];
}

static uint64_t children_of(const PageNodes *nodes, uint32_t row)
{
    const DominatorTree *tree = nodes->report->tree;
    uint32_t node = nodes->rows[row].node;

    return tree->first_child[node + 1] - tree->first_child[node];
}

static uint64_t before_of(const PageNodes *nodes, uint32_t row)
{
    return nodes->rows[row].before >= PAGE_ROOT_ROW ? UINT64_MAX : nodes->rows[row].before;
}

static uint64_t skipped_of(const PageNodes *nodes, uint32_t row)
{
    return nodes->rows[row].skipped;
}

// Hex digits: JSON numbers above 2^53 are not safe.
static void write_addresses(JsonWriter *writer, const PageNodes *nodes)
{
    json_key(writer, "address");
    json_begin_array(writer);
    for (uint32_t row = 0; row < nodes->count; row++) {
        char text[20] = "";

        if (!is_holder(nodes, row))
            (void)snprintf(text, sizeof text, "%" PRIx64,
                           object_graph_address(nodes->report->tree->graph, nodes->rows[row].node));
        json_string(writer, text);
    }
    json_end_array(writer);
}

static void write_number(JsonWriter *writer, uint32_t number)
{
    if (number == NO_INDEX)
        json_null(writer);
    else
        json_unsigned(writer, number);
}

static bool name_of(const PageNodes *nodes, uint32_t row, PageStrings *strings, uint32_t *number,
                    Error *error)
{
    const HeapReport *report = nodes->report;
    uint32_t node = nodes->rows[row].node;
    char *label;
    bool ok;

    if (!is_holder(nodes, row))
        return page_strings_add(
            strings, node_types_label(report->types, report->types->by_node[node]), number, error);
    label = holder_label(report->tree, dominator_tree_holder(report->tree, node));
    if (label == NULL)
        return error_set_memory(error, 64, "the label of a root");
    ok = page_strings_add_label(strings, label, number, error);
    free(label);
    return ok;
}

static bool write_names(JsonWriter *writer, const PageNodes *nodes, PageStrings *strings,
                        Error *error)
{
    json_key(writer, "name");
    json_begin_array(writer);
    for (uint32_t row = 0; row < nodes->count; row++) {
        uint32_t number;

        if (!name_of(nodes, row, strings, &number, error))
            return false;
        write_number(writer, number);
    }
    json_end_array(writer);
    return true;
}

// What the node before a row calls its reference to it, or the root of the first node of a path.
static bool write_ways(JsonWriter *writer, const PageNodes *nodes, PageStrings *strings,
                       Error *error)
{
    const ObjectGraph *graph = nodes->report->tree->graph;
    uint64_t words = 0, offset;

    json_key(writer, "way");
    json_begin_array(writer);
    for (uint32_t row = 0; row < nodes->count; row++) {
        const PageRow *record = &nodes->rows[row];
        uint32_t number = NO_INDEX, before;
        EdgeLabel label;

        if (record->root != NO_ROOT) {
            char *root = root_label(graph->image->details,
                                    &graph->image->roots[graph->roots[record->root].root]);
            bool ok = root != NULL ? page_strings_add_label(strings, root, &number, error)
                                   : error_set_memory(error, 64, "the label of a root");

            free(root);
            if (!ok)
                return false;
        } else if (record->before < PAGE_ROOT_ROW && record->skipped == 0 && words < MOST_WORDS) {
            uint64_t more;

            before = nodes->rows[record->before].node;
            more = object_graph_bytes_of(graph, before) / 8;
            words += more <= LARGEST_WORDS ? more : 0;
            if (more <= LARGEST_WORDS &&
                edge_label_between(&nodes->report->types->labels, graph, before, record->node,
                                   &label, &offset) &&
                !page_strings_add_label(strings, label.text, &number, error))
                return false;
        }
        write_number(writer, number);
    }
    json_end_array(writer);
    return true;
}

bool page_nodes_write(JsonWriter *writer, const PageNodes *nodes, PageStrings *strings,
                      Error *error)
{
    json_key(writer, "nodes");
    json_begin_object(writer);
    json_unsigned_member(writer, "of", nodes->report->tree->node_count);
    json_unsigned_member(writer, "in_tree", nodes->tree_count);
    write_column(writer, nodes, "kind", kind_of);
    write_addresses(writer, nodes);
    if (!write_names(writer, nodes, strings, error))
        return false;
    write_column(writer, nodes, "dominator", dominator_of);
    write_column(writer, nodes, "bytes", bytes_of);
    write_column(writer, nodes, "retained", retained_of);
    write_column(writer, nodes, "objects", objects_of);
    write_column(writer, nodes, "children", children_of);
    write_column(writer, nodes, "before", before_of);
    write_column(writer, nodes, "skipped", skipped_of);
    if (!write_ways(writer, nodes, strings, error))
        return false;
    json_end_object(writer);
    return true;
}
