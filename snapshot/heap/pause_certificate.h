// PauseCertificate: what a capture cost the process that was captured.
//
// Every time that one or all of its threads stood still is in it, so that the sum is what the
// program can have felt. Plain data of fixed size: it is filled while a process is copied, goes
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

typedef struct PauseCertificate {
    uint32_t stop_count; // 0: there is no certificate
    PauseStop stops[PAUSE_MAX_STOPS];
    uint32_t round_count;
    PauseRound rounds[PAUSE_MAX_ROUNDS]; // what does not fit is added to the last one
    CollectionState collection;
    // Pages that were compared with the process once all its threads stood still, and those that
    // were not what the copy held. Where all is copied from one moment, there is nothing to
    // compare.
    uint64_t compared_pages;
    uint64_t differing_pages;
    char method_note[200]; // why another method was used than was asked for; ""
} PauseCertificate;

// "unknown", "none", "running".
const char *collection_state_name(CollectionState state);

uint64_t pause_stop_ns(const PauseStop *stop);

// The longest stop; 0 without any.
uint64_t pause_certificate_worst_ns(const PauseCertificate *certificate);

// Pages copied while the process stood still, in all stops.
uint64_t pause_certificate_stopped_pages(const PauseCertificate *certificate);

// What does not fit is dropped, shortest stops first.
void pause_certificate_add_stop(PauseCertificate *certificate, const PauseStop *stop);
void pause_certificate_add_round(PauseCertificate *certificate, uint64_t page_count,
                                 uint64_t duration_ns);

#endif
