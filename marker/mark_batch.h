// A batch of work: scan some claimed objects, then visit what they refer to.
//
// An object costs two random accesses, its payload and its mark word, and each has a fetch that
// began long before: payloads while the object waits in the pipe, mark words while the rest of
// the batch is scanned.

#ifndef MARKER_MARK_BATCH_H
#define MARKER_MARK_BATCH_H

#include <stdint.h>

#include "marker/mark_worker.h"

// Runs batches while the stack, the pipe or the incoming references hold work, at most `limit` of
// them, and returns their number. In MARK_OWNED one call is one batch. Stops early when the stack
// is empty or needs room. A batch pushes at most BATCH_PUSHES items on the stack.
uint32_t mark_batches(MarkWorker *worker, uint32_t limit);

#endif
