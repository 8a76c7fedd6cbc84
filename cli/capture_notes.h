// The origin of a snapshot and its limits, as several commands print them.

#ifndef CLI_CAPTURE_NOTES_H
#define CLI_CAPTURE_NOTES_H

#include <stdio.h>

#include "snapshot/heap/snapshot_details.h"

// Does it come from a core file, so that no process was stopped for it?
bool capture_is_from_core(const SnapshotMetadata *metadata);

// "shop (pid 4242), captured 2026-11-22 14:03:11 UTC, stopped 1.2 ms", without a line feed.
void print_capture(FILE *stream, const SnapshotMetadata *metadata);

// A warning with likely reasons where objects have fewer references than their own counts say:
// the layout of the heap is wrong, or memory was not searched. Nothing where all were found.
// references_overlooked: as in SnapshotMetadata.
void print_layout_warning(FILE *stream, uint64_t references_overlooked, const char *layout);

// A warning where more than 5 % of the private memory outside of GC pages, and 128 KiB or more, was
// taken as roots.
void print_root_warning(FILE *stream, const SnapshotMetadata *metadata);

// A "note: ..." line for each limit of the results: foreign blocks that could not be traced, names
// and parts that are missing, pages that are not valid. names_were_explained: the reasons of
// missing names stand above already.
void print_capture_notes(FILE *stream, const SnapshotMetadata *metadata, bool names_were_explained);

// The cost of the capture for the program: a line for each stop and each round of copying.
void print_pause_certificate(FILE *stream, const PauseCertificate *certificate);

// ---- the order of two snapshots of which one is taken for the older ----

// A snapshot, as far as its capture tells it from others. All borrowed.
typedef struct OrderedCapture {
    const char *path;
    uint32_t pid;
    int64_t captured_at_ns; // 0: not known
    const char *digest;     // of its marked objects
} OrderedCapture;

// Prints a note where `older` was captured after `newer`, or is the same snapshot.
void print_capture_order(const OrderedCapture *older, const OrderedCapture *newer);

#endif
