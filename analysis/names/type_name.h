// Naming types by the functions in an object's header.
//
// The type word is the address of the type's trace function, and next to it is the address of its
// drop function. Module and offset name them the same way in every run; symbols, where the
// executable still had them at capture time, give the Rust type.
//
// Note [Sets of names]
//
// Compilers merge identical functions, so one address may belong to several types. A type's name
// is then the set of all possible types: "i64 | u64". The drop function narrows it: the type is in
// the sets of both functions. Where a symbol hides its type (the old mangling, without debug
// information), the set is open: "i64 | ...".

#ifndef ANALYSIS_NAMES_TYPE_NAME_H
#define ANALYSIS_NAMES_TYPE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/heap/snapshot_details.h"

// Of the names of modules in labels, which have at most that many bytes on Linux.
#define TYPE_MODULE_BYTES 255

// "shop+0x1f40", or "type 0x55d0c0001f40" where the module is unknown. The caller frees it;
// NULL when memory is short.
char *type_label(const SnapshotDetails *details, uint64_t type_word);

typedef enum SymbolMeaning {
    SYMBOL_PLAIN,  // any other symbol
    SYMBOL_TYPE,   // of rudo-gc's trace or drop function of a type: `name` is the type's
    SYMBOL_HIDDEN, // of such a function, without the name of the type
    SYMBOL_NO_OP,  // of the functions of objects that have no type, or have lost it
} SymbolMeaning;

typedef struct SymbolName {
    SymbolMeaning meaning;
    const char *name; // within the symbol
    size_t length;
} SymbolName;

// `<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for` gives the type shop::Order.
SymbolName symbol_name(const char *symbol);

// The number of types of an open set.
#define TYPE_NAMES_OPEN UINT32_MAX

// The file name of the module that the function lies in, or NULL. `function` may be NULL.
const char *type_module_name(const SnapshotDetails *details, const SnapshotType *function);

#endif
