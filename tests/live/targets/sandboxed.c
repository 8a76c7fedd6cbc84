// Lives under a seccomp filter that kills the process for any system call but the few it needs.
//
//     sandboxed HEARTBEAT [strict | THREADS]
//
// prints "ready", installs the filter, prints "closed", and sleeps until it is killed. With
// `strict`, the first thread is in the oldest, strictest mode instead, which allows read, write and
// exit: it reads from a pipe. With THREADS, the first thread and as many others have the filter,
// and the heartbeat's has not.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/target.h"

#define ALLOW(call)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                         \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install_filter(unsigned flags)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(nanosleep),
        ALLOW(clock_nanosleep),
        ALLOW(restart_syscall),
        ALLOW(pause),
        ALLOW(write),
        // A new thread, before it runs.
        ALLOW(set_robust_list),
        ALLOW(rt_sigprocmask),
        ALLOW(rseq),
        ALLOW(futex),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0)
        target_fail("seccomp");
}

static void say_closed(void)
{
    static const char words[] = "closed\n";

    if (write(STDOUT_FILENO, words, sizeof words - 1) < 0)
        _exit(1);
}

static void *sleep_filtered(void *context)
{
    install_filter(0);
    (void)pthread_barrier_wait(context);
    for (;;)
        (void)pause();
    return NULL;
}

static void filter_some(unsigned count)
{
    pthread_barrier_t filtered;
    pthread_t thread;

    if (pthread_barrier_init(&filtered, NULL, count + 1) != 0)
        target_fail("pthread_barrier_init");
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, sleep_filtered, &filtered) != 0)
            target_fail("pthread_create");
    (void)pthread_barrier_wait(&filtered);
    target_announce();
    install_filter(0);
    say_closed();
    for (;;)
        (void)pause();
}

int main(int argc, char **argv)
{
    int ends[2];
    char byte;

    if (argc < 2)
        return 2;
    (void)target_map_heap(4000);
    target_start_heartbeat(argv[1]);
    if (pipe(ends) != 0)
        target_fail("pipe");
    if (argc > 2 && strcmp(argv[2], "strict") == 0) {
        target_announce();
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        say_closed();
        while (read(ends[0], &byte, 1) < 0)
            continue;
    }
    if (argc > 2 && strtol(argv[2], NULL, 10) > 0)
        filter_some((unsigned)strtol(argv[2], NULL, 10));
    target_announce();
    install_filter(SECCOMP_FILTER_FLAG_TSYNC);
    say_closed();
    for (;;)
        (void)pause();
}
