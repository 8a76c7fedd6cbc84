// DwarfNames: see snapshot/capture/debug/dwarf_names.h.

#include "snapshot/capture/debug/dwarf_names.h"

typedef struct Walk {
    DwarfFunctionVisitor visitor;
    void *context;
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

static bool visit_entry(void *context, DwarfEntry *entry, uint32_t depth)
{
    (void)depth;
    if (dwarf_tag(entry) != DW_TAG_subprogram)
        return true;
    visit_function(context, entry);
    // The entries inside a function are most of a unit, and none of them is a function.
    return false;
}

static void walk_unit(void *context, DwarfEntry *unit, bool is_transient)
{
    (void)is_transient;
    dwarf_entry_walk(unit, visit_entry, context);
}

void dwarf_names_visit(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                       DwarfFunctionVisitor visitor, void *context)
{
    Walk walk = {visitor, context};

    dwarf_file_visit_units(file, addresses, count, walk_unit, &walk);
}
