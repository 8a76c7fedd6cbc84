// Looking at the pages of a snapshot without reading them into an image: are all pages of RUNS in
// some PAGE section, and do runs consist of valid pages?

#ifndef SNAPSHOT_FILE_PAGE_LOOK_H
#define SNAPSHOT_FILE_PAGE_LOOK_H

#include "snapshot/file/byte_source.h"
#include "snapshot/file/section_map.h"

// Where PAGE sections override each other, which no version of rudo-snap writes, the pages of a
// heap are remembered, so there may be at most this many.
#define PAGE_LOOK_MOST_OVERRIDDEN (UINT32_C(1) << 22)

// *pages: the page headers. Errors: corrupt (with the offset in the stream), unsupported (more
// pages than an image holds, or than above), memory, system.
NODISCARD bool page_look_run(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                             uint64_t *pages, Error *error);

#endif
