// The tables that the codec files of this folder define, for the rows of sections.c.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_CODECS_INTERNAL_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_CODECS_INTERNAL_H

#include "snapshot/file/sections/section_table.h"

extern const SectionTable section_threads;
extern const SectionTable section_modules;
extern const SectionTable section_types;
extern const SectionTable section_drops;
extern const SectionTable section_frames;
extern const SectionTable section_variables;
extern const SectionTable section_mappings;
extern const SectionTable section_root_names;
extern const SectionTable section_type_layouts;
extern const SectionTable section_losses;

#endif
