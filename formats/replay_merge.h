// ReplayMerge: merges the JSON Lines of all shards of one replay.
//
//     ReplayMerge merge;
//     replay_merge_init(&merge);
//     ok = replay_merge_add(&merge, "part1.jsonl", error) && ...
//          replay_merge_finish(&merge, error) && replay_merge_write(&merge, sink, error);
//     replay_merge_release(&merge);
//
// The result is, byte for byte, the output that one replay of all heaps writes.

#ifndef FORMATS_REPLAY_MERGE_H
#define FORMATS_REPLAY_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/json/json_writer.h"
#include "formats/json/replay_json.h"
#include "base/error.h"

typedef struct ReplayLine {
    char *json;       // owned, without its line feed
    char *heap;       // owned
    char *text;       // the description of a difference or error, or NULL; owned
    char *again;      // the command that reproduces it, or NULL; owned
    const char *file; // the file of the line; borrowed
    ReplayVerdict verdict;
    uint32_t exit_status;
    bool is_updated;
} ReplayLine;

typedef struct ReplayMerge {
    uint64_t count;
    uint64_t capacity;
    ReplayLine *lines; // by heap, once it is finished; owned
    char *run;         // the line about the run, with shard 1/1; owned
    uint32_t parts;
    const char **part_files; // by part, from 0: the file, or NULL; owned
} ReplayMerge;

void replay_merge_init(ReplayMerge *merge);
void replay_merge_release(ReplayMerge *merge);

// Reads a file; nothing in it is trusted. `path` must outlive the merge. Errors: system, memory,
// corrupt (with the line), usage (the file is of another run, or its shard has been added before).
NODISCARD bool replay_merge_add(ReplayMerge *merge, const char *path, Error *error);

// Errors: usage (a shard is missing, or two have the same heap).
NODISCARD bool replay_merge_finish(ReplayMerge *merge, Error *error);

// Errors: those of the sink.
NODISCARD bool replay_merge_write(const ReplayMerge *merge, JsonSink sink, Error *error);

#endif
