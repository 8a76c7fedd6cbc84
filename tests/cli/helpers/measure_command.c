// Runs a command and says what it took, for tests and for tests/bench/hostile_files.sh:
//
//     measure_command SECONDS PROGRAM ARGUMENT...
//
// prints "CPU-SECONDS MIBIBYTES STATUS": CPU time of all threads, the most memory, and the exit
// status. The command's own output is dropped, and it may use SECONDS of CPU time: then STATUS is
// "killed". The kernel counts all of them.

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    struct rlimit limit;
    pid_t child;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: measure_command SECONDS PROGRAM ARGUMENT...\n");
        return 2;
    }
    limit.rlim_cur = limit.rlim_max = strtoul(argv[1], NULL, 10);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, argv[2], &actions, NULL, argv + 2, environ) != 0) {
        fprintf(stderr, "measure_command: %s: %s\n", argv[2], strerror(errno));
        return 2;
    }
    (void)prlimit(child, RLIMIT_CPU, &limit, NULL);
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return 2;
    printf("%.2f %ld ", seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss / 1024);
    if (WIFSIGNALED(status))
        printf("killed\n");
    else
        printf("%d\n", WEXITSTATUS(status));
    return 0;
}
