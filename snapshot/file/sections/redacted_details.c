// The details of a redacted snapshot: see snapshot/file/sections/sections.h.

#include "snapshot/file/sections/sections.h"

#include <string.h>

#include "snapshot/file/sections/section_fields_internal.h"

// Cuts each line at its colon, behind which the name of a file stands.
static void cut_names(char *lines)
{
    char *to = lines;
    bool is_name = false;

    for (const char *from = lines; *from != '\0'; from++) {
        is_name = *from != '\n' && (is_name || *from == ':');
        if (!is_name)
            *to++ = *from;
    }
    *to = '\0';
}

static void redact_metadata(SnapshotMetadata *out, const SnapshotMetadata *metadata)
{
    const char *name;

    // Its members are numbers, choices, and texts of rudo-snap.
    *out = *metadata;
    // It quotes memory that only looks like a page header.
    out->rejected_note[0] = '\0';
    cut_names(out->shared_note);
    out->is_redacted = true;
    name = without_folders(out->executable);
    memmove(out->executable, name, strlen(name) + 1);
    redact_paths(out->foreign_note);
    redact_paths(out->missing);
    redact_paths(out->names_note);
    redact_paths(out->names_reasons);
}

bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out, Error *error)
{
    SnapshotDetails *copy = snapshot_details_new();
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    *out = NULL;
    if (copy == NULL)
        return error_set_memory(error, sizeof *copy, "a redacted snapshot");
    redact_metadata(&copy->metadata, &details->metadata);
    for (size_t i = 0; i < count; i++)
        if (kinds[i].table != NULL && !section_table_redact(kinds[i].table, details, copy, error)) {
            snapshot_details_free(copy);
            return false;
        }
    *out = copy;
    return true;
}
