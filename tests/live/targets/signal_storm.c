// Receives queued real-time signals as fast as it can, and counts lost ones (signals_kept.sh).
//
//     signal_storm HEARTBEAT
//
// A child sends SIGRTMIN with the numbers 0, 1, 2, ... to the process and, every other one, to
// one thread of it. Prints "ready"; upon SIGTERM the child stops, and the last line is
//
//     sent N received R missing M duplicates D foreign F
//
// `foreign` counts signals whose siginfo is not the child's.

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

#define RECEIVER_COUNT 4
#define MAX_SIGNALS 4000000u

// Shared with the child.
typedef struct Progress {
    uint32_t sent;
    uint32_t is_over;
    pid_t sender;
} Progress;

static Progress *progress;
static uint8_t *times_received; // one byte a signal, atomically incremented
static uint32_t received_count, foreign_count;

static void receive(int signal, siginfo_t *info, void *context)
{
    uint32_t number = (uint32_t)info->si_value.sival_int;

    (void)signal;
    (void)context;
    // Relaxed throughout: read after all threads have been silent for a while.
    __atomic_fetch_add(&received_count, 1, __ATOMIC_RELAXED);
    if (info->si_code != SI_QUEUE || info->si_pid != progress->sender || number >= MAX_SIGNALS)
        __atomic_fetch_add(&foreign_count, 1, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&times_received[number], 1, __ATOMIC_RELAXED);
}

static void *wait_for_signals(void *context)
{
    sigset_t wanted;
    uint32_t spins = 0;

    *(pid_t *)context = (pid_t)syscall(SYS_gettid);
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGRTMIN);
    (void)pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
    // Sometimes asleep, sometimes computing.
    for (;;) {
        const struct timespec moment = {.tv_nsec = 200000};

        if (++spins % 4096 == 0)
            (void)nanosleep(&moment, NULL);
    }
    return NULL;
}

static bool queue_signal(pid_t process, pid_t thread, uint32_t number)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = SIGRTMIN;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = (int)number;
    if (thread != 0)
        return syscall(SYS_rt_tgsigqueueinfo, process, thread, SIGRTMIN, &info) == 0;
    return syscall(SYS_rt_sigqueueinfo, process, SIGRTMIN, &info) == 0;
}

static _Noreturn void send_signals(pid_t process, const pid_t *threads)
{
    const struct timespec moment = {.tv_nsec = 500000};

    progress->sender = getpid();
    while (__atomic_load_n(&progress->is_over, __ATOMIC_RELAXED) == 0) {
        uint32_t number = progress->sent;
        pid_t thread = number % 2 == 0 ? 0 : threads[number / 2 % RECEIVER_COUNT];

        if (number == MAX_SIGNALS || getppid() != process)
            break;
        if (queue_signal(process, thread, number)) {
            __atomic_store_n(&progress->sent, number + 1, __ATOMIC_RELAXED);
            // In bursts, so that signals queue up behind each other.
            if (number % 32 == 31)
                (void)nanosleep(&moment, NULL);
        } else {
            (void)nanosleep(&moment, NULL); // EAGAIN: the queue is full
        }
    }
    _exit(0);
}

static void report(void)
{
    uint32_t sent = progress->sent, missing = 0, duplicates = 0;

    for (uint32_t i = 0; i < sent; i++) {
        missing += times_received[i] == 0;
        duplicates += times_received[i] > 1;
    }
    printf("sent %u received %u missing %u duplicates %u foreign %u\n", sent, received_count,
           missing, duplicates, foreign_count);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = receive, .sa_flags = SA_SIGINFO | SA_RESTART};
    const struct timespec moment = {.tv_nsec = 50000000};
    pid_t threads[RECEIVER_COUNT] = {0};
    uint32_t seen = 0;
    pid_t sender;
    sigset_t all, term;
    int signal;

    if (argc != 2) {
        fprintf(stderr, "usage: %s HEARTBEAT\n", argv[0]);
        return 2;
    }
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    times_received =
        mmap(NULL, MAX_SIGNALS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED || times_received == MAP_FAILED)
        target_fail("mmap");
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)sigfillset(&action.sa_mask);
    (void)sigaction(SIGRTMIN, &action, NULL);
    target_start_heartbeat(argv[1]);
    (void)target_map_heap(4096);
    for (int i = 0; i < RECEIVER_COUNT; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, wait_for_signals, &threads[i]) != 0)
            target_fail("pthread_create");
        while (__atomic_load_n(&threads[i], __ATOMIC_RELAXED) == 0)
            (void)sched_yield();
    }
    sender = fork();
    if (sender == 0)
        send_signals(getppid(), threads);
    if (sender < 0)
        target_fail("fork");
    target_announce();

    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)sigwait(&term, &signal);
    progress->is_over = 1;
    (void)waitpid(sender, NULL, 0);
    // Wait until the queued signals have arrived.
    do {
        seen = received_count;
        (void)nanosleep(&moment, NULL);
    } while (__atomic_load_n(&received_count, __ATOMIC_RELAXED) != seen);
    report();
    return fflush(stdout) == 0 ? 0 : 1;
}
