// LeakFindings: all leak suspects of a heap, each with the fingerprint by which it is known again
// (route_fingerprint()).

#ifndef ANALYSIS_CHECK_LEAK_FINDINGS_H
#define ANALYSIS_CHECK_LEAK_FINDINGS_H

#include "analysis/heap_report.h"
#include "analysis/routes/route_label.h"

typedef struct LeakFinding {
    const LeakSuspect *suspect; // of LeakFindings.suspects
    char *path;                 // route_label(); "" where roots refer to the objects; owned
    const char *type;           // borrowed
    char fingerprint[ROUTE_FINGERPRINT_CHARS];
    uint64_t example; // the address of an object
    bool is_known;    // the user has listed it
} LeakFinding;

// A zeroed struct may be released.
typedef struct LeakFindings {
    uint32_t count;
    LeakFinding findings[MOST_SUSPECTS];
    LeakSuspects suspects;
} LeakFindings;

// All suspects of a report that has routes, and not only those that it shows. Errors: memory.
// Released by leak_findings_release() in any case.
NODISCARD bool leak_findings_make(const HeapReport *report, LeakFindings *out, Error *error);
void leak_findings_release(LeakFindings *findings);

#endif
