// parallel_for: the same work on many items, on several threads.

#ifndef BASE_PARALLEL_FOR_H
#define BASE_PARALLEL_FOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PARALLEL_FOR_MAX_THREADS 16u

// How many threads to use: `wanted`, or one per CPU this process may use (base/machine/cpu_count.h)
// when that is 0; never more than PARALLEL_FOR_MAX_THREADS or `item_count`, at least 1.
uint32_t parallel_for_threads(uint32_t wanted, uint64_t item_count);

// The same for work of some milliseconds while others wait: one per CPU that this process may run
// on, whatever part of their time it is granted. It needs as much CPU time on one thread, so a
// quota does not end the work earlier there.
uint32_t parallel_for_burst_threads(uint64_t item_count);

// Does one item. `worker` (below the number of threads) names scratch space that is used by
// no other item at the same time.
typedef bool (*ParallelItem)(void *context, uint32_t worker, uint64_t item, Error *error);

// Calls `run` once for each item in [0, item_count), on `threads` threads, the caller's
// included. Items are handed out in ascending order; after one has failed no more are. The
// error is that of the lowest item that failed, so it does not depend on timing. Threads
// that cannot be started are done without.
NODISCARD bool parallel_for(uint64_t item_count, uint32_t threads, ParallelItem run, void *context,
                            Error *error);

// Threads that wait for work, for work that cannot wait for threads to be started.
typedef struct ParallelTeam ParallelTeam;

// Starts `threads` - 1 threads, the caller being the last; those that cannot be started are done
// without. Errors: memory. The caller owns `*out` and frees it with parallel_team_free().
NODISCARD bool parallel_team_new(uint32_t threads, ParallelTeam **out, Error *error);
void parallel_team_free(ParallelTeam *team);

// Has the other threads begin with the items, as parallel_for(); the caller may do something else
// before it ends the loop, and does what is left then. One loop at a time; `error` is filled when
// parallel_team_end() is false.
void parallel_team_begin(ParallelTeam *team, uint64_t item_count, ParallelItem run, void *context,
                         Error *error);
NODISCARD bool parallel_team_end(ParallelTeam *team);

#endif
