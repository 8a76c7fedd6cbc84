// The values of the tables' columns: see formats/tables/heap_tables.h. formats/tables/heap_tables.c
// has the rows.

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/holder_label.h"
#include "analysis/heap_place.h"
#include "analysis/names/root_label.h"
#include "formats/tables/heap_tables.h"
#include "formats/tables/table_columns_internal.h"

void table_value_release(TableValue *value)
{
    free(value->owned);
    *value = (TableValue){.kind = VALUE_NULL};
}

// ---- values ----

static void set_number(TableValue *value, uint64_t number)
{
    *value = (TableValue){.kind = VALUE_INTEGER, .number = number};
}

static void set_text(TableValue *value, const char *text)
{
    *value = (TableValue){.kind = text == NULL ? VALUE_NULL : VALUE_TEXT, .text = text};
}

// Takes `text`, which is NULL where memory was short.
static bool set_owned(TableValue *value, char *text, Error *error)
{
    *value = (TableValue){.kind = VALUE_TEXT, .text = text, .owned = text};
    return text != NULL || error_set_memory(error, 64, "a value");
}

// ---- objects ----

static uint32_t object_node(const HeapTables *tables, uint32_t page, uint32_t slot)
{
    return tables->graph != NULL && heap_image_is_live(tables->image, page, slot) &&
                   mark_result_is_marked(tables->mark, tables->image, page, slot)
               ? object_graph_object_node(tables->graph, page, slot)
               : NO_NODE;
}

// The node of a block, or NO_NODE.
static uint32_t block_node(const HeapTables *tables, uint32_t block)
{
    const HeapImage *image = tables->image;
    uint32_t node;

    if (tables->graph == NULL)
        return NO_NODE;
    if (!heap_image_block_is_sized(image, block))
        return (tables->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0
                   ? object_graph_block_node(tables->graph, block)
                   : NO_NODE;
    node = object_graph_sized_node(tables->graph, block - image->block_count);
    return node != NO_NODE && node >= tables->graph->foreign_end ? node : NO_NODE;
}

uint32_t heap_tables_node(const HeapTables *tables, uint64_t address)
{
    HeapPlace place = heap_place_at(tables->image, address);

    if (place.address != address)
        return NO_NODE;
    if (place.kind == HEAP_PLACE_OBJECT)
        return object_node(tables, place.page, place.slot);
    return place.kind == HEAP_PLACE_BLOCK ? block_node(tables, place.block) : NO_NODE;
}

static void set_retained(const HeapTables *tables, uint32_t node, TableValue *value)
{
    if (node != NO_NODE)
        set_number(value, tables->tree->retained_bytes[node]);
}

static void set_dominator(const HeapTables *tables, uint32_t node, TableValue *value)
{
    if (node != NO_NODE && !dominator_tree_is_holder(tables->tree, tables->tree->dominators[node]))
        set_number(value, object_graph_address(tables->graph, tables->tree->dominators[node]));
}

static void object_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const HeapTables *tables = cursor->tables;
    const HeapImage *image = tables->image;
    uint32_t page = cursor->page, slot = cursor->slot;
    bool is_live = heap_image_is_live(image, page, slot);
    const SnapshotObjectType *object_type;

    switch (column) {
    case OBJECTS_ADDRESS:
        set_number(value, heap_image_object_address(image, page, slot));
        break;
    case OBJECTS_TYPE:
        set_text(value, tables->report->type_table
                            ->types[type_table_find(tables->report->type_table, image, page, slot)]
                            .label);
        break;
    case OBJECTS_BYTES:
        set_number(value, image->pages[page].block_size);
        break;
    case OBJECTS_REQUESTED:
        object_type = snapshot_details_find_object_type(image->details, page, slot);
        if (object_type != NULL && object_type->requested > 0)
            set_number(value, object_type->requested);
        break;
    case OBJECTS_REACHABLE:
        set_number(value, is_live && mark_result_is_marked(tables->mark, image, page, slot));
        break;
    case OBJECTS_ZOMBIE:
        set_number(value, !is_live);
        break;
    case OBJECTS_PAGE:
        set_number(value, image->pages[page].address);
        break;
    case OBJECTS_SLOT:
        set_number(value, slot);
        break;
    case OBJECTS_RETAINED:
        set_retained(tables, object_node(tables, page, slot), value);
        break;
    case OBJECTS_DOMINATOR:
        set_dominator(tables, object_node(tables, page, slot), value);
        break;
    }
}

// ---- edges ----

static void edge_label(const TableCursor *cursor, EdgeLabel *label)
{
    bool is_block = cursor->next >= cursor->end;

    edge_label_make(&cursor->tables->labels, is_block ? NO_INDEX : cursor->page, cursor->slot,
                    is_block ? cursor->block : NO_INDEX, cursor->offset, label);
}

static bool edge_value(const TableCursor *cursor, uint32_t column, TableValue *value, Error *error)
{
    const HeapImage *image = cursor->tables->image;
    EdgeLabel label;

    switch (column) {
    case EDGES_SOURCE:
        set_number(value, cursor->next < cursor->end
                              ? heap_image_object_address(image, cursor->page, cursor->slot)
                              : image->blocks[cursor->block].address);
        return true;
    case EDGES_OFFSET:
        set_number(value, cursor->offset);
        return true;
    case EDGES_TARGET:
        set_number(value, cursor->target_block == NO_INDEX
                              ? cursor->word
                              : heap_image_block_address(image, cursor->target_block));
        return true;
    case EDGES_LABEL:
        edge_label(cursor, &label);
        return set_owned(value, strdup(label.text), error);
    case EDGES_KIND:
        edge_label(cursor, &label);
        set_text(value, edge_kind_name(label.kind));
        return true;
    }
    return true;
}

// ---- roots ----

static void set_target(const HeapImage *image, const Root *root, TableValue *value)
{
    Reference reference = heap_image_resolve(image, root->value, root_allows_interior(root));

    if (reference.kind == REFERENCE_OBJECT)
        set_number(value, heap_image_object_address(image, reference.page, reference.slot));
    else if (reference.kind == REFERENCE_BLOCK)
        set_number(value, heap_image_block_address(image, reference.block));
}

static bool root_value(const TableCursor *cursor, uint32_t column, TableValue *value, Error *error)
{
    const HeapImage *image = cursor->tables->image;
    const Root *root = &image->roots[cursor->next - 1];

    switch (column) {
    case ROOTS_ADDRESS:
        set_number(value, root->address);
        break;
    case ROOTS_VALUE:
        set_number(value, root->value);
        break;
    case ROOTS_KIND:
        set_text(value, root_kind_name((RootKind)root->kind));
        break;
    case ROOTS_THREAD:
        if (root->thread < image->details->thread_count)
            set_number(value, image->details->threads[root->thread].tid);
        break;
    case ROOTS_EXACT:
        set_number(value, root->is_exact != 0);
        break;
    case ROOTS_NAME:
        return set_owned(value, root_label(image->details, root), error);
    case ROOTS_TARGET:
        set_target(image, root, value);
        break;
    }
    return true;
}

// ---- pages, types, threads, blocks ----

static void page_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const HeapTables *tables = cursor->tables;
    const HeapImage *image = tables->image;
    uint32_t page = (uint32_t)cursor->next - 1;
    const HeapPage *record = &image->pages[page];
    uint64_t first = heap_image_first_word(image, page), count = 0;
    uint32_t words = heap_image_page_words(image, page);

    switch (column) {
    case PAGES_ADDRESS:
        set_number(value, record->address);
        return;
    case PAGES_SLOT_BYTES:
        set_number(value, record->block_size);
        return;
    case PAGES_SLOTS:
        set_number(value, record->slot_count);
        return;
    case PAGES_LIVE:
    case PAGES_ZOMBIES:
    case PAGES_REACHABLE:
        for (uint32_t i = 0; i < words; i++) {
            uint64_t live = image->live[first + i];

            if (column == PAGES_ZOMBIES)
                live = heap_image_allocated_word(image, page, i) & ~live;
            else if (column == PAGES_REACHABLE)
                live &= tables->mark->marked[first + i];
            count += (uint64_t)__builtin_popcountll(live);
        }
        set_number(value, count);
        return;
    case PAGES_PAGES:
        set_number(value, heap_image_run_pages(image, page));
        return;
    case PAGES_OWNER_THREAD:
        set_number(value, record->owner_thread);
        return;
    case PAGES_GENERATION:
        set_number(value, heap_image_generation(image, page));
        return;
    case PAGES_LARGE:
        set_number(value, heap_image_is_large(image, page));
        return;
    }
}

static void type_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const HeapTables *tables = cursor->tables;
    uint64_t type = cursor->next - 1;
    const ReachabilityCounts *counts = &tables->label_counts[type];
    const uint64_t numbers[] = {[TYPES_OBJECTS] = counts->objects,
                                [TYPES_BYTES] = counts->object_bytes,
                                [TYPES_REACHABLE_OBJECTS] = counts->reachable_objects,
                                [TYPES_REACHABLE_BYTES] = counts->reachable_bytes,
                                [TYPES_ZOMBIES] = counts->zombies};

    if (column == TYPES_TYPE)
        set_text(value, tables->report->type_table->types[type].label);
    else
        set_number(value, numbers[column]);
}

static void thread_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const SnapshotThread *thread = &cursor->tables->image->details->threads[cursor->next - 1];

    switch (column) {
    case THREADS_TID:
        set_number(value, thread->tid);
        break;
    case THREADS_NAME:
        set_text(value, thread->name);
        break;
    case THREADS_STACK_POINTER:
        set_number(value, thread->stack_pointer);
        break;
    case THREADS_CONTROL_BLOCK:
        set_number(value, thread->control_block);
        break;
    }
}

static void block_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const HeapTables *tables = cursor->tables;
    const HeapImage *image = tables->image;
    uint32_t block = (uint32_t)cursor->next - 1;
    bool is_sized = heap_image_block_is_sized(image, block);

    switch (column) {
    case BLOCKS_ADDRESS:
        set_number(value, heap_image_block_address(image, block));
        break;
    case BLOCKS_BYTES:
        set_number(value, heap_image_block_bytes(image, block));
        break;
    case BLOCKS_CONTENT:
        set_number(value, !is_sized);
        break;
    case BLOCKS_REACHABLE:
        if (!is_sized)
            set_number(value, tables->mark->marked_blocks[block / 64] >> block % 64 & 1);
        break;
    case BLOCKS_RETAINED:
        set_retained(tables, block_node(tables, block), value);
        break;
    case BLOCKS_DOMINATOR:
        set_dominator(tables, block_node(tables, block), value);
        break;
    }
}

// ---- dominators ----

static bool dominator_value(const TableCursor *cursor, uint32_t column, TableValue *value,
                            Error *error)
{
    const HeapTables *tables = cursor->tables;
    const DominatorTree *tree = tables->tree;
    uint32_t node = (uint32_t)cursor->next - 1;
    bool is_root = dominator_tree_is_holder(tree, node);

    switch (column) {
    case DOMINATORS_ID:
        set_number(value, node);
        break;
    case DOMINATORS_PARENT:
        set_number(value, tree->dominators[node]);
        break;
    case DOMINATORS_KIND:
        set_text(value, is_root                                      ? "root"
                        : object_graph_is_block(tables->graph, node) ? "block"
                                                                     : "object");
        break;
    case DOMINATORS_ADDRESS:
        if (!is_root)
            set_number(value, object_graph_address(tables->graph, node));
        break;
    case DOMINATORS_LABEL:
        if (is_root)
            return set_owned(value, holder_label(tree, dominator_tree_holder(tree, node)), error);
        set_text(value, node_types_label(tables->types, tables->types->by_node[node]));
        break;
    case DOMINATORS_RETAINED:
        set_number(value, tree->retained_bytes[node]);
        break;
    case DOMINATORS_RETAINED_OBJECTS:
        set_number(value, tree->retained_objects[node]);
        break;
    }
    return true;
}

// ---- the snapshot ----

static void snapshot_value(const TableCursor *cursor, uint32_t column, TableValue *value)
{
    const HeapTables *tables = cursor->tables;
    const SnapshotMetadata *metadata = &tables->image->details->metadata;

    switch (column) {
    case SNAPSHOT_EXECUTABLE:
        set_text(value, metadata->executable);
        break;
    case SNAPSHOT_PID:
        set_number(value, metadata->pid);
        break;
    case SNAPSHOT_CAPTURED_AT_NS:
        set_number(value, (uint64_t)metadata->captured_at_ns);
        break;
    case SNAPSHOT_LAYOUT:
        set_text(value, tables->image->layout.name);
        break;
    case SNAPSHOT_RULE:
        set_text(value, tables->report->rule);
        break;
    case SNAPSHOT_DIGEST:
        set_text(value, tables->report->digest);
        break;
    case SNAPSHOT_COMPLETE:
        set_number(value, metadata->is_complete);
        break;
    case SNAPSHOT_MISSING:
        set_text(value, metadata->is_complete ? NULL : metadata->missing);
        break;
    case SNAPSHOT_REDACTED:
        set_number(value, metadata->is_redacted);
        break;
    }
}

// ---- all tables ----

bool table_cursor_value(const TableCursor *cursor, uint32_t column, TableValue *value, Error *error)
{
    *value = (TableValue){.kind = VALUE_NULL};
    if (table_schemas[cursor->table].columns[column].needs_tree &&
        !heap_tables_need(cursor->tables, NEED_TREE, error))
        return false;
    switch (cursor->table) {
    case TABLE_OBJECTS:
        object_value(cursor, column, value);
        return true;
    case TABLE_EDGES:
        return edge_value(cursor, column, value, error);
    case TABLE_ROOTS:
        return root_value(cursor, column, value, error);
    case TABLE_PAGES:
        page_value(cursor, column, value);
        return true;
    case TABLE_TYPES:
        type_value(cursor, column, value);
        return true;
    case TABLE_THREADS:
        thread_value(cursor, column, value);
        return true;
    case TABLE_BLOCKS:
        block_value(cursor, column, value);
        return true;
    case TABLE_DOMINATORS:
        return dominator_value(cursor, column, value, error);
    case TABLE_SNAPSHOT:
        snapshot_value(cursor, column, value);
        return true;
    case TABLE_COUNT:
        break;
    }
    return true;
}
