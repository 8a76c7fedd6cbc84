// Side tables: zeroed arrays for random access. Large ones lie in huge pages
// where the system has them, which saves most of the walks through its page tables.

#ifndef BASE_SIDE_TABLE_H
#define BASE_SIDE_TABLE_H

#include <stddef.h>

// Zeroed memory of `bytes`; NULL when memory is short. The caller owns it and frees it with
// side_table_free() and the same number of bytes.
void *side_table_new(size_t bytes);
void side_table_free(const void *table, size_t bytes);

#endif
