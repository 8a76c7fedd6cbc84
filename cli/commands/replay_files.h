// The snapshots that `replay` is to look at, and where their goldens are.

#ifndef CLI_COMMANDS_REPLAY_FILES_H
#define CLI_COMMANDS_REPLAY_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ReplayFile {
    char *path;     // as it is opened and shown: "heaps/old/cart.zst"; owned
    char *relative; // below the folder that was given: "old/cart.zst"; owned
    char *golden;   // "heaps/golden/old/cart.golden", or NULL; owned
} ReplayFile;

typedef struct ReplayFiles {
    uint64_t count;
    uint64_t capacity;
    ReplayFile *files;    // by `path`; owned
    bool has_named_files; // some were given by name, not by folder
} ReplayFiles;

// All files that are named in `paths`, and all named *.zst in folders that are (and in folders in
// them; hidden ones are left out, links to folders are not followed). `golden` may be NULL: the
// folder of the goldens. On success the caller frees with replay_files_release(). Errors: system,
// memory, usage (a folder without any; two files with one golden).
NODISCARD bool replay_files_collect(char *const *paths, int path_count, const char *golden,
                                    ReplayFiles *out, Error *error);
void replay_files_release(ReplayFiles *files);

// Keeps the files of part `part` of `parts` (from 1), which a hash of `relative` puts there: the
// same on every machine, and whatever other files there are.
void replay_files_keep_part(ReplayFiles *files, uint32_t part, uint32_t parts);

// Goldens below `golden` that belong to none of the files go to `out->files`, as `path`. Errors:
// system, memory.
NODISCARD bool replay_files_find_orphans(const ReplayFiles *files, const char *golden,
                                         ReplayFiles *out, Error *error);

#endif
