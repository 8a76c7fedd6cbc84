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

#define TYPE_NAMES_OPEN UINT32_MAX

// The set of types that an object with these two functions can have, as text; see Note [Sets of
// names]. Each may be NULL, when the snapshot has no entry for it. The caller frees `*out`, which
// is NULL without an error when no symbol gives a name. `*count` is the number of types in the set:
// TYPE_NAMES_OPEN when the text does not have all of them, 0 when no symbol gives a type (a plain
// function's name is not one). False: memory is short.
bool type_readable_name(const SnapshotType *trace, const SnapshotType *drop, char **out,
                        uint32_t *count);

// The file name of the module that the function lies in, or NULL. `function` may be NULL.
const char *type_module_name(const SnapshotDetails *details, const SnapshotType *function);

// Compares two functions, as strcmp() does, for the order in which they are shown: by module name
// and offset, which are the same in every run of a program; then those without a known module, by
// address.
int type_function_order(const SnapshotDetails *details, const SnapshotType *a, uint64_t a_address,
                        const SnapshotType *b, uint64_t b_address);

// True when the function has symbols and every one gives a type.
bool type_is_certain(const SnapshotType *function);

// True for the function that the collector gives to objects without a type, unless it is merged
// with a type's own.
bool type_is_no_op(const SnapshotType *function);
// True for that function, merged or not.
bool type_may_be_no_op(const SnapshotType *function);

#endif
