// HeapTables: a marked heap as tables. One definition of tables and columns serves the virtual
// tables of `rudo-snap query`, the exports as CSV, JSON Lines and SQLite, and docs/tables.md.
//
//     TableCursor cursor;
//
//     table_cursor_init(&cursor, tables, TABLE_OBJECTS, NULL);
//     while (table_cursor_next(&cursor))
//         if (!table_cursor_value(&cursor, OBJECTS_BYTES, &value, error)) ...
//
// Rows are made when they are asked for, in the order of the heap; nothing is copied. Dominators
// are found when a value needs them, and not before.

#ifndef FORMATS_TABLES_HEAP_TABLES_H
#define FORMATS_TABLES_HEAP_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"
#include "base/error.h"

typedef enum TableId {
    TABLE_OBJECTS,
    TABLE_EDGES,
    TABLE_ROOTS,
    TABLE_PAGES,
    TABLE_TYPES,
    TABLE_THREADS,
    TABLE_BLOCKS,
    TABLE_DOMINATORS,
    TABLE_SNAPSHOT,
    TABLE_COUNT,
} TableId;

typedef enum ColumnKind {
    COLUMN_INTEGER,
    COLUMN_ADDRESS, // INTEGER in SQL, 0x and hexadecimal digits elsewhere; below 2^56
    COLUMN_TEXT,
    COLUMN_BOOLEAN, // 0 or 1 in SQL
} ColumnKind;

typedef struct TableColumn {
    const char *name;
    ColumnKind kind;
    bool needs_tree; // retained sizes and dominators
    const char *meaning;
} TableColumn;

typedef struct TableSchema {
    const char *name;
    const char *meaning;
    uint32_t column_count;
    const TableColumn *columns;
    // Columns by which rows are found without going through all of them; -1 ends the list.
    const int *keys;
    const char *const *indexes; // of the SQLite export: column names; NULL ends the list
} TableSchema;

// tables[TableId]
extern const TableSchema table_schemas[TABLE_COUNT];

// "CREATE TABLE objects(address INTEGER, ...)"; the caller frees it. NULL: memory is short.
char *table_schema_sql(const TableSchema *schema);

// The table of this name, or NULL.
const TableSchema *table_schema_find(const char *name);

// What a value needs beside the image.
typedef enum TableNeed { NEED_GRAPH, NEED_TREE } TableNeed;

// All are borrowed; graph, types and tree are NULL until `need` has filled them.
typedef struct HeapTables {
    const HeapImage *image;
    const MarkResult *mark;
    const ReachabilityReport *report;
    const ObjectGraph *graph;
    const NodeTypes *types;
    const DominatorTree *tree;
    bool (*need)(void *context, struct HeapTables *tables, TableNeed need, Error *error);
    void *context;
    EdgeLabels labels; // of references; owned: heap_tables_release()
    // Types by their labels, as the user knows them: the first type with the label of each, and the
    // counts of all that have it, at the first. Owned.
    uint32_t *first_types;
    ReachabilityCounts *label_counts;
} HeapTables;

// The caller has filled the borrowed members. Errors: memory. Released in any case.
NODISCARD bool heap_tables_init(HeapTables *tables, Error *error);
void heap_tables_release(HeapTables *tables);
// Makes graph, types and, for NEED_TREE, the tree, unless they are there.
NODISCARD bool heap_tables_need(HeapTables *tables, TableNeed need, Error *error);

// The reachable object or block that begins at the address, as a node of the graph, which must be
// there; NO_NODE: none does.
uint32_t heap_tables_node(const HeapTables *tables, uint64_t address);

typedef enum ValueKind { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT } ValueKind;

typedef struct TableValue {
    ValueKind kind;
    uint64_t number;
    const char *text; // borrowed, or the same as `owned`
    char *owned;      // to be freed by table_value_release()
} TableValue;

void table_value_release(TableValue *value);

// Restricts a cursor to rows with this value of a key column. Text for COLUMN_TEXT.
typedef struct TableFilter {
    int column; // -1: none
    uint64_t number;
    const char *text;
} TableFilter;

typedef struct TableCursor {
    HeapTables *tables;
    TableId table;
    TableFilter filter;
    uint64_t row;  // number of the row, from 1 on, in this cursor
    uint64_t next; // where the next row is looked for
    uint64_t end;  // and where none is
    uint32_t page; // objects: where the row is; edges: its source
    uint32_t slot;
    uint32_t block;  // edges of blocks
    uint64_t offset; // edges: of the word
    uint64_t word;   // edges: its value
    uint64_t most;   // edges: words that refer to the filter's target are below it: inside a block
    uint32_t type;   // a filter's type, the first of its label; NO_INDEX: none
    uint32_t target_page, target_slot, target_block;
} TableCursor;

// filter: NULL: all rows. The cursor owns nothing.
void table_cursor_init(TableCursor *cursor, HeapTables *tables, TableId table,
                       const TableFilter *filter);
// Moves to the next row; false: there is none. Tables that need it must have graph or tree before.
bool table_cursor_next(TableCursor *cursor);
// The value of a column of this row. Errors: memory, and those of HeapTables.need.
NODISCARD bool table_cursor_value(const TableCursor *cursor, uint32_t column, TableValue *value,
                                  Error *error);

// What the table needs before its rows can be counted. False: nothing.
bool table_needs(TableId table, TableNeed *need);

#endif
