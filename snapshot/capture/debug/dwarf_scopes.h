// DwarfScopes: the namespaces in which the types of debug information lie. Entries know their
// children only, so each unit is walked once, when the first of its types is asked for.

#ifndef SNAPSHOT_CAPTURE_DEBUG_DWARF_SCOPES_H
#define SNAPSHOT_CAPTURE_DEBUG_DWARF_SCOPES_H

#include "snapshot/capture/debug/dwarf_entry.h"

typedef struct DwarfScopes DwarfScopes;

// NULL when memory is short. The caller frees it.
DwarfScopes *dwarf_scopes_new(void);
void dwarf_scopes_free(DwarfScopes *scopes);
// Forgets all units, because their file is closed.
void dwarf_scopes_clear(DwarfScopes *scopes);

// "alloc::vec"; "" for types outside of any, and where memory is short. Borrowed.
const char *dwarf_scopes_of(DwarfScopes *scopes, DwarfEntry *type);

#endif
