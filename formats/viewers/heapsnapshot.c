// V8's heap snapshot: see formats/viewers/heap_export.h.
//
// Nodes: the root, a group for each kind of roots, one for what is unreachable, then the nodes of
// the graph, then garbage. All children of the root are synthetic, and their references are told
// once each, since DevTools counts nodes otherwise; sections are in the order in which it looks for
// them. A node's number in the tables is its place in the flat array.

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/hash_index.h"
#include "base/array.h"
#include "formats/viewers/export_parts_internal.h"

#define NODE_FIELDS 7u
#define GROUPS (ROOT_KIND_COUNT + 1u) // kinds of roots, and what is unreachable
#define FIRST_NODE (1u + GROUPS)
// Objects with more words than this have their references numbered.
#define LABELLED_BYTES 1024u

// The types of nodes and edges: places in the meta data.
enum { NODE_HIDDEN, NODE_ARRAY, NODE_STRING, NODE_OBJECT, NODE_NATIVE = 8, NODE_SYNTHETIC = 9 };
enum { EDGE_ELEMENT = 1, EDGE_PROPERTY = 2 };

typedef struct Strings {
    const char **texts; // owned texts
    uint32_t count;
    uint64_t capacity;
    HashIndex index;
} Strings;

typedef struct SnapshotFile {
    const HeapExport *heap;
    ExportText *text;
    Strings strings;
    uint64_t *owned;                    // by node: bytes of blocks that it owns
    uint8_t *referred[ROOT_KIND_COUNT]; // bit per node: roots of the kind refer to it
    uint64_t group_edges[GROUPS];
    uint64_t garbage; // objects
    uint64_t clamped; // sizes
    bool has_failed;
    Error error;
} SnapshotFile;

// ---- strings ----

static uint64_t hash_text(const HashIndex *index, const char *text)
{
    uint64_t hash = 1469598103934665603u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 1099511628211u;
    return hash_index_hash(index, hash, 0);
}

static uint64_t hash_at(const HashIndex *index, const void *texts, uint32_t position)
{
    return hash_text(index, ((const char *const *)texts)[position]);
}

static bool is_text(const void *texts, uint32_t position, const void *key)
{
    return strcmp(((const char *const *)texts)[position], key) == 0;
}

// The number of the string, which is added if it is new.
static uint32_t string_number(SnapshotFile *file, const char *text)
{
    Strings *strings = &file->strings;
    uint32_t *slot;

    if (file->has_failed)
        return 0;
    if (!array_reserve(&strings->texts, &strings->capacity, strings->count + UINT64_C(1),
                       sizeof *strings->texts, "strings", &file->error) ||
        !hash_index_reserve(&strings->index, strings->texts, strings->count + UINT64_C(1), hash_at,
                            "strings", &file->error)) {
        file->has_failed = true;
        return 0;
    }
    slot = hash_index_find(&strings->index, strings->texts, hash_text(&strings->index, text),
                           is_text, text);
    if (*slot == 0) {
        char *copy = strdup(text);

        if (copy == NULL) {
            file->has_failed = true;
            (void)error_set_memory(&file->error, strlen(text), "strings");
            return 0;
        }
        strings->texts[strings->count] = copy;
        *slot = ++strings->count;
    }
    return *slot - 1;
}

// ---- what there is ----

// Roots by kind: which nodes they refer to.
static bool find_groups(SnapshotFile *file, Error *error)
{
    const ObjectGraph *graph = file->heap->graph;
    const HeapImage *image = file->heap->image;

    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        file->referred[kind] = calloc(graph->node_count / 8 + 1, 1);
        if (file->referred[kind] == NULL)
            return error_set_memory(error, graph->node_count / 8, "roots");
    }
    for (uint64_t i = 0; i < graph->root_count; i++) {
        uint32_t node = graph->roots[i].node;
        uint8_t kind = image->roots[graph->roots[i].root].kind;
        uint8_t bit = (uint8_t)(1u << node % 8);

        file->group_edges[kind] += (file->referred[kind][node / 8] & bit) == 0;
        file->referred[kind][node / 8] |= bit;
    }
    return true;
}

typedef bool VisitGarbage(SnapshotFile *file, uint32_t page, uint32_t slot);

// Live objects that the roots do not reach.
static void visit_garbage(SnapshotFile *file, VisitGarbage *visit)
{
    const HeapImage *image = file->heap->image;

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++)
            if (heap_image_is_live(image, page, slot) &&
                !mark_result_is_marked(file->heap->mark, image, page, slot))
                (void)visit(file, page, slot);
}

static bool count_garbage(SnapshotFile *file, uint32_t page, uint32_t slot)
{
    (void)page;
    (void)slot;
    file->garbage++;
    return true;
}

// ---- nodes ----

static uint64_t clamp(SnapshotFile *file, uint64_t bytes)
{
    file->clamped += bytes > UINT32_MAX;
    return bytes > UINT32_MAX ? UINT32_MAX : bytes;
}

static void write_node(SnapshotFile *file, uint64_t number, unsigned type, uint32_t name,
                       uint64_t bytes, uint64_t edges)
{
    export_text_print(file->text, "%s%u,%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",0,0\n",
                      number == 0 ? "" : ",", type, name, 2 * number + 1, clamp(file, bytes),
                      edges);
}

static bool write_garbage_node(SnapshotFile *file, uint32_t page, uint32_t slot)
{
    const HeapExport *heap = file->heap;
    const TypeTable *table = heap->types->table;
    uint32_t type = type_table_find(table, heap->image, page, slot);

    write_node(file, FIRST_NODE + heap->graph->node_count + file->garbage++, NODE_OBJECT,
               string_number(file, table->types[type].label), heap->image->pages[page].block_size,
               0);
    return true;
}

static void write_nodes(SnapshotFile *file)
{
    const HeapExport *heap = file->heap;
    const ObjectGraph *graph = heap->graph;
    uint64_t garbage = file->garbage;

    write_node(file, 0, NODE_SYNTHETIC, string_number(file, ""), 0, GROUPS);
    for (uint32_t group = 0; group < GROUPS; group++) {
        char name[64];

        (void)snprintf(name, sizeof name, group == ROOT_KIND_COUNT ? "(unreachable)" : "(%s roots)",
                       group == ROOT_KIND_COUNT ? "" : root_kind_name((RootKind)group));
        write_node(file, 1 + group, NODE_SYNTHETIC, string_number(file, name), 0,
                   file->group_edges[group]);
    }
    for (uint32_t node = 0; node < graph->node_count; node++)
        write_node(file, FIRST_NODE + UINT64_C(0) + node,
                   object_graph_is_block(graph, node) ? NODE_NATIVE : NODE_OBJECT,
                   string_number(file, node_types_label(heap->types, heap->types->by_node[node])),
                   object_graph_bytes_of(graph, node) + file->owned[node],
                   object_graph_first_edge(graph, node + 1) - object_graph_first_edge(graph, node));
    file->garbage = 0;
    visit_garbage(file, write_garbage_node);
    file->garbage = garbage;
}

// ---- edges ----

static void write_edge(SnapshotFile *file, bool *is_first, unsigned type, uint64_t name,
                       uint64_t node)
{
    export_text_print(file->text, "%s%u,%" PRIu64 ",%" PRIu64 "\n", *is_first ? "" : ",", type,
                      name, node * NODE_FIELDS);
    *is_first = false;
}

static void write_group_edges(SnapshotFile *file, bool *is_first)
{
    uint32_t node_count = file->heap->graph->node_count;

    for (uint32_t group = 0; group < GROUPS; group++)
        write_edge(file, is_first, EDGE_ELEMENT, group, 1 + group);
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        for (uint32_t node = 0, number = 0; node < node_count; node++)
            if ((file->referred[kind][node / 8] >> node % 8 & 1) != 0)
                write_edge(file, is_first, EDGE_ELEMENT, number++, FIRST_NODE + UINT64_C(0) + node);
    for (uint64_t i = 0; i < file->garbage; i++)
        write_edge(file, is_first, EDGE_ELEMENT, i, FIRST_NODE + node_count + i);
}

static void write_node_edges(SnapshotFile *file, uint32_t node, bool *is_first)
{
    const HeapExport *heap = file->heap;
    const ObjectGraph *graph = heap->graph;
    uint64_t first = object_graph_first_edge(graph, node);
    bool is_labelled =
        !object_graph_is_block(graph, node) && object_graph_bytes_of(graph, node) <= LABELLED_BYTES;

    for (uint64_t edge = first; edge < object_graph_first_edge(graph, node + 1); edge++) {
        uint32_t target = graph->targets[edge];
        uint64_t offset, to = FIRST_NODE + UINT64_C(0) + target;
        EdgeLabel label;

        if (is_labelled &&
            edge_label_between(&heap->types->labels, graph, node, target, &label, &offset))
            write_edge(file, is_first, EDGE_PROPERTY, string_number(file, label.text), to);
        else
            write_edge(file, is_first, EDGE_ELEMENT, edge - first, to);
    }
}

// ---- the file ----

static void write_meta(SnapshotFile *file)
{
    const ObjectGraph *graph = file->heap->graph;
    uint64_t edges = GROUPS + graph->edge_count;

    for (uint32_t group = 0; group < GROUPS; group++)
        edges += file->group_edges[group];
    export_text_print(
        file->text,
        "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\","
        "\"edge_count\",\"trace_node_id\",\"detachedness\"],\n\"node_types\":[[\"hidden\","
        "\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\",\"number\",\"native\","
        "\"synthetic\",\"concatenated string\",\"sliced string\",\"symbol\",\"bigint\"],");
    export_text_print(
        file->text,
        "\"string\",\"number\",\"number\",\"number\",\"number\",\"number\"],\n\"edge_fields\":["
        "\"type\",\"name_or_index\",\"to_node\"],\"edge_types\":[[\"context\",\"element\","
        "\"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],\"string_or_number\","
        "\"node\"],\n");
    export_text_print(
        file->text,
        "\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\","
        "\"line\",\"column\"],\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\","
        "\"size\",\"children\"],\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],");
    export_text_print(file->text,
                      "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]},"
                      "\n\"node_count\":%" PRIu64 ",\"edge_count\":%" PRIu64
                      ",\"trace_function_count\":0},\n",
                      FIRST_NODE + graph->node_count + file->garbage, edges);
}

static void write_all(SnapshotFile *file)
{
    bool is_first = true;

    write_meta(file);
    export_text_print(file->text, "\"nodes\":[");
    write_nodes(file);
    export_text_print(file->text, "],\n\"edges\":[");
    write_group_edges(file, &is_first);
    for (uint32_t node = 0; node < file->heap->graph->node_count && !file->has_failed; node++)
        write_node_edges(file, node, &is_first);
    export_text_print(file->text, "],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n"
                                  "\"samples\":[],\n\"locations\":[],\n\"strings\":[");
    for (uint32_t i = 0; i < file->strings.count; i++) {
        export_text_print(file->text, i == 0 ? "" : ",\n");
        export_text_json(file->text, file->strings.texts[i]);
    }
    export_text_print(file->text, "]}\n");
}

static bool begin(SnapshotFile *file, Error *error)
{
    const ObjectGraph *graph = file->heap->graph;

    file->text = calloc(1, sizeof *file->text);
    file->owned = calloc((size_t)graph->node_count + 1, sizeof *file->owned);
    if (file->text == NULL || file->owned == NULL)
        return error_set_memory(error, graph->node_count * sizeof *file->owned, "an export");
    file->text->sink = file->heap->sink;
    object_graph_add_owned_bytes(graph, file->owned);
    if (!find_groups(file, error))
        return false;
    visit_garbage(file, count_garbage);
    file->group_edges[ROOT_KIND_COUNT] = file->garbage;
    (void)string_number(file, "<dummy>");
    // Every cell is a number of 32 bits in the readers.
    if ((FIRST_NODE + graph->node_count + file->garbage) * NODE_FIELDS > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "the heap has more objects than a heap snapshot can hold");
    return true;
}

bool heapsnapshot_write(const HeapExport *heap, ExportLoss *loss, Error *error)
{
    SnapshotFile file = {.heap = heap};
    bool ok = begin(&file, error);

    if (ok) {
        write_all(&file);
        ok = export_text_finish(file.text, error);
        if (ok && file.has_failed) {
            *error = file.error;
            ok = false;
        }
        if (file.clamped > 0)
            export_loss_add(loss, "%" PRIu64 " sizes of 4 GiB and more are told as 4 GiB",
                            file.clamped);
        if (file.garbage > 0)
            export_loss_add(loss, "references of garbage are left out: it lies below "
                                  "'(unreachable)'");
        export_loss_add(loss, "addresses, and single root words, are left out");
    }
    for (uint32_t i = 0; i < file.strings.count; i++)
        free((char *)(uintptr_t)file.strings.texts[i]);
    free(file.strings.texts);
    hash_index_release(&file.strings.index);
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        free(file.referred[kind]);
    free(file.owned);
    free(file.text);
    return ok;
}
