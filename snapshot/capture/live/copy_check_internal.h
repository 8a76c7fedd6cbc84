// Looking whether the copy of a process that has been taken while it ran is right: some pages of
// it are compared with the process while it stands still.

#ifndef SNAPSHOT_CAPTURE_LIVE_COPY_CHECK_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_COPY_CHECK_INTERNAL_H

#include <stdint.h>

#include "snapshot/capture/copy/page_selection.h"

#define COPY_CHECK_PAGES 32u

typedef struct CopyCheck {
    uint32_t chosen;
    uint64_t addresses[COPY_CHECK_PAGES];
    uint8_t copies[COPY_CHECK_PAGES][TARGET_PAGE_SIZE];
    uint8_t pages[COPY_CHECK_PAGES][TARGET_PAGE_SIZE]; // what the process has there
    uint32_t compared;                                 // out
    uint32_t differing;
} CopyCheck;

// Before the process is stopped: chooses pages of `copy` (with data) that are not in `later`, as
// `seed` says.
void copy_check_choose(CopyCheck *check, const PageSelection *copy, const PageSelection *later,
                       uint64_t seed);

// Compares those of them that are in `unchanged` with those of task `tid`.
void copy_check_run(CopyCheck *check, int tid, const PageSelection *unchanged);

#endif
