// CaptureTurn: captures of one process take turns.
//
// A turn is a lock (flock) of /proc/PID/fd, which only those can open who may trace the process: so
// no other user can keep captures waiting. It ends with the last descriptor of this process, also
// when this process is killed. Captures that see different mounts of /proc (a container's and the
// host's) do not share the lock; precopy notices the other one all the same, since it tracks
// writes (write_tracking_internal.h), and a guard that holds the process is its tracer.

#ifndef SNAPSHOT_CAPTURE_LIVE_CAPTURE_TURN_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_CAPTURE_TURN_INTERNAL_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"

// How long a capture waits for others.
#define CAPTURE_TURN_PATIENCE_NS (120 * UINT64_C(1000000000))

typedef struct CaptureTurn {
    int lock; // -1: none
} CaptureTurn;

// Waits until no other capture copies the process, for at most `patience_ns`. Where the lock cannot
// be opened, there is none, and a later step explains why. `cancel` may be NULL.
// Errors: system (the others take longer), interrupted.
NODISCARD bool capture_turn_take(CaptureTurn *turn, int pid, uint64_t patience_ns,
                                 const Cancel *cancel, Error *error);

// Lets the next one copy it. May be called twice, and after a failure.
void capture_turn_give(CaptureTurn *turn);

#endif
