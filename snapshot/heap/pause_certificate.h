// PauseCertificate: what a capture cost the process that was captured.
//
// It lists every time that one or all of its threads stood still; their sum is the delay that the
// program can have noticed. Plain data of fixed size: it is filled while a process is copied, goes
// into the snapshot, and is shown by `info`.

#ifndef SNAPSHOT_HEAP_PAUSE_CERTIFICATE_H
#define SNAPSHOT_HEAP_PAUSE_CERTIFICATE_H

#include <stdint.h>

#define PAUSE_MAX_STOPS 8u
#define PAUSE_MAX_ROUNDS 32u

// One stop, in the order of its parts.
typedef struct PauseStop {
    char phase[16];        // why: "open", "copy", "last", "fork", "reap"; docs/format.md
    uint32_t thread_count; // that stood still
    uint64_t page_count;   // copied meanwhile
    uint64_t stopping_ns;  // first interrupt, until all stand still and their registers are read
    uint64_t working_ns;   // until the first is let go
    uint64_t resuming_ns;  // until the last is let go
} PauseStop;

// One round of copying while the process ran.
typedef struct PauseRound {
    uint64_t page_count;
    uint64_t duration_ns;
} PauseRound;

// Was the heap being collected at the moment that the snapshot shows?
typedef enum CollectionState {
    COLLECTION_UNKNOWN = 0, // the collector's flags were not found
    COLLECTION_NONE,
    COLLECTION_RUNNING,
    COLLECTION_STATE_COUNT,
} CollectionState;

// Did all that can write the memory stand still when it was copied?
typedef enum SnapshotMoment {
    MOMENT_UNKNOWN = 0, // not recorded
    MOMENT_SINGLE,
    MOMENT_NONE, // another process that shares the memory ran on
    SNAPSHOT_MOMENT_COUNT,
} SnapshotMoment;

typedef struct PauseCertificate {
    uint32_t stop_count; // 0: the certificate is empty
    PauseStop stops[PAUSE_MAX_STOPS];
    uint32_t round_count;
    PauseRound rounds[PAUSE_MAX_ROUNDS]; // further rounds are added to the last one
    CollectionState collection;
    // Pages of the copy that were compared with those of the process once all its threads stood
    // still, and those that differed. A copy of one moment is not compared.
    uint64_t compared_pages;
    uint64_t differing_pages;
    char method_note[200]; // why another method was used than was asked for; ""
    SnapshotMoment moment;
    uint32_t sharing_processes; // other processes that share the memory
    uint32_t sharing_stopped;   // of them, those that stood still with it
    char sharing_note[200];     // about them; ""
} PauseCertificate;

// "unknown", "none", "running".
const char *collection_state_name(CollectionState state);
// "unknown", "single", "none".
const char *snapshot_moment_name(SnapshotMoment moment);

uint64_t pause_stop_ns(const PauseStop *stop);

// The longest stop; 0 without any.
uint64_t pause_certificate_worst_ns(const PauseCertificate *certificate);

// Pages copied while the process stood still, in all stops.
uint64_t pause_certificate_stopped_pages(const PauseCertificate *certificate);

// When there is no room, the shortest stop is dropped, and rounds are added to the last one.
void pause_certificate_add_stop(PauseCertificate *certificate, const PauseStop *stop);
void pause_certificate_add_round(PauseCertificate *certificate, uint64_t page_count,
                                 uint64_t duration_ns);

#endif
