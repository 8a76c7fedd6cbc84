// What several commands say about where a snapshot comes from.

#ifndef CLI_CAPTURE_NOTES_H
#define CLI_CAPTURE_NOTES_H

#include <stdio.h>

#include "snapshot/heap/snapshot_details.h"

// Does it come from a core file, for which nobody was stopped?
bool capture_is_from_core(const SnapshotMetadata *metadata);

// "shop (pid 4242), captured 2026-11-22 14:03:11 UTC, stopped 1.2 ms", without a line feed.
void print_capture(FILE *stream, const SnapshotMetadata *metadata);

// A "note: ..." line for each thing that makes results differ from what was asked for: foreign
// blocks that could not be traced, parts that are missing.
void print_capture_notes(FILE *stream, const SnapshotMetadata *metadata);

// What the capture cost the program: a line for each stop and each round of copying.
void print_pause_certificate(FILE *stream, const PauseCertificate *certificate);

// The lines about malloc'd memory that was not treated as asked for; nothing when it was.
void print_foreign_note(FILE *stream, ForeignMode requested, ForeignMode mode, const char *why);

// A line for each kind of names that could not all be found out; nothing when they were.
void print_names_note(FILE *stream, const char *note);

#endif
