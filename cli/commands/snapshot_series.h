// The numbered snapshots of one program: heap.0001.zst, heap.0002.zst, ... A series continues
// behind the highest number that is there, so a service that is started again loses none of its
// heaps.

#ifndef CLI_COMMANDS_SNAPSHOT_SERIES_H
#define CLI_COMMANDS_SNAPSHOT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// "heap.zst", 3 -> "heap.0003.zst"; "heap", 3 -> "heap.0003". False: it is too long.
bool series_path(const char *path, uint32_t number, char *out, size_t size);

// The highest number of the files of this series; 0: there are none. Errors: system (the folder
// cannot be read).
NODISCARD bool series_last(const char *path, uint32_t *last, Error *error);

#endif
