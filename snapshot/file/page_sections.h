// The sections of pages: RUNS, which lists all pages of the heap, and PAGE, which holds bytes of
// pages. Their tables of page runs are read and checked once; the bytes then go straight from the
// stream to where they belong.

#ifndef SNAPSHOT_FILE_PAGE_SECTIONS_H
#define SNAPSHOT_FILE_PAGE_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/file/byte_source.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/section_map.h"

// A table of page runs: ascending, disjoint, not empty, where addresses can be.
typedef struct RunTable {
    PageRun *runs; // owned
    uint64_t count;
    uint64_t page_count; // of all runs
    uint64_t offset;     // of the first run in the stream
} RunTable;

typedef struct PageSections {
    uint32_t page_size;
    RunTable all;     // all pages of the heap
    RunTable *tables; // of the PAGE sections, in the order of the stream; owned
    uint64_t count;
} PageSections;

// Reads the tables. Each page of RUNS is in some PAGE section, and all of those sections are as
// long as their tables say. `layout` has passed heap_layout_check().
// Errors: corrupt (with the offset in the stream), unsupported (more pages than an image holds),
// memory, system. On false there is nothing to release.
NODISCARD bool page_sections_init(PageSections *sections, ByteSource *source, const SectionMap *map,
                                  const HeapLayout *layout, Error *error);
void page_sections_release(PageSections *sections);

// Where the page bytes behind a table begin in the stream.
uint64_t run_table_bytes_offset(const RunTable *table);

// Is each page of a PAGE section in a run of RUNS? page_sections_read() checks it, too.
// Errors: corrupt.
NODISCARD bool page_sections_check_runs(const PageSections *sections, const ByteSource *source,
                                        Error *error);

// Reads the bytes of all pages into `builder`, which has reserved all runs. A later PAGE section
// overrides an earlier one. Errors: corrupt, memory, system.
NODISCARD bool page_sections_read(const PageSections *sections, ByteSource *source,
                                  HeapImageBuilder *builder, Error *error);

// Where in the stream the byte at `address` comes from: the last section that has it; 0 when none
// has. For messages.
uint64_t page_sections_find(const PageSections *sections, uint64_t address);

#endif
