// The details of a redacted snapshot: see snapshot/file/sections/sections.h.

#include "snapshot/file/sections/sections.h"

#include <stdio.h>

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

static void redact_metadata(SnapshotMetadata *out, const SnapshotDetails *details)
{
    const SnapshotMetadata *metadata = &details->metadata;
    const char *name = redaction_hides_executable(details) ? REDACTED_PROGRAM
                                                           : without_folders(metadata->executable);

    // Its members are numbers, choices, and texts of rudo-snap.
    *out = *metadata;
    // It quotes memory that only looks like a page header.
    out->rejected_note[0] = '\0';
    cut_names(out->shared_note);
    out->is_redacted = true;
    (void)snprintf(out->executable, sizeof out->executable, "%s", name);
    redact_note(details, out->foreign_note);
    redact_note(details, out->missing);
    redact_note(details, out->names_note);
    redact_note(details, out->names_reasons);
    redact_note(details, out->certificate.method_note);
    redact_note(details, out->certificate.sharing_note);
}

bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out, Error *error)
{
    SnapshotDetails *copy = snapshot_details_new();
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    *out = NULL;
    if (copy == NULL)
        return error_set_memory(error, sizeof *copy, "a redacted snapshot");
    redact_metadata(&copy->metadata, details);
    copy->machine = details->machine;
    for (size_t i = 0; i < count; i++)
        if (kinds[i].table != NULL && !section_table_redact(kinds[i].table, details, copy, error)) {
            snapshot_details_free(copy);
            return false;
        }
    *out = copy;
    return true;
}
