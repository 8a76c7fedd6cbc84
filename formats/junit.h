// JUnit XML: results that continuous integration shows, a test case each.
//
// The elements are those that Jenkins, GitLab and the GitHub actions read, with all attributes and
// elements that the stricter of the published schemas demand (time, timestamp, hostname, package,
// properties, system-out). Documents are the same bytes whenever the same is found: no time is
// measured, so `time` is 0, and the host is called localhost.

#ifndef FORMATS_JUNIT_H
#define FORMATS_JUNIT_H

#include <stdint.h>

#include "formats/json/json_writer.h"
#include "base/error.h"

typedef enum JUnitOutcome {
    JUNIT_PASSED,
    JUNIT_FAILURE, // a check found something
    JUNIT_ERROR,   // it could not be checked
} JUnitOutcome;

typedef struct JUnitCase {
    const char *name;
    JUnitOutcome outcome;
    const char *type;      // of a failure or an error: a word for its kind
    const char *message;   // likewise: one line
    const char *text;      // likewise: the details; NULL: none
    const char *reproduce; // likewise: a command; NULL: none
} JUnitCase;

typedef struct JUnitSuite {
    const char *command;  // "check": the suite is "rudo-snap check"
    int64_t timestamp_ns; // since 1970, UTC: when the heap was captured; 0: there is no such time
    uint64_t count;
    JUnitCase (*case_at)(const void *context, uint64_t index);
    const void *context;
} JUnitSuite;

// A whole document. Errors: those of the sink.
NODISCARD bool junit_write(JsonSink sink, const JUnitSuite *suite, Error *error);

#endif
