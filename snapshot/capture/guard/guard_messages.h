// The messages between rudo-snap (capture_guard.c) and its guard (guard_process.c), over a socket
// pair of kind SOCK_SEQPACKET. Each request has one reply; the reply to GUARD_RESUME is followed by
// one message for each thread, a ProcessThread and its registers. A descriptor comes as SCM_RIGHTS
// of the reply. Both sides are the same program, so the messages are plain structs.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_MESSAGES_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

typedef enum GuardRequestKind {
    GUARD_STOP = 1,       // stop all threads, and the processes that share their memory
    GUARD_RESUME,         // resume them
    GUARD_FORK,           // while they are stopped: fork the process; `tid` is the child's pid
    GUARD_END_FORK,       // remove that child
    GUARD_OPEN_USERFAULT, // have it open a userfaultfd, which comes with the reply
} GuardRequestKind;

typedef struct GuardRequest {
    GuardRequestKind kind;
    bool will_fork;    // GUARD_STOP: GUARD_FORK comes next
    bool only_sharers; // GUARD_STOP: the target stands still already
    uint64_t limit_ns; // after which the guard resumes the threads by itself; 0: never
} GuardRequest;

// The moments of one stop of the target, CLOCK_MONOTONIC; 0: it did not come to that.
typedef struct GuardTimes {
    uint64_t interrupted_at_ns; // first interrupt
    uint64_t stopped_at_ns;     // all threads are stopped
    uint64_t resuming_at_ns;    // first detach
    uint64_t resumed_at_ns;     // last detach
    uint64_t captured_at_ns;    // CLOCK_REALTIME, first interrupt
} GuardTimes;

// The processes that share the memory of the target.
typedef struct GuardSharing {
    bool is_known; // they were looked for
    bool has_more; // than were counted
    uint32_t process_count;
    uint32_t stopped_count; // of them, those that stand still with the target
    char note[200];         // about them; ""
} GuardSharing;

typedef struct GuardReply {
    bool is_ok;
    bool is_over; // the guard resumed the threads before it was asked to
    int32_t tid;  // a stopped thread, through which the memory can be read
    uint32_t thread_count;
    GuardTimes times;
    GuardSharing sharing; // GUARD_STOP
    Error error;          // when not ok
} GuardReply;

// Room for the descriptor of a reply.
typedef union GuardRights {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
} GuardRights;

#endif
