// The tables of the heap that a session has read: graph and dominators are made when a value needs
// them.

#ifndef CLI_COMMANDS_ASK_HEAP_TABLES_SESSION_H
#define CLI_COMMANDS_ASK_HEAP_TABLES_SESSION_H

#include "cli/heap_session.h"
#include "formats/tables/heap_tables.h"

// Fills `tables` of the heap at hand; the caller releases it with heap_tables_release() in any
// case. Errors: memory.
NODISCARD bool heap_tables_open(HeapTables *tables, HeapSession *session, Error *error);

// Says on standard error what the capture means for the rows: that the heap is incomplete.
void heap_tables_print_notes(const HeapSession *session);

#endif
