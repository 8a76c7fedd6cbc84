// SnapshotDetails: see snapshot/heap/snapshot_details.h.

#include "snapshot/heap/snapshot_details.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/heap/snapshot_lookup.h"

const char *foreign_mode_name(ForeignMode mode)
{
    switch (mode) {
    case FOREIGN_BLOCKS:
        return "blocks";
    case FOREIGN_ROOTS:
        return "roots";
    case FOREIGN_NONE:
        return "none";
    }
    return "unknown";
}

#define FOREIGN_SHARE_PERCENT 5u
// The loader and the C library have a little anonymous memory that is not malloc's.
#define FOREIGN_SHARE_BYTES (UINT64_C(128) << 10)

// The numbers may come from a file: without overflow.
static uint64_t percent_of(uint64_t part, uint64_t whole)
{
    if (part >= whole)
        return whole == 0 ? 0 : 100;
    return part <= UINT64_MAX / 100 ? part * 100 / whole : part / (whole / 100);
}

uint64_t snapshot_metadata_foreign_percent(const SnapshotMetadata *metadata)
{
    if (!metadata->roots_measured)
        return 0;
    return percent_of(metadata->foreign_root_bytes, metadata->outside_bytes);
}

bool snapshot_metadata_has_foreign_share(const SnapshotMetadata *metadata)
{
    return metadata->roots_measured && metadata->foreign_root_bytes >= FOREIGN_SHARE_BYTES &&
           metadata->foreign_root_bytes > metadata->outside_bytes / (100 / FOREIGN_SHARE_PERCENT);
}

const char *loss_kind_name(LossKind kind)
{
    switch (kind) {
    case LOSS_PAGES:
        return "pages";
    case LOSS_MEMORY:
        return "memory";
    case LOSS_ROOTS:
        return "roots";
    case LOSS_BLOCKS:
        return "blocks";
    case LOSS_NAMES:
        return "names";
    case LOSS_KIND_COUNT:
        break;
    }
    return "unknown";
}

const char *snapshot_names_note(const SnapshotMetadata *metadata)
{
    return metadata->names_reasons[0] != '\0' ? metadata->names_reasons : metadata->names_note;
}

SnapshotDetails *snapshot_details_new(void)
{
    SnapshotDetails *details = calloc(1, sizeof *details);

    if (details != NULL)
        details->metadata.is_complete = true;
    return details;
}

static void free_types(SnapshotType *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t s = 0; s < types[i].symbol_count; s++)
            free(types[i].symbols[s]);
        free(types[i].symbols);
    }
    free(types);
}

static void free_frames(SnapshotStack *stack)
{
    for (uint32_t i = 0; i < stack->frame_count; i++)
        free(stack->frames[i].function);
    free(stack->frames);
}

void snapshot_details_free(SnapshotDetails *details)
{
    if (details == NULL)
        return;
    snapshot_lookup_free(details->lookup);
    for (uint32_t i = 0; i < details->module_count; i++) {
        free(details->modules[i].name);
        free(details->modules[i].build_id);
    }
    for (uint32_t i = 0; i < details->mapping_count; i++)
        free(details->mappings[i].name);
    for (uint32_t i = 0; i < details->stack_count; i++)
        free_frames(&details->stacks[i]);
    free(details->stacks);
    for (uint32_t i = 0; i < details->place_count; i++) {
        free(details->places[i].function);
        free(details->places[i].file);
    }
    free(details->places);
    for (uint32_t i = 0; i < details->variable_count; i++)
        free(details->variables[i].name);
    free(details->variables);
    free_types(details->types, details->type_count);
    free_types(details->drops, details->drop_count);
    for (uint32_t i = 0; i < details->root_name_count; i++)
        free(details->root_names[i].name);
    for (uint32_t i = 0; i < details->type_layout_count; i++)
        free(details->type_layouts[i].offsets);
    for (uint32_t i = 0; i < details->loss_count; i++)
        free(details->losses[i].why);
    free(details->root_names);
    free(details->type_layouts);
    snapshot_data_types_free(details->data_types, details->data_type_count);
    free(details->losses);
    for (uint32_t i = 0; i < details->page_count; i++)
        if (details->pages[i].slot_count > 64)
            free(details->pages[i].more);
    free(details->pages);
    free(details->object_types);
    free(details->sized_blocks);
    free(details->sized_links);
    free(details->threads);
    free(details->modules);
    free(details->mappings);
    free(details);
}

static bool is_object_type_at_most(const void *types, uint64_t index, const void *wanted)
{
    const SnapshotObjectType *type = &((const SnapshotObjectType *)types)[index], *key = wanted;

    return type->page != key->page ? type->page < key->page : type->slot <= key->slot;
}

const SnapshotObjectType *snapshot_details_find_object_type(const SnapshotDetails *details,
                                                            uint32_t page, uint32_t slot)
{
    const SnapshotObjectType wanted = {.page = page, .slot = (uint16_t)slot}, *type;
    uint64_t next = search_first(details->object_types, details->object_type_count,
                                 is_object_type_at_most, &wanted);

    if (next == 0)
        return NULL;
    type = &details->object_types[next - 1];
    return type->page == page && slot - type->slot < type->count ? type : NULL;
}

static const SnapshotType *find_word(const SnapshotType *types, uint32_t count, uint64_t word)
{
    uint64_t at = search_from(types, count, type_word, word);

    return at < count && types[at].type_word == word ? &types[at] : NULL;
}

const SnapshotType *snapshot_details_find_type(const SnapshotDetails *details, uint64_t type_word)
{
    return find_word(details->types, details->type_count, type_word);
}

const SnapshotType *snapshot_details_find_drop(const SnapshotDetails *details, uint64_t address)
{
    return find_word(details->drops, details->drop_count, address);
}

static bool is_place_before(const void *places, uint64_t index, const void *wanted)
{
    const SnapshotPlace *place = &((const SnapshotPlace *)places)[index], *key = wanted;

    return place->thread != key->thread ? place->thread < key->thread : place->frame < key->frame;
}

#define MAX_PLACES_OF_FRAME 64u

const SnapshotPlace *snapshot_details_find_places(const SnapshotDetails *details, uint32_t thread,
                                                  uint32_t frame, uint32_t *count)
{
    const SnapshotPlace wanted = {.thread = thread, .frame = frame};
    uint64_t first = search_first(details->places, details->place_count, is_place_before, &wanted);
    uint64_t end = first;

    // Inlined functions nest a few deep; a file may claim that they nest deeper.
    while (end < details->place_count && end - first < MAX_PLACES_OF_FRAME &&
           details->places[end].thread == thread && details->places[end].frame == frame)
        end++;
    *count = (uint32_t)(end - first);
    return end > first ? &details->places[first] : NULL;
}

// Variables overlap where one is a part of another, which goes a few deep.
#define MAX_NESTED_VARIABLES 16u

typedef struct VariablePlace {
    bool is_thread_local;
    uint64_t address;
} VariablePlace;

static bool begins_at_or_before(const void *items, uint64_t index, const void *key)
{
    const SnapshotVariable *variable = (const SnapshotVariable *)items + index;
    const VariablePlace *place = key;

    return variable->is_thread_local < place->is_thread_local ||
           (variable->is_thread_local == place->is_thread_local &&
            variable->address <= place->address);
}

const SnapshotVariable *snapshot_details_find_variable(const SnapshotDetails *details,
                                                       bool is_thread_local, uint64_t address)
{
    const VariablePlace place = {is_thread_local, address};
    uint64_t next =
        search_first(details->variables, details->variable_count, begins_at_or_before, &place);

    for (uint32_t i = 0; i < MAX_NESTED_VARIABLES && next > 0; i++) {
        const SnapshotVariable *variable = &details->variables[--next];

        if (variable->is_thread_local != is_thread_local)
            break;
        if (address - variable->address < variable->bytes)
            return variable;
    }
    return NULL;
}

const SnapshotStack *snapshot_details_find_stack(const SnapshotDetails *details, uint32_t thread)
{
    uint64_t at = search_from(details->stacks, details->stack_count, thread, thread);

    return at < details->stack_count && details->stacks[at].thread == thread ? &details->stacks[at]
                                                                             : NULL;
}

static bool is_root_name_before(const void *items, uint64_t index, const void *key)
{
    const SnapshotRootName *name = (const SnapshotRootName *)items + index, *wanted = key;

    return name->address < wanted->address ||
           (name->address == wanted->address && name->value < wanted->value);
}

const char *snapshot_details_find_root_name(const SnapshotDetails *details, uint64_t address,
                                            uint64_t value)
{
    const SnapshotRootName wanted = {.address = address, .value = value};
    uint64_t at =
        search_first(details->root_names, details->root_name_count, is_root_name_before, &wanted);

    if (at == details->root_name_count || details->root_names[at].address != address ||
        details->root_names[at].value != value)
        return NULL;
    return details->root_names[at].name;
}

const SnapshotTypeLayout *snapshot_details_find_type_layout(const SnapshotDetails *details,
                                                            uint64_t type_word)
{
    const SnapshotTypeLayout *layouts = details->type_layouts;
    uint64_t at = search_from(layouts, details->type_layout_count, type_word, type_word);

    return at < details->type_layout_count && layouts[at].type_word == type_word ? &layouts[at]
                                                                                 : NULL;
}

bool snapshot_details_add_loss(SnapshotDetails *details, LossKind kind, uint64_t address,
                               uint64_t bytes, const char *why, Error *error)
{
    SnapshotLoss loss = {address, bytes, kind, strdup(why)};
    uint64_t capacity = details->loss_count;
    uint32_t at = details->loss_count;
    SnapshotLoss *losses;

    if (loss.why == NULL)
        return error_set_memory(error, strlen(why) + 1, "the list of losses");
    // Few are added to those of a file, so the capacity is not kept.
    if (!array_reserve(&details->losses, &capacity, capacity + 1, sizeof loss, "the list of losses",
                       error)) {
        free(loss.why);
        return false;
    }
    losses = details->losses;
    while (at > 0 && (losses[at - 1].kind > kind ||
                      (losses[at - 1].kind == kind && losses[at - 1].address > address)))
        at--;
    memmove(&losses[at + 1], &losses[at], (details->loss_count - at) * sizeof *losses);
    losses[at] = loss;
    details->loss_count++;
    details->metadata.is_complete = false;
    return true;
}
