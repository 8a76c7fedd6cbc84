// Places in the source: see snapshot/capture/debug/dwarf_places.h.

#include "snapshot/capture/debug/dwarf_places.h"

#include <stdlib.h>

#include "base/search.h"

// Blocks and inlined functions in a function, that are looked at for one address.
#define MAX_SEARCHED 100000u

typedef struct PlaceWalk {
    const uint64_t *addresses;
    uint32_t count;
    DwarfPlaceVisitor visitor;
    void *context;
    DwarfEntry unit;
    Dwarf_Files *files; // of the unit; NULL: none
    size_t file_count;
} PlaceWalk;

static void name_place(DwarfEntry *entry, DwarfPlace *place)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_name, &attribute));

    place->linkage_name = dwarf_entry_linkage_name(entry);
    place->name = name != NULL ? name : "";
}

// The functions at the address, from the outermost on. Returns their number, 1 at least.
static uint32_t find_chain(DwarfEntry *function, uint64_t address, DwarfEntry chain[MAX_INLINED])
{
    DwarfEntry current = *function, child;
    uint32_t count = 1, searched = 0;

    chain[0] = *function;
    for (;;) {
        bool is_found = false;

        if (!dwarf_entry_child(&current, &child))
            return count;
        do {
            int tag = dwarf_tag(&child);

            is_found = (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
                       dwarf_haspc(&child, address) == 1;
        } while (!is_found && searched++ < MAX_SEARCHED && dwarf_entry_next(&child));
        if (!is_found || (dwarf_tag(&child) == DW_TAG_inlined_subroutine && count == MAX_INLINED))
            return count;
        current = child;
        if (dwarf_tag(&child) == DW_TAG_inlined_subroutine)
            chain[count++] = child;
    }
}

static void visit_address(const PlaceWalk *walk, DwarfEntry *function, uint64_t address)
{
    DwarfEntry chain[MAX_INLINED], unit = walk->unit;
    DwarfPlace places[MAX_INLINED] = {0};
    uint32_t count = find_chain(function, address, chain);
    Dwarf_Line *line = dwarf_getsrc_die(&unit, address);
    int number = 0;

    for (uint32_t i = 0; i < count; i++) {
        DwarfEntry *entry = &chain[count - 1 - i];
        uint64_t file, call_line;
        const char *name = NULL;

        name_place(entry, &places[i]);
        if (i == 0 && line != NULL) {
            name = dwarf_linesrc(line, NULL, NULL);
            places[i].line = dwarf_lineno(line, &number) == 0 && number > 0 ? (uint32_t)number : 0;
        } else if (i > 0) {
            // Where the function in it was called.
            DwarfEntry *inner = &chain[count - i];
            if (dwarf_entry_number(inner, DW_AT_call_file, &file) && walk->files != NULL &&
                file < walk->file_count)
                name = dwarf_filesrc(walk->files, file, NULL, NULL);
            if (dwarf_entry_number(inner, DW_AT_call_line, &call_line) && call_line <= UINT32_MAX)
                places[i].line = (uint32_t)call_line;
        }
        places[i].file = name != NULL ? name : "";
    }
    walk->visitor(walk->context, address, places, count);
}

static void visit_function(const PlaceWalk *walk, DwarfEntry *function)
{
    Dwarf_Addr base, start, end;
    ptrdiff_t offset = 0;

    while ((offset = dwarf_ranges(function, offset, &base, &start, &end)) > 0)
        for (uint64_t i = search_from_u64(walk->addresses, walk->count, start);
             i < walk->count && walk->addresses[i] < end; i++)
            visit_address(walk, function, walk->addresses[i]);
}

// Functions are in namespaces and types, not in functions.
static bool visit_entry(void *context, DwarfEntry *entry, uint32_t depth)
{
    int tag = dwarf_tag(entry);

    (void)depth;
    if (tag == DW_TAG_subprogram)
        visit_function(context, entry);
    return tag == DW_TAG_namespace || dwarf_entry_is_structure(entry);
}

static void walk_unit(void *context, DwarfEntry *unit, bool is_transient)
{
    PlaceWalk *walk = context;

    // Entries of a package do not know the addresses of their functions.
    if (is_transient)
        return;
    walk->unit = *unit;
    if (dwarf_getsrcfiles(unit, &walk->files, &walk->file_count) != 0)
        walk->files = NULL;
    dwarf_entry_walk(unit, visit_entry, walk);
}

void dwarf_places_visit(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                        DwarfPlaceVisitor visitor, void *context)
{
    PlaceWalk walk = {
        .addresses = addresses, .count = count, .visitor = visitor, .context = context};

    dwarf_file_visit_units(file, addresses, count, walk_unit, &walk);
}
