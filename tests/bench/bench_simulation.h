// Predicted against measured: how right `rudo-snap simulate` is about this machine.

#ifndef TESTS_BENCH_BENCH_SIMULATION_H
#define TESTS_BENCH_BENCH_SIMULATION_H

#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_image.h"

// Marks `image` `rounds` times with 1, 2, ... `max_workers` threads, in turn, and prints medians of
// the busiest worker's CPU time beside the predictions with the costs as they are and with those
// that calibration on this heap gives. Errors: those of marking.
NODISCARD bool bench_simulation(const HeapImage *image, const char *name, uint32_t max_workers,
                                uint32_t rounds, Error *error);
void bench_simulation_print_heading(void);

#endif
