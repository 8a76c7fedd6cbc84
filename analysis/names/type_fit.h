// Compares a name that the user wrote with the label of a type.

#ifndef ANALYSIS_NAMES_TYPE_FIT_H
#define ANALYSIS_NAMES_TYPE_FIT_H

// Better fits are greater.
typedef enum TypeFit {
    TYPE_FIT_NONE,
    TYPE_FIT_END,   // "Order" of "shop::Order"
    TYPE_FIT_PART,  // "i64" of "i64 | u64"; "shop+0x1f40" of "type #7 (trace shop+0x1f40)"
    TYPE_FIT_WHOLE, // the label
} TypeFit;

TypeFit type_fit(const char *label, const char *text);

#endif
