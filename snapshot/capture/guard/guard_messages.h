// What rudo-snap and its guard say to each other, over a socket pair of kind SOCK_SEQPACKET: a
// request, one reply; behind the reply to GUARD_RESUME a message for each thread, a ProcessThread
// and its registers. A descriptor comes as SCM_RIGHTS of the reply. Both sides are the same
// program, so these are plain structs.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_MESSAGES_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

typedef enum GuardRequestKind {
    GUARD_STOP = 1, // stop all threads, and keep them so
    GUARD_RESUME,   // let them go
    GUARD_FORK,     // while they are stopped: make a copy of the process, with its pid as `tid`
    GUARD_END_FORK, // remove that copy
    GUARD_OPEN_USERFAULT, // make it open a userfaultfd, which comes with the reply
} GuardRequestKind;

typedef struct GuardRequest {
    GuardRequestKind kind;
    bool will_fork;    // GUARD_STOP: GUARD_FORK comes next
    uint64_t limit_ns; // the guard lets go by itself when a stop has lasted so long; 0: never
} GuardRequest;

// Moments of one stop of the target, CLOCK_MONOTONIC.
typedef struct GuardTimes {
    uint64_t interrupted_at_ns; // first interrupt
    uint64_t stopped_at_ns;     // every thread stands still
    uint64_t resuming_at_ns;    // first detach
    uint64_t resumed_at_ns;     // last detach
    uint64_t captured_at_ns;    // CLOCK_REALTIME, first interrupt
} GuardTimes;

typedef struct GuardReply {
    bool is_ok;
    bool is_over; // the target was let go before it was asked for
    int32_t tid;  // a stopped thread, to ask about the memory
    uint32_t thread_count;
    GuardTimes times;
    Error error; // when not ok
} GuardReply;

// Room for the descriptor of a reply.
typedef union GuardRights {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
} GuardRights;

#endif
