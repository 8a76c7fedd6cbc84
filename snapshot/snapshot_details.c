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

void snapshot_details_free(SnapshotDetails *details)
{
    if (details == NULL)
        return;
    for (uint32_t i = 0; i < details->module_count; i++) {
        free(details->modules[i].name);
        free(details->modules[i].build_id);
    }
    for (uint32_t i = 0; i < details->type_count; i++) {
        for (uint32_t s = 0; s < details->types[i].symbol_count; s++)
            free(details->types[i].symbols[s]);
        free(details->types[i].symbols);
    }
    for (uint32_t i = 0; i < details->mapping_count; i++)
        free(details->mappings[i].name);
    free(details->threads);
    free(details->modules);
    free(details->types);
    free(details->mappings);
    free(details);
}

const SnapshotType *snapshot_details_find_type(const SnapshotDetails *details, uint64_t type_word)
{
    uint32_t low = 0, high = details->type_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (details->types[middle].type_word < type_word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < details->type_count && details->types[low].type_word == type_word
               ? &details->types[low]
               : NULL;
}
