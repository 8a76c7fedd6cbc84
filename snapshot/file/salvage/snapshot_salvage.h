// Salvaging a damaged snapshot: its whole parts become a new snapshot, which lists the lost ones.

#ifndef SNAPSHOT_FILE_SALVAGE_SNAPSHOT_SALVAGE_H
#define SNAPSHOT_FILE_SALVAGE_SNAPSHOT_SALVAGE_H

#include "snapshot/file/snapshot_file.h"

// The result, for the user.
typedef struct SnapshotSalvage {
    uint32_t frames;       // that were found
    uint32_t whole_frames; // of them
    uint64_t kept_pages;   // pages of the layout's size
    uint64_t lost_pages;   // likewise
    uint64_t kept_roots;
    uint64_t kept_blocks;
    bool is_complete; // without a loss
} SnapshotSalvage;

// Writes the whole parts of the snapshot at `path` to `out`. Kept are the frames whose checksums
// are right, wherever they are in the file; of them the pages with valid headers (a large object
// only with all its pages), and each root, block and table without holes. Everything else is listed
// as lost. Errors: as snapshot_read() and snapshot_write(); corrupt also when there is nothing to
// salvage. A file that decompresses to more than `max_stream_bytes` is refused, since twice as much
// is in memory; 0: this machine's memory.
NODISCARD bool snapshot_salvage(const char *path, const char *out, bool replaces,
                                uint64_t max_stream_bytes, SnapshotSalvage *found, Error *error);

#endif
