// Replayed heaps as JUnit XML, which continuous integration shows: a test case for each heap.
//
// See formats/junit.h for the elements.

#ifndef FORMATS_REPLAY_JUNIT_H
#define FORMATS_REPLAY_JUNIT_H

#include <stdint.h>

#include "formats/json/replay_json.h"
#include "base/error.h"

// A whole document, the same bytes whenever the same is found. Errors: those of the sink.
NODISCARD bool replay_junit_write(JsonSink sink, const ReplayRecord *records, uint64_t count,
                                  Error *error);

#endif
