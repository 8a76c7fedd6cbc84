// Naming types: what the functions in an object's header say to a person.
//
// The type word is the address of the type's trace function, and beside it stands the address of
// its drop function. Module and offset name them the same way in every run; symbols, where the
// executable still had them at capture time, say which Rust type they are for.
//
// Note [Sets of names]
//
// Compilers merge identical functions, so one address may stand for several types. A type's name
// is then the set of all it can be: "i64 | u64". The drop function narrows it: the type is in the
// sets of both functions. Where a symbol was there, but hides its type (the old mangling, without
// debug information), the set is open: "i64 | ...".

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
    SYMBOL_PLAIN,  // stands for itself
    SYMBOL_TYPE,   // of rudo-gc's trace or drop function of a type: `name` is the type's
    SYMBOL_HIDDEN, // of such a function, but it does not tell the type
    SYMBOL_NO_OP,  // of the functions of objects that have no type, or no longer
} SymbolMeaning;

typedef struct SymbolName {
    SymbolMeaning meaning;
    const char *name; // within the symbol
    size_t length;
} SymbolName;

// `<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for` is about the type shop::Order.
SymbolName symbol_name(const char *symbol);

#define TYPE_NAMES_OPEN UINT32_MAX

// The set of types that an object with these two functions can have, as text; see Note [Sets of
// names]. Both may be NULL, when nothing is known of them. The caller frees `*out`, which is NULL
// without an error when nothing tells a name. `*count` is how many types the set has:
// TYPE_NAMES_OPEN when it has others than those in the text, 0 when no symbol speaks of types
// (names of plain functions do not). False: memory is short.
bool type_readable_name(const SnapshotType *trace, const SnapshotType *drop, char **out,
                        uint32_t *count);

// The file name of the module that the function lies in, or NULL. `function` may be NULL.
const char *type_module_name(const SnapshotDetails *details, const SnapshotType *function);

// The order in which functions are shown, as strcmp() says it: by module name and offset, which
// are the same in every run of a program; then those of no known module, by address.
int type_function_order(const SnapshotDetails *details, const SnapshotType *a, uint64_t a_address,
                        const SnapshotType *b, uint64_t b_address);

// Does every symbol of the function tell its type, and is there one?
bool type_is_told(const SnapshotType *function);

// Is this the function that the collector gives to objects without a type, and no type's own?
bool type_is_no_op(const SnapshotType *function);
// Is it that function, if perhaps merged with those of types?
bool type_may_be_no_op(const SnapshotType *function);

#endif
