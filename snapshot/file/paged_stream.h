// PagedStream: the bytes of a heap's pages, read from an open snapshot again and again, as a
// HeapPageSource of a heap that is not resident as a whole (snapshot/heap/heap_pager.h).

#ifndef SNAPSHOT_FILE_PAGED_STREAM_H
#define SNAPSHOT_FILE_PAGED_STREAM_H

#include "snapshot/file/byte_source.h"
#include "snapshot/file/page_sections.h"
#include "snapshot/heap/heap_pager.h"

// Makes a source of the pages of `sections->all`, one run behind the other, each page as the last
// section has it. `reader` is consumed by the source on success; where it is NULL, the stream lies
// in memory, which must outlive the source. Errors: memory.
NODISCARD bool paged_stream_new(const PageSections *sections, const ByteSource *source,
                                SeekableReader *reader, HeapPageSource *out, Error *error);

#endif
