// Salvaging a damaged snapshot: what is whole in it becomes a snapshot that is whole, and says what
// is missing.

#ifndef SNAPSHOT_FILE_SALVAGE_SNAPSHOT_SALVAGE_H
#define SNAPSHOT_FILE_SALVAGE_SNAPSHOT_SALVAGE_H

#include "snapshot/file/snapshot_file.h"

// What was found, for the user.
typedef struct SnapshotSalvage {
    uint32_t frames;       // that are known of
    uint32_t whole_frames; // of them
    uint64_t kept_pages;   // pages of the layout's size
    uint64_t lost_pages;   // that the snapshot should have beside them
    uint64_t kept_roots;
    uint64_t kept_blocks;
    bool is_complete; // nothing was missing
} SnapshotSalvage;

// Writes what is whole in the snapshot at `path` to `out`. Frames are kept whose checksums are
// right, wherever they are in the file; of them the pages with valid headers (a large object only
// with all its pages), and each root, block and table that is there as a whole. All else is
// listed as lost. Errors: as snapshot_read() and snapshot_write(); corrupt also when there is
// nothing to salvage.
NODISCARD bool snapshot_salvage(const char *path, const char *out, bool replaces,
                                SnapshotSalvage *found, Error *error);

#endif
