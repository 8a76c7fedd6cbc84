// DwarfScopes: see snapshot/capture/debug/dwarf_scopes.h.

#include "snapshot/capture/debug/dwarf_scopes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

// The longest name of a scope, with those around it.
#define MAX_SCOPE_CHARS 1024u

typedef struct ScopedType {
    uint64_t offset; // of the entry
    uint32_t scope;  // index
} ScopedType;

// The types of a unit.
typedef struct ScopedUnit {
    uint64_t unit; // its Dwarf_CU as a number
    uint64_t count;
    uint64_t capacity;
    ScopedType *types; // ascending by offset, as they lie in the unit; owned
} ScopedUnit;

struct DwarfScopes {
    uint64_t unit_count;
    uint64_t unit_capacity;
    ScopedUnit *units; // ascending; owned
    uint64_t name_count;
    uint64_t name_capacity;
    char **names; // owned; the first is ""
};

// Adds a name; 0, the empty one, where memory is short.
static uint32_t add_name(DwarfScopes *scopes, const char *outer, const char *name)
{
    char text[MAX_SCOPE_CHARS];
    char *copy;
    Error unwanted;

    (void)snprintf(text, sizeof text, "%s%s%s", outer, outer[0] != '\0' ? "::" : "", name);
    if (scopes->name_count >= UINT32_MAX ||
        !array_reserve(&scopes->names, &scopes->name_capacity, scopes->name_count + 1,
                       sizeof *scopes->names, "namespaces", &unwanted) ||
        (copy = strdup(text)) == NULL)
        return 0;
    scopes->names[scopes->name_count] = copy;
    return (uint32_t)scopes->name_count++;
}

DwarfScopes *dwarf_scopes_new(void)
{
    DwarfScopes *scopes = calloc(1, sizeof *scopes);

    if (scopes != NULL && (add_name(scopes, "", ""), scopes->name_count == 0)) {
        dwarf_scopes_free(scopes);
        return NULL;
    }
    return scopes;
}

void dwarf_scopes_clear(DwarfScopes *scopes)
{
    for (uint64_t i = 0; i < scopes->unit_count; i++)
        free(scopes->units[i].types);
    scopes->unit_count = 0;
}

void dwarf_scopes_free(DwarfScopes *scopes)
{
    if (scopes == NULL)
        return;
    dwarf_scopes_clear(scopes);
    for (uint64_t i = 0; i < scopes->name_count; i++)
        free(scopes->names[i]);
    free(scopes->units);
    free(scopes->names);
    free(scopes);
}

static bool is_type(int tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
           tag == DW_TAG_enumeration_type;
}

static void add_type(ScopedUnit *unit, DwarfEntry *type, uint32_t scope)
{
    Error unwanted;

    if (array_reserve(&unit->types, &unit->capacity, unit->count + 1, sizeof *unit->types, "types",
                      &unwanted))
        unit->types[unit->count++] = (ScopedType){dwarf_dieoffset(type), scope};
}

typedef struct ScopeWalk {
    DwarfScopes *scopes;
    ScopedUnit *unit;
    uint32_t scope_of[DWARF_WALK_DEPTH]; // of the entries at each depth
} ScopeWalk;

static bool visit_entry(void *context, DwarfEntry *entry, uint32_t depth)
{
    ScopeWalk *walk = context;
    uint32_t scope = walk->scope_of[depth];
    int tag = dwarf_tag(entry);

    if (is_type(tag))
        add_type(walk->unit, entry, scope);
    if ((tag != DW_TAG_namespace && !is_type(tag)) || depth + 1 == DWARF_WALK_DEPTH ||
        dwarf_haschildren(entry) <= 0)
        return false;
    walk->scope_of[depth + 1] =
        add_name(walk->scopes, walk->scopes->names[scope], dwarf_entry_name(entry));
    return true;
}

static void walk_unit(DwarfScopes *scopes, ScopedUnit *unit, DwarfEntry *root)
{
    ScopeWalk walk = {.scopes = scopes, .unit = unit};

    dwarf_entry_walk(root, visit_entry, &walk);
}

static ScopedUnit *unit_of(DwarfScopes *scopes, DwarfEntry *type)
{
    uint64_t key = (uint64_t)(uintptr_t)type->cu;
    uint64_t i = search_from(scopes->units, scopes->unit_count, unit, key);
    DwarfEntry root;
    Error unwanted;

    if (i < scopes->unit_count && scopes->units[i].unit == key)
        return &scopes->units[i];
    if (!array_reserve(&scopes->units, &scopes->unit_capacity, scopes->unit_count + 1,
                       sizeof *scopes->units, "units", &unwanted))
        return NULL;
    memmove(&scopes->units[i + 1], &scopes->units[i],
            (scopes->unit_count - i) * sizeof *scopes->units);
    scopes->unit_count++;
    scopes->units[i] = (ScopedUnit){.unit = key};
    if (dwarf_cu_die(type->cu, &root, NULL, NULL, NULL, NULL, NULL, NULL) != NULL)
        walk_unit(scopes, &scopes->units[i], &root);
    return &scopes->units[i];
}

const char *dwarf_scopes_of(DwarfScopes *scopes, DwarfEntry *type)
{
    const ScopedUnit *unit = unit_of(scopes, type);
    uint64_t offset = dwarf_dieoffset(type), i;

    if (unit == NULL)
        return "";
    i = search_from(unit->types, unit->count, offset, offset);
    return i < unit->count && unit->types[i].offset == offset ? scopes->names[unit->types[i].scope]
                                                              : "";
}
