// A foreign write tracker: a child of a test program that tracks, and consumes, the writes to the
// program's memory, by a userfaultfd whose descriptor the program itself does not have.
//
// Test code only.

#ifndef TESTS_SUPPORT_WRITE_TRACKER_H
#define TESTS_SUPPORT_WRITE_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

// Starts it on [start, start + bytes), whole pages; it ends with the program. False: this machine
// does not have what it takes, `*reason`.
bool write_tracker_start(void *start, uint64_t bytes, const char **reason);

#endif
