// PageSelection: the pages of a process that have content: private writable memory that was ever
// touched, and shared memory that the process has touched.

#ifndef SNAPSHOT_CAPTURE_COPY_PAGE_SELECTION_H
#define SNAPSHOT_CAPTURE_COPY_PAGE_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"

// Ranges, ascending and disjoint, neighbours joined (page_sets.h); without data until they are
// copied.
typedef struct PageSelection {
    ProcessRange *ranges; // owned
    uint64_t count;
    uint64_t capacity;
    uint64_t bytes; // of all ranges
} PageSelection;

// The process whose pages are selected.
typedef struct PageSource {
    int pid;
    int tid; // a task of the process that has its memory
    const ProcessMapping *mappings;
    uint32_t mapping_count;
} PageSource;

// Reads the mappings of task `tid` of process `pid` into `copy`, in place of those that it has, and
// makes them the source; and how much memory is resident, unless `pid` is a copy of the process.
// Errors: system, memory.
NODISCARD bool page_source_read(PageSource *source, int pid, int tid, ProcessCopy *copy,
                                Error *error);

// Selects, in the private writable mappings:
// - of anonymous memory the pages that are present or swapped out and are not the zero page.
//   Reading an untouched page would make the kernel map the zero page into the target.
// - of mapped files (.data) all pages: those that were not touched have the content of the file.
// And in shared memory (ProcessMapping.is_shared_memory) the pages that are present in this
// process. The earlier ranges of `out` are dropped, its capacity stays. Errors: system, memory,
// interrupted.
NODISCARD bool page_selection_fill(PageSelection *out, const PageSource *source,
                                   const Cancel *cancel, Error *error);

// The same for private or shared memory alone.
NODISCARD bool page_selection_fill_private(PageSelection *out, const PageSource *source,
                                           const Cancel *cancel, Error *error);
NODISCARD bool page_selection_fill_shared(PageSelection *out, const PageSource *source,
                                          const Cancel *cancel, Error *error);

// Is the mapping private writable memory of the program (not of a device)?
bool page_selection_includes(const ProcessMapping *mapping);

// Do untouched pages of the mapping have content, that of a file?
bool page_selection_has_file_content(const ProcessMapping *mapping);

void page_selection_release(PageSelection *selection);

#endif
