// Naming types: what the type word of an object's header says to a person.
//
// The type word is the address of the type's trace function. Module and offset name it
// the same way in every run; symbols, where the executable still had them at capture
// time, say which Rust type it is.

#ifndef ANALYSIS_TYPE_NAME_H
#define ANALYSIS_TYPE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot_details.h"

// "shop+0x1f40", or "type 0x55d0c0001f40" where the module is unknown. The caller frees it;
// NULL when memory is short.
char *type_label(const SnapshotDetails *details, uint64_t type_word);

// The type that `<rudo_gc::ptr::GcBox<TYPE>>::trace_fn_for` is about, as a length within
// `*start`; other symbols stand for themselves. 0: the symbol does not tell the type (the old
// mangling writes a literal T).
size_t type_name_of_symbol(const char *symbol, const char **start);

// The names of all symbols of a type, joined with " | " (identical functions are merged, so
// one address may stand for several types). The caller frees it. `*out` is NULL without an
// error when no symbol tells a name. false: memory is short.
bool type_readable_name(const SnapshotType *type, char **out);

#endif
