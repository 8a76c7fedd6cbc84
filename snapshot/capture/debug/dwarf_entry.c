// DwarfEntry: see snapshot/capture/debug/dwarf_entry.h.

#include "snapshot/capture/debug/dwarf_entry.h"

#include <stdlib.h>
#include <string.h>

// Of typedefs and qualifiers; a hostile file may have a circle of them.
#define MAX_SYNONYMS 16u

bool dwarf_entry_child(DwarfEntry *entry, DwarfEntry *child)
{
    return dwarf_child(entry, child) == 0;
}

bool dwarf_entry_next(DwarfEntry *entry)
{
    return dwarf_siblingof(entry, entry) == 0;
}

void dwarf_entry_walk(DwarfEntry *root, DwarfVisit *visit, void *context)
{
    // Without recursion: a hostile file may nest as deep as it likes.
    DwarfEntry *path = calloc(DWARF_WALK_DEPTH, sizeof *path);
    uint32_t depth = 0;

    if (path == NULL || !dwarf_entry_child(root, &path[0])) {
        free(path);
        return;
    }
    for (;;) {
        if (visit(context, &path[depth], depth) && depth + 1 < DWARF_WALK_DEPTH &&
            dwarf_entry_child(&path[depth], &path[depth + 1])) {
            depth++;
            continue;
        }
        while (!dwarf_entry_next(&path[depth])) {
            if (depth == 0) {
                free(path);
                return;
            }
            depth--;
        }
    }
}

const char *dwarf_entry_name(DwarfEntry *entry)
{
    const char *name = dwarf_diename(entry);

    return name != NULL ? name : "";
}

const char *dwarf_entry_linkage_name(DwarfEntry *entry)
{
    Dwarf_Attribute attribute;
    const char *name =
        dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_linkage_name, &attribute));

    return name != NULL ? name : "";
}

bool dwarf_entry_number(DwarfEntry *entry, unsigned attribute, uint64_t *out)
{
    Dwarf_Attribute found;
    Dwarf_Word word;
    Dwarf_Sword signed_word;

    if (dwarf_attr(entry, attribute, &found) == NULL)
        return false;
    if (dwarf_whatform(&found) == DW_FORM_sdata && dwarf_formsdata(&found, &signed_word) == 0)
        word = (Dwarf_Word)signed_word;
    else if (dwarf_formudata(&found, &word) != 0)
        return false;
    *out = word;
    return true;
}

bool dwarf_entry_reference(DwarfEntry *entry, unsigned attribute, DwarfEntry *out)
{
    Dwarf_Attribute found;

    return dwarf_attr(entry, attribute, &found) != NULL && dwarf_formref_die(&found, out) != NULL;
}

bool dwarf_entry_type(DwarfEntry *entry, DwarfEntry *type)
{
    if (!dwarf_entry_reference(entry, DW_AT_type, type))
        return false;
    for (unsigned i = 0; i < MAX_SYNONYMS; i++)
        switch (dwarf_tag(type)) {
        case DW_TAG_typedef:
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_atomic_type: {
            DwarfEntry next;
            if (!dwarf_entry_reference(type, DW_AT_type, &next))
                return false;
            *type = next;
            break;
        }
        default:
            return true;
        }
    return false;
}

uint64_t dwarf_entry_bytes(DwarfEntry *type)
{
    Dwarf_Word bytes;

    return dwarf_aggregate_size(type, &bytes) == 0 ? bytes : 0;
}

bool dwarf_entry_is_structure(DwarfEntry *type)
{
    int tag = dwarf_tag(type);

    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

bool dwarf_entry_is_member(DwarfEntry *entry, uint64_t *offset)
{
    int tag = dwarf_tag(entry);

    *offset = 0;
    return (tag == DW_TAG_member || tag == DW_TAG_inheritance) &&
           dwarf_entry_number(entry, DW_AT_data_member_location, offset);
}

bool dwarf_entry_parameter(DwarfEntry *type, const char *name, DwarfEntry *out)
{
    DwarfEntry child;

    if (!dwarf_entry_child(type, &child))
        return false;
    do
        if (dwarf_tag(&child) == DW_TAG_template_type_parameter &&
            strcmp(dwarf_entry_name(&child), name) == 0)
            return dwarf_entry_type(&child, out);
    while (dwarf_entry_next(&child));
    return false;
}
