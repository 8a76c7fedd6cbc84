// The sections of roots and of foreign blocks, read straight from the stream to where they belong.

#ifndef SNAPSHOT_FILE_HEAP_SECTIONS_H
#define SNAPSHOT_FILE_HEAP_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/file/byte_source.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/section_map.h"

// All functions: errors corrupt (with the offset in the stream), memory, system.

// Both read and check a section, and give it to `builder`. thread_count: of the threads that roots
// may refer to.
NODISCARD bool heap_sections_read_roots(ByteSource *source, const SectionMap *map,
                                        uint32_t thread_count, HeapImageBuilder *builder,
                                        Error *error);
NODISCARD bool heap_sections_read_blocks(ByteSource *source, const SectionMap *map,
                                         HeapImageBuilder *builder, Error *error);

// Is it a root of a known kind, whose thread is there?
bool heap_sections_is_possible_root(const Root *root, uint32_t thread_count);

// Checks block `number` of the section against those before it, and adds it to them.
// *previous_end, *bytes: where the one before ends, and the bytes of all so far, each rounded up.
NODISCARD bool heap_sections_add_block(const ByteSource *source, const Section *section,
                                       uint64_t number, uint64_t address, uint64_t length,
                                       uint64_t *previous_end, uint64_t *bytes, Error *error);

// The number of entries that a table at the start of a section has room for and claims;
// 0 for an absent section.
NODISCARD bool heap_sections_table_count(ByteSource *source, const Section *section,
                                         uint64_t entry_bytes, const char *what, uint64_t *count,
                                         Error *error);

#endif
