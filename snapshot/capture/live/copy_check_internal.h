// CopyCheck: some pages of a copy that was taken while the process ran, compared with the process
// while it is stopped. It finds writes that the write tracking has missed.

#ifndef SNAPSHOT_CAPTURE_LIVE_COPY_CHECK_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_COPY_CHECK_INTERNAL_H

#include <stdint.h>

#include "snapshot/capture/copy/page_selection.h"

#define COPY_CHECK_PAGES 32u

typedef struct CopyCheck {
    uint32_t chosen;
    uint64_t addresses[COPY_CHECK_PAGES];
    uint8_t copies[COPY_CHECK_PAGES][PAGE_BYTES];
    uint8_t pages[COPY_CHECK_PAGES][PAGE_BYTES]; // the memory of the process
    uint32_t compared;                           // out
    uint32_t differing;
} CopyCheck;

// To be called before the process is stopped. Chooses random pages of `copy` (with data) that are
// not in `later`; `seed` determines them.
void copy_check_choose(CopyCheck *check, const PageSelection *copy, const PageSelection *later,
                       uint64_t seed);

// Compares the chosen pages that are in `unchanged` with the memory of task `tid`.
void copy_check_run(CopyCheck *check, int tid, const PageSelection *unchanged);

#endif
