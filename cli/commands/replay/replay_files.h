// The snapshots that `replay` marks, and the paths of their goldens.

#ifndef CLI_COMMANDS_REPLAY_REPLAY_FILES_H
#define CLI_COMMANDS_REPLAY_REPLAY_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ReplayFile {
    char *path;     // to open and to show: "heaps/old/cart.zst"; owned
    char *relative; // to the folder of the operand: "old/cart.zst"; owned
    char *golden;   // "heaps/golden/old/cart.golden", or NULL; owned
} ReplayFile;

typedef struct ReplayFiles {
    uint64_t count;
    uint64_t capacity;
    ReplayFile *files;    // by `path`; owned
    bool has_named_files; // some were given by name, not by folder
} ReplayFiles;

// The endings of goldens: by the rule of the program, and by rule precise/1.
#define GOLDEN_ENDING ".golden"
#define GOLDEN_ENDING_PRECISE ".precise.golden"

// Where goldens are. A zeroed struct: nowhere.
typedef struct GoldenPlace {
    const char *folder; // NULL: there are none
    bool is_precise;    // those of rule precise/1
} GoldenPlace;

// All files in `paths`, and all files *.zst in and below the folders in `paths`; hidden files are
// skipped, links to folders are not followed. On
// success the caller frees `*out` with replay_files_release(). Errors: system, memory, usage (a
// folder without snapshots; two files with one golden).
NODISCARD bool replay_files_collect(char *const *paths, int path_count, GoldenPlace golden,
                                    ReplayFiles *out, Error *error);
void replay_files_release(ReplayFiles *files);

// Keeps the files of shard `shard` of `shards`, counted from 1. A hash of `relative` chooses the
// shard of a file, so that it depends neither on the machine nor on the other files.
void replay_files_keep_shard(ReplayFiles *files, uint32_t shard, uint32_t shards);

// Collects the goldens in and below the place, which has a folder, that belong to none of `files`;
// each is the `path` of a file in `*out`. Errors: system, memory.
NODISCARD bool replay_files_find_orphans(const ReplayFiles *files, GoldenPlace golden,
                                         ReplayFiles *out, Error *error);

#endif
