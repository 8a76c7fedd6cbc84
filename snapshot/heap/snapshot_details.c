// SnapshotDetails: see snapshot/heap/snapshot_details.h.

#include "snapshot/heap/snapshot_details.h"

#include <stdlib.h>
#include <string.h>

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
    for (uint32_t i = 0; i < details->module_count; i++) {
        free(details->modules[i].name);
        free(details->modules[i].build_id);
    }
    for (uint32_t i = 0; i < details->mapping_count; i++)
        free(details->mappings[i].name);
    for (uint32_t i = 0; i < details->stack_count; i++)
        free_frames(&details->stacks[i]);
    free(details->stacks);
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
    free(details->losses);
    free(details->threads);
    free(details->modules);
    free(details->mappings);
    free(details);
}

static const SnapshotType *find_word(const SnapshotType *types, uint32_t count, uint64_t word)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (types[middle].type_word < word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && types[low].type_word == word ? &types[low] : NULL;
}

const SnapshotType *snapshot_details_find_type(const SnapshotDetails *details, uint64_t type_word)
{
    return find_word(details->types, details->type_count, type_word);
}

const SnapshotType *snapshot_details_find_drop(const SnapshotDetails *details, uint64_t address)
{
    return find_word(details->drops, details->drop_count, address);
}

// Variables overlap where one is a part of another, which goes a few deep.
#define MAX_NESTED_VARIABLES 16u

const SnapshotVariable *snapshot_details_find_variable(const SnapshotDetails *details,
                                                       bool is_thread_local, uint64_t address)
{
    uint32_t low = 0, high = details->variable_count;

    // The first that begins behind the address.
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const SnapshotVariable *variable = &details->variables[middle];

        if (variable->is_thread_local < is_thread_local ||
            (variable->is_thread_local == is_thread_local && variable->address <= address))
            low = middle + 1;
        else
            high = middle;
    }
    for (uint32_t i = 0; i < MAX_NESTED_VARIABLES && low > 0; i++) {
        const SnapshotVariable *variable = &details->variables[--low];

        if (variable->is_thread_local != is_thread_local)
            break;
        if (address - variable->address < variable->bytes)
            return variable;
    }
    return NULL;
}

const SnapshotStack *snapshot_details_find_stack(const SnapshotDetails *details, uint32_t thread)
{
    uint32_t low = 0, high = details->stack_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (details->stacks[middle].thread < thread)
            low = middle + 1;
        else
            high = middle;
    }
    return low < details->stack_count && details->stacks[low].thread == thread
               ? &details->stacks[low]
               : NULL;
}

uint32_t snapshot_stack_find_frame(const SnapshotStack *stack, uint64_t address)
{
    // Frames ascend, but where a thread changes stacks: no order to search by.
    for (uint32_t i = 0; i < stack->frame_count; i++)
        if (address >= stack->frames[i].start && address < stack->frames[i].end)
            return i;
    return UINT32_MAX;
}

const char *snapshot_details_find_root_name(const SnapshotDetails *details, uint64_t address,
                                            uint64_t value)
{
    uint32_t low = 0, high = details->root_name_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const SnapshotRootName *root = &details->root_names[middle];

        if (root->address < address || (root->address == address && root->value < value))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == details->root_name_count || details->root_names[low].address != address ||
        details->root_names[low].value != value)
        return NULL;
    return details->root_names[low].name;
}

const SnapshotTypeLayout *snapshot_details_find_type_layout(const SnapshotDetails *details,
                                                            uint64_t type_word)
{
    uint32_t low = 0, high = details->type_layout_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (details->type_layouts[middle].type_word < type_word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < details->type_layout_count && details->type_layouts[low].type_word == type_word
               ? &details->type_layouts[low]
               : NULL;
}

bool snapshot_details_add_loss(SnapshotDetails *details, LossKind kind, uint64_t address,
                               uint64_t bytes, const char *why, Error *error)
{
    SnapshotLoss *grown =
        realloc(details->losses, ((size_t)details->loss_count + 1) * sizeof *grown);
    SnapshotLoss loss = {address, bytes, kind, NULL};
    uint32_t at = details->loss_count;

    if (grown != NULL)
        details->losses = grown;
    if (grown == NULL || (loss.why = strdup(why)) == NULL)
        return error_set_memory(error, sizeof loss, "the list of what is missing");
    while (at > 0 && (grown[at - 1].kind > kind ||
                      (grown[at - 1].kind == kind && grown[at - 1].address > address)))
        at--;
    memmove(&grown[at + 1], &grown[at], (details->loss_count - at) * sizeof *grown);
    grown[at] = loss;
    details->loss_count++;
    details->metadata.is_complete = false;
    return true;
}
