// A heap as an SQLite database: the tables of formats/tables/heap_tables.h with their indexes, and
// a table `snapshot` with what info says of it.

#ifndef FORMATS_TABLES_SQLITE_FILE_H
#define FORMATS_TABLES_SQLITE_FILE_H

#include "formats/tables/heap_tables.h"

// Writes the database to the file `path`, which is empty; the caller removes it when this fails.
// The same heap gives the same bytes with the same version of SQLite. Errors: system, memory, and
// the tables'.
NODISCARD bool sqlite_file_write(HeapTables *tables, const char *path, Error *error);

#endif
