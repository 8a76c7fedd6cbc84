// Scanning: from claimed objects to the references in them.

#ifndef MARKER_MARK_SCAN_H
#define MARKER_MARK_SCAN_H

#include <stdint.h>

#include "marker/mark_worker.h"

// Puts an item into the worker's pipe, which must have room, and begins to fetch what it will
// be scanned for.
void mark_scan_enter(MarkWorker *worker, const uint64_t *items, uint32_t count);

// Scans up to `count` of the oldest items in the pipe, but stops when they hold very many words.
// References go to worker->regions, other words to worker->direct. The rest of a long span
// goes back to the stack.
void mark_scan_oldest(MarkWorker *worker, uint32_t count);

#endif
