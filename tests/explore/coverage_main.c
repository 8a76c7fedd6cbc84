// What the explorer reaches of the marker: runs cases of all kinds under each model, in a build
// whose exploring marker counts its lines. See tests/explore/explore_coverage.sh.
//
//     explore_coverage SCHEDULES
//
// Schedules run in children, which end by a system call that writes no counts: the linker puts
// __wrap_syscall() in front of it.

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "marker/explore/explore_search.h"

void __gcov_dump(void);
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_exit_group)
        __gcov_dump();
    return __real_syscall(number, a, b, c, d, e, f);
}

int main(int argc, char **argv)
{
    uint64_t schedules = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

    for (int model = 0; model < SIM_MODEL_COUNT; model++) {
        ExploreOptions options = {.marker = &exploring_marker,
                                  .model = (SimModel)model,
                                  .has_queues = true,
                                  .has_overflows = true,
                                  .has_marks = true,
                                  .seed = 1,
                                  .schedules = schedules,
                                  .low_objects = 5,
                                  .high_objects = EXPLORE_MAX_NODES};
        ExploreFinding finding;
        ExploreTotals totals;
        Error error;
        bool found;
        if (!explore_search(&options, &finding, &found, &totals, &error)) {
            fprintf(stderr, "explore_coverage: %s\n", error.message);
            return 1;
        }
        if (found) {
            fprintf(stderr, "explore_coverage: %s\n", finding.violation.text);
            explore_finding_release(&finding);
            return 1;
        }
    }
    return 0;
}
