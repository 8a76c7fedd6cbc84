// The functions that SQL has for heaps.

#ifndef FORMATS_TABLES_SQL_FUNCTIONS_INTERNAL_H
#define FORMATS_TABLES_SQL_FUNCTIONS_INTERNAL_H

#include <sqlite3.h>

#include "formats/tables/heap_tables.h"

// Adds address(), type(), retained() and path(). Returns SQLite's result.
int sql_functions_add(sqlite3 *database, HeapTables *tables);

#endif
