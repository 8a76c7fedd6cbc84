// DwarfNames: see snapshot/capture/debug/dwarf_names.h.

#include "snapshot/capture/debug/dwarf_names.h"

#include <stdlib.h>

// Of nested entries; programs have a few tens.
#define MAX_DEPTH 512u

typedef struct Walk {
    DwarfFunctionVisitor visitor;
    void *context;
    DwarfEntry path[MAX_DEPTH]; // from the unit's own entry down
} Walk;

static void visit_function(const Walk *walk, DwarfEntry *entry)
{
    DwarfFunction function = {0};
    Dwarf_Attribute attribute;
    Dwarf_Addr address;

    // A definition may leave attributes to its declaration.
    function.name = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_name, &attribute));
    function.linkage_name =
        dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_linkage_name, &attribute));
    if (dwarf_lowpc(entry, &address) == 0)
        function.address = address;
    if (function.name != NULL)
        walk->visitor(walk->context, &function);
}

// Depth first, without recursion.
static void walk_unit(void *context, DwarfEntry *unit, bool is_transient)
{
    Walk *walk = context;
    uint32_t depth = 0;

    (void)is_transient;
    walk->path[0] = *unit;
    for (;;) {
        DwarfEntry *entry = &walk->path[depth];

        bool is_function = dwarf_tag(entry) == DW_TAG_subprogram;
        if (is_function)
            visit_function(walk, entry);
        // The entries inside a function are most of a unit, and none of them is a function.
        if (!is_function && depth + 1 < MAX_DEPTH &&
            dwarf_entry_child(entry, &walk->path[depth + 1])) {
            depth++;
            continue;
        }
        while (depth > 0 && !dwarf_entry_next(&walk->path[depth]))
            depth--;
        if (depth == 0)
            return;
    }
}

void dwarf_names_visit(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                       DwarfFunctionVisitor visitor, void *context)
{
    Walk *walk = malloc(sizeof *walk);

    if (walk == NULL)
        return;
    walk->visitor = visitor;
    walk->context = context;
    dwarf_file_visit_units(file, addresses, count, walk_unit, walk);
    free(walk);
}
