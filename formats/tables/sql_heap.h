// SqlHeap: a heap to which SQL can be put: its tables as virtual tables of SQLite, which copies
// nothing.
//
//     if (!sql_heap_new(tables, &heap, error)) ...
//     if (!sql_heap_run(heap, "SELECT count(*) FROM objects", NULL, 0, visitor, error)) ...
//
// Read only: statements that write, attach files or load code are refused. Functions: address(n),
// type(address), retained(address), path(address).

#ifndef FORMATS_TABLES_SQL_HEAP_H
#define FORMATS_TABLES_SQL_HEAP_H

#include "formats/tables/heap_tables.h"

typedef struct SqlHeap SqlHeap;

// `tables` is borrowed. Errors: memory. The caller frees `*out` with sql_heap_free().
NODISCARD bool sql_heap_new(HeapTables *tables, SqlHeap **out, Error *error);
void sql_heap_free(SqlHeap *heap);

// A named value: ":name" or "@name" in statements. Text that is a number, or 0x and hexadecimal
// digits, is one.
typedef struct SqlParameter {
    const char *name; // without ':'
    const char *value;
} SqlParameter;

// Called with the columns of each statement that has any, then with each row.
typedef struct SqlVisitor {
    bool (*columns)(void *context, uint32_t count, const char *const *names, Error *error);
    bool (*row)(void *context, uint32_t count, const TableValue *values, Error *error);
    void *context;
} SqlVisitor;

// Runs the statements of `sql` one after the other. Errors: usage (SQL that cannot be run, with
// the fault and its place; a parameter that is missing), memory, the visitor's and the tables'.
NODISCARD bool sql_heap_run(SqlHeap *heap, const char *sql, const SqlParameter *parameters,
                            uint32_t parameter_count, const SqlVisitor *visitor, Error *error);

// "CREATE TABLE objects(address INTEGER, ...);" for each table; the caller frees it. NULL: memory
// is short.
char *table_schemas_sql(void);

#endif
