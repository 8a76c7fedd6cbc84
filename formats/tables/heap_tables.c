// HeapTables: see formats/tables/heap_tables.h. Rows of tables; formats/tables/table_values.c has
// the values of their columns.

#include "formats/tables/heap_tables.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/group_table.h"
#include "analysis/heap_place.h"
#include "formats/tables/table_columns_internal.h"

bool heap_tables_init(HeapTables *tables, Error *error)
{
    const TypeTable *types = tables->report->type_table;

    if (!edge_labels_init(&tables->labels, tables->image, error) ||
        !node_types_unify(types, &tables->first_types, error))
        return false;
    tables->label_counts = calloc(types->type_count + UINT64_C(1), sizeof *tables->label_counts);
    if (tables->label_counts == NULL)
        return error_set_memory(error, types->type_count * sizeof *tables->label_counts, "types");
    for (uint32_t i = 0; i < types->type_count; i++)
        reachability_counts_add(&tables->label_counts[tables->first_types[i]],
                                &tables->report->heap_type_counts[i]);
    return true;
}

void heap_tables_release(HeapTables *tables)
{
    edge_labels_release(&tables->labels);
    free(tables->first_types);
    free(tables->label_counts);
    tables->first_types = NULL;
    tables->label_counts = NULL;
}

bool heap_tables_need(HeapTables *tables, TableNeed need, Error *error)
{
    if (need == NEED_TREE ? tables->tree != NULL : tables->graph != NULL)
        return true;
    return tables->need(tables->context, tables, need, error);
}

bool table_needs(TableId table, TableNeed *need)
{
    *need = NEED_TREE;
    return table == TABLE_DOMINATORS;
}

// ---- cursors ----

// The first type of this label, or NO_INDEX.
static uint32_t find_type(const HeapTables *tables, const char *label)
{
    const TypeTable *types = tables->report->type_table;

    for (uint32_t i = 0; i < types->type_count; i++)
        if (strcmp(types->types[i].label, label) == 0)
            return i;
    return NO_INDEX;
}

static void begin_at_place(TableCursor *cursor, uint64_t address)
{
    HeapPlace place = heap_place_at(cursor->tables->image, address);

    if (place.address != address)
        return;
    if (place.kind == HEAP_PLACE_OBJECT || place.kind == HEAP_PLACE_ZOMBIE) {
        cursor->page = place.page;
        cursor->slot = place.slot - 1;
        cursor->next = place.page;
        cursor->end = place.page + UINT64_C(1);
    } else if (place.kind == HEAP_PLACE_BLOCK) {
        cursor->block = place.block;
    }
}

static uint64_t block_count(const HeapImage *image)
{
    return image->block_count + (uint64_t)image->details->sized_block_count;
}

// The number of rows, or of places where they are looked for.
static uint64_t end_of(const HeapTables *tables, TableId table)
{
    switch (table) {
    case TABLE_OBJECTS:
    case TABLE_EDGES:
    case TABLE_PAGES:
        return tables->image->page_count;
    case TABLE_ROOTS:
        return tables->image->root_count;
    case TABLE_TYPES:
        return tables->report->type_table->type_count;
    case TABLE_THREADS:
        return tables->image->details->thread_count;
    case TABLE_BLOCKS:
        return block_count(tables->image);
    case TABLE_DOMINATORS:
        return tables->tree == NULL ? 0 : tables->tree->node_count;
    case TABLE_SNAPSHOT:
        return 1;
    case TABLE_COUNT:
        break;
    }
    return 0;
}

// Narrows the rows to those that the filter may select.
static void apply_filter(TableCursor *cursor)
{
    const TableFilter *filter = &cursor->filter;
    const HeapImage *image = cursor->tables->image;
    HeapPlace place = heap_place_at(image, filter->text == NULL ? filter->number : 0);
    uint32_t node;

    cursor->type = filter->text == NULL ? NO_INDEX : find_type(cursor->tables, filter->text);
    if (cursor->table == TABLE_OBJECTS && filter->column == OBJECTS_TYPE) {
        cursor->end = cursor->type == NO_INDEX ? 0 : cursor->end;
        return;
    }
    if (cursor->table == TABLE_EDGES && filter->column == EDGES_TARGET) {
        // A word that points into a block refers to it, one that points into an object does not.
        cursor->most = filter->number + 1;
        if (place.kind == HEAP_PLACE_BLOCK)
            cursor->most = place.address == filter->number ? place.address + place.bytes : 0;
        return;
    }
    cursor->next = cursor->end = 0;
    switch (cursor->table) {
    case TABLE_OBJECTS:
        if (filter->column == OBJECTS_ADDRESS) {
            if (place.kind != HEAP_PLACE_BLOCK)
                begin_at_place(cursor, filter->number);
        } else if (place.page != NO_INDEX && image->pages[place.page].address == filter->number) {
            cursor->page = place.page;
            cursor->next = place.page;
            cursor->end = place.page + UINT64_C(1);
        }
        break;
    case TABLE_EDGES:
        cursor->block = (uint32_t)-1;
        begin_at_place(cursor, filter->number);
        break;
    case TABLE_PAGES:
        if (place.page != NO_INDEX && image->pages[place.page].address == filter->number) {
            cursor->next = place.page;
            cursor->end = place.page + UINT64_C(1);
        }
        break;
    case TABLE_BLOCKS:
        if (place.kind == HEAP_PLACE_BLOCK && place.address == filter->number) {
            cursor->next = place.block;
            cursor->end = place.block + UINT64_C(1);
        }
        break;
    case TABLE_DOMINATORS:
        node = filter->column == DOMINATORS_ID
                   ? (filter->number < cursor->tables->tree->node_count ? (uint32_t)filter->number
                                                                        : NO_NODE)
                   : heap_tables_node(cursor->tables, filter->number);
        if (node != NO_NODE) {
            cursor->next = node;
            cursor->end = node + UINT64_C(1);
        }
        break;
    default:
        break;
    }
}

void table_cursor_init(TableCursor *cursor, HeapTables *tables, TableId table,
                       const TableFilter *filter)
{
    *cursor = (TableCursor){
        .tables = tables,
        .table = table,
        .filter = filter == NULL ? (TableFilter){.column = -1} : *filter,
        .end = end_of(tables, table),
        .slot = (uint32_t)-1,
        .type = NO_INDEX,
    };
    if (cursor->filter.column >= 0)
        apply_filter(cursor);
}

// ---- objects ----

static bool is_of_type(const TableCursor *cursor)
{
    const HeapTables *tables = cursor->tables;

    return cursor->type == NO_INDEX ||
           tables->first_types[type_table_find(tables->report->type_table, tables->image,
                                               cursor->page, cursor->slot)] == cursor->type;
}

// One with the address of the filter is the only one.
static bool is_single(const TableCursor *cursor, int column)
{
    return cursor->filter.column == column && cursor->row > 0;
}

static bool next_object(TableCursor *cursor)
{
    const HeapImage *image = cursor->tables->image;

    if (is_single(cursor, OBJECTS_ADDRESS))
        return false;
    for (; cursor->next < cursor->end; cursor->next++, cursor->slot = (uint32_t)-1) {
        cursor->page = (uint32_t)cursor->next;
        while (++cursor->slot < image->pages[cursor->page].slot_count)
            if (heap_image_is_allocated(image, cursor->page, cursor->slot) && is_of_type(cursor))
                return true;
    }
    return false;
}

// ---- edges ----

// The words of the source at hand; false: it holds no references.
static bool source_words(const TableCursor *cursor, PlaceWords *words)
{
    const HeapImage *image = cursor->tables->image;
    HeapPlace place;

    if (cursor->next < cursor->end) {
        if (!heap_image_is_live(image, cursor->page, cursor->slot) ||
            heap_image_is_under_construction(image, cursor->page, cursor->slot))
            return false;
        place = (HeapPlace){.kind = HEAP_PLACE_OBJECT,
                            .address = heap_image_object_address(image, cursor->page, cursor->slot),
                            .bytes = image->pages[cursor->page].block_size,
                            .page = cursor->page,
                            .slot = cursor->slot,
                            .block = NO_INDEX};
    } else {
        place = heap_place_of_block(image, cursor->block, image->blocks[cursor->block].address);
    }
    *words = heap_place_words(image, &place);
    return words->count > 0;
}

// The next word of the source that refers to something.
static bool next_word(TableCursor *cursor)
{
    const HeapImage *image = cursor->tables->image;
    bool has_target = cursor->filter.column == EDGES_TARGET;
    PlaceWords words;

    if (!source_words(cursor, &words))
        return false;
    for (uint64_t i = cursor->offset < words.offset ? 0 : (cursor->offset - words.offset) / 8;
         i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);
        Reference reference;

        if (word < LAYOUT_MIN_PAGE_SIZE || word >= HEAP_ADDRESS_LIMIT ||
            (has_target && (word < cursor->filter.number || word >= cursor->most)))
            continue;
        reference = heap_image_resolve(image, word, false);
        if (reference.kind != REFERENCE_OBJECT && reference.kind != REFERENCE_BLOCK)
            continue;
        cursor->word = word;
        cursor->offset = words.offset + 8 * i;
        cursor->target_page = reference.page;
        cursor->target_slot = reference.slot;
        cursor->target_block = reference.kind == REFERENCE_BLOCK ? reference.block : NO_INDEX;
        return true;
    }
    return false;
}

static bool next_edge(TableCursor *cursor)
{
    const HeapImage *image = cursor->tables->image;
    bool has_source = cursor->filter.column == EDGES_SOURCE;

    // Behind the word of the row before.
    cursor->offset += cursor->row > 0 ? 8 : 0;
    if (has_source) {
        if (cursor->row == 0 && cursor->next < cursor->end)
            cursor->slot++;
        return (cursor->next < cursor->end || cursor->block < image->block_count) &&
               next_word(cursor);
    }
    for (; cursor->next < cursor->end; cursor->next++, cursor->slot = (uint32_t)-1) {
        cursor->page = (uint32_t)cursor->next;
        if (cursor->slot != (uint32_t)-1 && next_word(cursor))
            return true;
        while (++cursor->slot < image->pages[cursor->page].slot_count) {
            cursor->offset = 0;
            if (next_word(cursor))
                return true;
        }
        cursor->offset = 0;
    }
    for (; cursor->block < image->block_count; cursor->block++, cursor->offset = 0)
        if (next_word(cursor))
            return true;
    return false;
}

// ---- all tables ----

bool table_cursor_next(TableCursor *cursor)
{
    bool has_row;

    if (cursor->table == TABLE_OBJECTS) {
        has_row = next_object(cursor);
    } else if (cursor->table == TABLE_EDGES) {
        has_row = next_edge(cursor);
    } else {
        // `next` is behind the row. Of the types with one label the first stands for all.
        if (cursor->table == TABLE_TYPES)
            while (cursor->next < cursor->end &&
                   cursor->tables->first_types[cursor->next] != cursor->next)
                cursor->next++;
        has_row = cursor->next < cursor->end;
        cursor->next += has_row;
    }
    cursor->row += has_row;
    return has_row;
}
