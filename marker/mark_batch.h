// A batch of work of a worker that may claim every object (MARK_ALONE, MARK_SHARED): scan some
// objects, then visit what they refer to.
//
// An object costs two random accesses, its payload and its mark word, and each has a fetch that
// began long before: payloads while the object waits in the pipe, mark words while the rest of
// the batch is scanned. (In MARK_OWNED references are sent around first: see mark_scan.h.)

#ifndef MARKER_MARK_BATCH_H
#define MARKER_MARK_BATCH_H

#include <stdbool.h>

#include "marker/mark_worker.h"

// Pushes at most BATCH_WORDS items on the stack, which needs room for them. False: stack and pipe
// are empty.
bool mark_batch(MarkWorker *worker);

#endif
