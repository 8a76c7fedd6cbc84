// RowWriter: rows as CSV (RFC 4180, with a line of names) or JSON Lines (an object a row).
//
//     RowWriter writer = {.format = ROWS_CSV, .sink = sink};
//     row_writer_begin(&writer, count, names, error) && row_writer_add(&writer, count, values, ...)
//
// Text is made valid UTF-8; JSON escapes controls, CSV keeps line feeds inside quotes.

#ifndef FORMATS_TABLES_ROW_WRITER_H
#define FORMATS_TABLES_ROW_WRITER_H

#include "formats/json/json_writer.h"
#include "formats/tables/heap_tables.h"

typedef enum RowFormat { ROWS_CSV, ROWS_JSONL } RowFormat;

#define ROW_MAX_COLUMNS 64u

typedef struct RowWriter {
    RowFormat format;
    JsonSink sink;
    const char *names[ROW_MAX_COLUMNS]; // borrowed
    const ColumnKind *kinds;            // of columns; NULL: numbers are numbers; borrowed
    uint32_t count;
} RowWriter;

// Writes the names of the columns (CSV), and remembers them. Errors: usage (too many columns), the
// sink's.
NODISCARD bool row_writer_begin(RowWriter *writer, uint32_t count, const char *const *names,
                                Error *error);
NODISCARD bool row_writer_add(RowWriter *writer, uint32_t count, const TableValue *values,
                              Error *error);

// All rows of a table of the heap. Errors: the sink's and the tables'.
NODISCARD bool row_writer_table(RowWriter *writer, HeapTables *tables, TableId table, Error *error);

#endif
