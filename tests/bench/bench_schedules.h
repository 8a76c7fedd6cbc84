// What a schedule costs: the deterministic driver against one worker without one.

#ifndef TESTS_BENCH_BENCH_SCHEDULES_H
#define TESTS_BENCH_BENCH_SCHEDULES_H

#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// Marks `image` `rounds` times with one worker and with virtual workers under several schedules, in
// turn, and prints medians of the CPU time of the whole call, and of its ratio to that of one
// worker in the same round. Errors: those of marking; corrupt when a mark is not the first one.
NODISCARD bool bench_schedules(const HeapImage *image, const char *name, uint32_t rounds,
                               Error *error);

void bench_schedules_print_heading(void);

#endif
