// Shared by the parts of salvage: snapshot_salvage.c, salvage_stream.c, salvage_pages.c,
// salvage_tables.c.

#ifndef SNAPSHOT_FILE_SALVAGE_SALVAGE_INTERNAL_H
#define SNAPSHOT_FILE_SALVAGE_SALVAGE_INTERNAL_H

#include "snapshot/file/frames/seekable_reader.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/salvage/snapshot_salvage.h"

// A section whose header is whole; its body may have holes, and reach beyond the stream.
typedef struct SalvageSection {
    uint32_t type;
    uint64_t offset; // of the body
    uint64_t length;
} SalvageSection;

// The decompressed stream of a damaged file.
typedef struct SalvageStream {
    uint8_t *bytes; // owned mapping; zero in the holes
    uint64_t length;
    StreamPart *parts; // the stretches without holes; owned
    uint64_t part_count;
    uint32_t flags; // of the stream header
    // Those that are known, in the order of the stream: of each kind the first, and all PAGE
    // sections that hold pages. Owned.
    SalvageSection *sections;
    uint64_t section_count;
    uint64_t section_capacity;
    uint64_t firsts[SECTION_KINDS_MAX]; // by kind: the number of the first section, plus 1; or 0
    uint32_t last_type;                 // of the last section whose header is whole
    bool has_end;                       // the last section was reached, so there are no others
} SalvageStream;

// Reads all whole frames. Errors: corrupt (the header of the stream is lost), unsupported (an
// unknown section is needed), memory, system.
NODISCARD bool salvage_stream_init(SalvageStream *stream, SeekableReader *reader,
                                   uint32_t *whole_frames, Error *error);
void salvage_stream_release(SalvageStream *stream);

// Is [offset, offset + length) without holes?
bool salvage_stream_has(const SalvageStream *stream, uint64_t offset, uint64_t length);

// The first section of this known type, or NULL.
const SalvageSection *salvage_stream_find(const SalvageStream *stream, uint32_t type);

// The number of entries of the table at the start of a section, at most as many as fit into the
// section; false: the number is lost.
bool salvage_stream_count(const SalvageStream *stream, const SalvageSection *section,
                          uint64_t entry_bytes, uint64_t *count);

// The contents of the new snapshot.
typedef struct Salvage {
    const char *path;
    SalvageStream stream;
    SnapshotContents contents; // borrows from what follows
    SnapshotDetails *details;  // owned
    uint64_t decoded;          // bit per number of a kind: its table was decoded, and is possible
    SnapshotPages *runs;       // owned
    PageRecords records;       // of all runs
    uint8_t *arena;            // bytes of the pages; owned mapping
    uint64_t arena_bytes;
    Root *roots;           // owned
    SnapshotBlock *blocks; // owned
    SnapshotSalvage *found;
} Salvage;

// Errors of all: memory, corrupt (nothing to salvage).
NODISCARD bool salvage_pages(Salvage *salvage, Error *error);
NODISCARD bool salvage_names(Salvage *salvage, Error *error);
NODISCARD bool salvage_roots(Salvage *salvage, Error *error);
NODISCARD bool salvage_blocks(Salvage *salvage, Error *error);

#endif
