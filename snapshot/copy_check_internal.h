// Looking whether the copy of a process that has been taken while it ran is right: some pages of
// it are compared with the process while it stands still.

#ifndef SNAPSHOT_COPY_CHECK_INTERNAL_H
#define SNAPSHOT_COPY_CHECK_INTERNAL_H

#include <stdint.h>

#include "snapshot/page_selection_internal.h"

#define COPY_CHECK_PAGES 32u

// Room that is made before the process is stopped; zeroed is fine.
typedef struct CopyCheck {
    uint64_t addresses[COPY_CHECK_PAGES];
    const uint8_t *copies[COPY_CHECK_PAGES];
    uint8_t pages[COPY_CHECK_PAGES][TARGET_PAGE_SIZE];
    uint32_t compared; // out
    uint32_t differing;
} CopyCheck;

// Compares pages of `copy` (with data) that are in `unchanged` with those of task `tid`; `seed`
// chooses which.
void copy_check_run(CopyCheck *check, int tid, const PageSelection *copy,
                    const PageSelection *unchanged, uint64_t seed);

#endif
