// TAP (Test Anything Protocol) for test programs with a plain main(): stress programs,
// fuzz corpus replay. Criterion programs and shell scripts have their own ways.
//
//     int main(void)
//     {
//         tap_ok(steal_count > 50000, "thieves stole %" PRIu64 " items", steal_count);
//         return tap_finish();
//     }
//
// Test code only: it prints, and it keeps its counts in static variables. Call it from one
// thread.

#ifndef TESTS_SUPPORT_TAP_H
#define TESTS_SUPPORT_TAP_H

#include <stdbool.h>
#include <stdint.h>

// Prints "ok N - name" or "not ok N - name"; returns `is_ok`.
bool tap_ok(bool is_ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

// As tap_ok(left == right), and says both values when they differ.
bool tap_equal(uint64_t left, uint64_t right, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Prints "ok N - name # SKIP reason". A skip is counted as skipped, never as passed.
void tap_skip(const char *name, const char *reason_format, ...)
    __attribute__((format(printf, 2, 3)));

// Prints a "# ..." line: seeds, counts, what was measured.
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Prints "Bail out! ..." and exits: nothing further can be tested.
_Noreturn void tap_bail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Prints the plan; returns the exit status for main(): 0 when nothing failed and
// something ran.
int tap_finish(void);

#endif
