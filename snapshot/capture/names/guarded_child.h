// GuardedChild: work on untrusted input, in a process of its own.
//
// Libraries that read executables and debug information were not written against hostile files:
// they may crash on one, never end, or take all memory. A capture must not fail for the names that
// they find. So a child made with fork() does the work: it sees our memory as it was, has limits on
// time, memory and output, and takes no signals. What it wrote before it failed is kept.
//
//     static void work(void *context, GuardedChild *child)
//     {
//         ... guarded_child_write(child, buffer.bytes, buffer.length);
//     }
//     guarded_child_run(&(GuardedWork){work, context, ...}, &output, &end, error)

#ifndef SNAPSHOT_CAPTURE_NAMES_GUARDED_CHILD_H
#define SNAPSHOT_CAPTURE_NAMES_GUARDED_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/byte_buffer.h"
#include "base/error.h"

typedef struct GuardedChild GuardedChild;

// Called in the child: appends to its output. False when the limit is reached; the work may as well
// end then.
bool guarded_child_write(GuardedChild *child, const void *bytes, size_t length);

typedef struct GuardedWork {
    void (*run)(void *context, GuardedChild *child); // in the child
    void *context;
    // The folder in which files are opened that libraries open by themselves (guarded_opens.h):
    // "/proc/4242/root". NULL: nothing is known about them.
    const char *root;
    uint32_t cpu_seconds;  // of the child
    uint32_t wall_seconds; // on a machine that is busy with something else
    uint64_t memory_bytes; // beyond what we have now
    uint64_t output_bytes;
    Cancel cancel;
} GuardedWork;

typedef enum GuardedEnd {
    GUARDED_DONE,        // the work came to its end
    GUARDED_NOT_STARTED, // no child could be made
    GUARDED_FAILED,      // it crashed, or ran out of memory or output
    GUARDED_TOO_LONG,    // it ran out of time
} GuardedEnd;

// "" for GUARDED_DONE; else the reason, to be put behind "names were left out: ".
const char *guarded_end_text(GuardedEnd end);

// Runs the work and waits for it. `output` (empty; the caller releases it) gets what the child
// wrote, whatever its end: it comes from a process that may have gone wrong, so it is not to be
// trusted. Errors: memory, interrupted. A child that fails is not an error.
NODISCARD bool guarded_child_run(const GuardedWork *work, ByteBuffer *output, GuardedEnd *end,
                                 Error *error);

#endif
