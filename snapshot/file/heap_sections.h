// The large sections of a snapshot, read straight from the stream to where they belong:
// page runs and page bytes, roots, foreign blocks.

#ifndef SNAPSHOT_FILE_HEAP_SECTIONS_H
#define SNAPSHOT_FILE_HEAP_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/file/byte_source.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/section_map.h"

// A table of page runs, malloc'd.
typedef struct RunTable {
    PageRun *runs;
    uint64_t count;
    uint64_t page_count; // of all runs
} RunTable;

// All functions: errors corrupt (with the offset in the stream), memory, system; `layout`
// has passed heap_layout_check().

// Reads the RUNS section and checks that pages ascend, are disjoint and each covered by a
// PAGE section. On success the caller frees table->runs.
NODISCARD bool heap_sections_read_runs(ByteSource *source, const SectionMap *map,
                                       const HeapLayout *layout, RunTable *table, Error *error);

// Reads the bytes of all pages into `builder`, which has reserved all runs. A later PAGE
// section overrides an earlier one.
NODISCARD bool heap_sections_read_pages(ByteSource *source, const SectionMap *map,
                                        const HeapLayout *layout, HeapImageBuilder *builder,
                                        Error *error);

// Where in the stream the byte at `address` comes from (the last section that has it);
// 0 when it cannot be told. For messages.
uint64_t heap_sections_find_page(ByteSource *source, const SectionMap *map,
                                 const HeapLayout *layout, uint64_t address);

// Both give what they read to `builder`. thread_count: what roots may refer to.
NODISCARD bool heap_sections_read_roots(ByteSource *source, const SectionMap *map,
                                        uint32_t thread_count, HeapImageBuilder *builder,
                                        Error *error);
NODISCARD bool heap_sections_read_blocks(ByteSource *source, const SectionMap *map,
                                         HeapImageBuilder *builder, Error *error);

// The number of entries that a table at the start of a section has room for and claims;
// 0 for an absent section.
NODISCARD bool heap_sections_table_count(ByteSource *source, const Section *section,
                                         uint64_t entry_bytes, const char *what, uint64_t *count,
                                         Error *error);

#endif
