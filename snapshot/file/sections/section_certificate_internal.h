// The pause certificate as members of the metadata.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_CERTIFICATE_INTERNAL_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_CERTIFICATE_INTERNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json_object.h"
#include "snapshot/heap/pause_certificate.h"

// Adds nothing for an empty certificate. False when memory is short.
NODISCARD bool section_add_certificate(JsonObject *metadata, const PauseCertificate *certificate);

// Returns the name of a member that is not valid, or NULL. Absent members are 0.
const char *section_get_certificate(const JsonObject *metadata, PauseCertificate *out);

#endif
