// What the codec files of this folder offer each other: the tables for the rows of sections.c, and
// the pause certificate for the metadata.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_CODECS_INTERNAL_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_CODECS_INTERNAL_H

#include "base/json_object.h"
#include "snapshot/file/sections/section_table.h"
#include "snapshot/heap/pause_certificate.h"

extern const SectionTable section_threads;
extern const SectionTable section_modules;
extern const SectionTable section_types;
extern const SectionTable section_drops;
extern const SectionTable section_frames;
extern const SectionTable section_places;
extern const SectionTable section_variables;
extern const SectionTable section_mappings;
extern const SectionTable section_root_names;
extern const SectionTable section_type_layouts;
extern const SectionTable section_data_types;
extern const SectionTable section_losses;
extern const SectionTable section_sized_blocks;
extern const SectionTable section_pages;
extern const SectionTable section_object_types;

// The pause certificate as members of the metadata. Adds nothing for an empty certificate. False
// when memory is short.
NODISCARD bool section_add_certificate(JsonObject *metadata, const PauseCertificate *certificate);
// Returns the name of a member that is not valid, or NULL. Absent members are 0.
const char *section_get_certificate(const JsonObject *metadata, PauseCertificate *out);

#endif
