// Traces a process, as a debugger would, until it is killed.
//
//     tracer PID

#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "tests/support/target.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PID\n", argv[0]);
        return 2;
    }
    if (ptrace(PTRACE_SEIZE, (pid_t)strtol(argv[1], NULL, 10), NULL, NULL) != 0)
        target_fail("ptrace");
    target_announce();
    for (;;)
        (void)pause();
}
