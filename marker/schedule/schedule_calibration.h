// Measures the cost of marking on this machine, for the table of virtual time.

#ifndef MARKER_SCHEDULE_SCHEDULE_CALIBRATION_H
#define MARKER_SCHEDULE_SCHEDULE_CALIBRATION_H

#include "marker/schedule/mark_schedule.h"

// Measures on `image`: one worker marks it on a real thread and in virtual time, and all costs of
// work are scaled so that both agree; the costs of a wake-up and a barrier are measured between two
// threads. The CPU time of the fastest of a few marks counts. `*costs` holds the initial table, and
// then the result. `*has_threads` is false where the system refused a second thread: the costs of a
// wake-up and a barrier are those of the initial table then. Errors: memory.
NODISCARD bool schedule_calibrate(const HeapImage *image, ScheduleCosts *costs, bool *has_threads,
                                  Error *error);

#endif
