// SnapshotDetails: see snapshot/snapshot_details.h.

#include "snapshot/snapshot_details.h"

#include <stdlib.h>

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
