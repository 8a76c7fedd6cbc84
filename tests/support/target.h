// What programs that tests capture have in common: a small heap to be found, a heartbeat that
// tells from outside whether they run, and permission to be traced by a sibling.
//
// Test code only: a failure here prints and exits.

#ifndef TESTS_SUPPORT_TARGET_H
#define TESTS_SUPPORT_TARGET_H

#include <stdint.h>

// Maps `page_count` pages of class 64 in the layout rudo-gc-0.8, all slots allocated, in one
// run. Returns the first page.
uint8_t *target_map_heap(uint64_t page_count);

// Starts a thread that increments the 64-bit counter at the start of the file every
// millisecond. The file is made.
void target_start_heartbeat(const char *path);

// Lets any process of the same user trace this one, prints "ready" and flushes.
void target_announce(void);

// Prints what went wrong (with strerror) and exits with 1.
_Noreturn void target_fail(const char *what);

#endif
