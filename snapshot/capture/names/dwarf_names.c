// DwarfNames: see snapshot/capture/names/dwarf_names.h.

#include "snapshot/capture/names/dwarf_names.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#include "base/search.h"

// Of nested entries; programs have a few tens.
#define MAX_DEPTH 512u

typedef struct Walk {
    const uint64_t *addresses;
    uint32_t count;
    DwarfFunctionVisitor visitor;
    void *context;
    Dwarf_Die path[MAX_DEPTH]; // from the unit's own entry down
} Walk;

// Is one of the addresses in [start, end)?
static bool holds_address(const Walk *walk, uint64_t start, uint64_t end)
{
    uint64_t i = search_from_u64(walk->addresses, walk->count, start);

    return i < walk->count && walk->addresses[i] < end;
}

static bool is_unit_of_interest(const Walk *walk, Dwarf_Die *unit)
{
    Dwarf_Addr base, start, end;
    ptrdiff_t offset = 0;

    while ((offset = dwarf_ranges(unit, offset, &base, &start, &end)) > 0)
        if (holds_address(walk, start, end))
            return true;
    return false;
}

static void visit_function(const Walk *walk, Dwarf_Die *entry)
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
static void walk_unit(Walk *walk, const Dwarf_Die *unit)
{
    uint32_t depth = 0;

    walk->path[0] = *unit;
    for (;;) {
        Dwarf_Die *entry = &walk->path[depth];

        bool is_function = dwarf_tag(entry) == DW_TAG_subprogram;
        if (is_function)
            visit_function(walk, entry);
        // The entries inside a function are most of a unit, and none of them is a function.
        if (!is_function && depth + 1 < MAX_DEPTH &&
            dwarf_child(entry, &walk->path[depth + 1]) == 0) {
            depth++;
            continue;
        }
        while (depth > 0 && dwarf_siblingof(&walk->path[depth], &walk->path[depth]) != 0)
            depth--;
        if (depth == 0)
            return;
    }
}

void dwarf_names_visit(ElfFile *file, const uint64_t *addresses, uint32_t count,
                       DwarfFunctionVisitor visitor, void *context)
{
    Dwarf *dwarf = dwarf_begin_elf(elf_file_handle(file), DWARF_C_READ, NULL);
    Walk *walk = malloc(sizeof *walk);
    Dwarf_CU *unit = NULL;
    Dwarf_Die entry, split;
    uint8_t type;

    if (dwarf == NULL || walk == NULL)
        goto done;
    walk->addresses = addresses;
    walk->count = count;
    walk->visitor = visitor;
    walk->context = context;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &entry, &split) == 0)
        if (is_unit_of_interest(walk, &entry))
            walk_unit(walk, type == DW_UT_skeleton && split.addr != NULL ? &split : &entry);

done:
    free(walk);
    (void)dwarf_end(dwarf);
}
