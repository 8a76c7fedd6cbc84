// The language of a program: see analysis/names/heap_language.h.

#include "analysis/names/heap_language.h"

#include <string.h>

// Symbols that are looked at, of trace and of drop functions together: the first ones tell.
#define MOST_SYMBOLS 1000u

typedef struct Symbols {
    uint32_t count;
    bool has_path;  // one has "::"
    bool has_crate; // one is of a crate that comes with Rust
} Symbols;

static void look_at(Symbols *symbols, const SnapshotType *functions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < functions[i].symbol_count; j++) {
            const char *symbol = functions[i].symbols[j];

            if (symbols->count++ == MOST_SYMBOLS)
                return;
            symbols->has_path = symbols->has_path || strstr(symbol, "::") != NULL;
            symbols->has_crate = symbols->has_crate || strstr(symbol, "core::") != NULL ||
                                 strstr(symbol, "alloc::") != NULL;
        }
}

bool heap_language_has_none(const HeapImage *image)
{
    const SnapshotDetails *details = image->details;
    Symbols symbols = {.count = 0};

    look_at(&symbols, details->types, details->type_count);
    look_at(&symbols, details->drops, details->drop_count);
    if (strncmp(image->layout.name, "rudo-gc", 7) == 0)
        return symbols.count == 0 || symbols.has_path;
    return symbols.has_crate;
}
