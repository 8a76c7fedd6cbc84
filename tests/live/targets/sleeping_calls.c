// Sleeps in every system call that PTRACE_INTERRUPT may disturb, each in a thread of its own, and
// counts the EINTRs that each sees (interrupted_calls.sh).
//
//     sleeping_calls HEARTBEAT
//
// prints "ready", and upon SIGTERM one line "CALL returns R eintr E other O" a call, then exits.
// A call that this machine does not have prints "CALL skipped: REASON".
//
// The thread "handled" checks that EINTR is still returned where it is due: it waits in epoll_pwait
// for a signal that can only arrive there, and each run of the handler must be one EINTR.

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

// How long a call sleeps before it gives up, where it can: long against a capture.
#define SLEEP_SECONDS 2

typedef struct Sleeper Sleeper;

struct Sleeper {
    const char *name;
    // Prepares the call, once; false: this machine does not have it (errno).
    bool (*prepare)(Sleeper *self);
    // Makes one call; the result and errno are the call's.
    long (*sleep)(Sleeper *self);
    int fd;
    int other_fd;
    unsigned long context;
    uint64_t returns; // relaxed; written by the thread alone, read at the end
    uint64_t eintr_count;
    uint64_t other_count; // errors other than EINTR and time-outs
    int last_other;
    int missing; // errno of prepare()
    pthread_t thread;
};

static const struct timespec sleep_time = {.tv_sec = SLEEP_SECONDS};
static const struct timeval sleep_time_us = {.tv_sec = SLEEP_SECONDS};
static uint64_t handler_runs;

// ---- preparation ----

static bool needs_nothing(Sleeper *self)
{
    (void)self;
    return true;
}

static bool needs_epoll(Sleeper *self)
{
    return (self->fd = epoll_create1(EPOLL_CLOEXEC)) >= 0;
}

static bool needs_pipe(Sleeper *self)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    self->fd = ends[0];
    self->other_fd = ends[1];
    return true;
}

static bool needs_full_pipe(Sleeper *self)
{
    char byte = 0;

    if (!needs_pipe(self) || fcntl(self->other_fd, F_SETFL, O_NONBLOCK) != 0)
        return false;
    while (write(self->other_fd, &byte, 1) == 1) {
    }
    return errno == EAGAIN && fcntl(self->other_fd, F_SETFL, 0) == 0;
}

static bool needs_event(Sleeper *self)
{
    return (self->fd = eventfd(0, EFD_CLOEXEC)) >= 0;
}

static bool needs_timer(Sleeper *self)
{
    return (self->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) >= 0;
}

static bool needs_inotify(Sleeper *self)
{
    return (self->fd = inotify_init1(IN_CLOEXEC)) >= 0;
}

static bool needs_signal_fd(Sleeper *self)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGUSR2);
    return (self->fd = signalfd(-1, &signals, SFD_CLOEXEC)) >= 0;
}

static bool needs_socket_pair(Sleeper *self)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    self->fd = ends[0];
    self->other_fd = ends[1];
    return setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &sleep_time_us, sizeof sleep_time_us) ==
               0 &&
           setsockopt(self->fd, SOL_SOCKET, SO_SNDTIMEO, &sleep_time_us, sizeof sleep_time_us) == 0;
}

static bool needs_full_socket(Sleeper *self)
{
    static const char bytes[4096];

    if (!needs_socket_pair(self))
        return false;
    while (send(self->fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
    return errno == EAGAIN;
}

// A name of this process's own, in the abstract namespace.
static socklen_t own_address(struct sockaddr_un *address, const char *name)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    (void)snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "rudo-snap-%d-%s", getpid(),
                   name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1));
}

static bool needs_listener(Sleeper *self)
{
    struct sockaddr_un address;
    socklen_t length = own_address(&address, self->name);

    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return self->fd >= 0 && bind(self->fd, (struct sockaddr *)&address, length) == 0 &&
           listen(self->fd, 0) == 0 &&
           setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &sleep_time_us, sizeof sleep_time_us) == 0;
}

// A listener whose queue is full, so that connect() has to wait.
static bool needs_busy_listener(Sleeper *self)
{
    struct sockaddr_un address;
    socklen_t length = own_address(&address, self->name);

    if (!needs_listener(self))
        return false;
    for (;;) {
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (client < 0)
            return false;
        if (connect(client, (struct sockaddr *)&address, length) != 0) {
            (void)close(client);
            break;
        }
    }
    self->other_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return self->other_fd >= 0 && setsockopt(self->other_fd, SOL_SOCKET, SO_SNDTIMEO,
                                             &sleep_time_us, sizeof sleep_time_us) == 0;
}

static bool needs_semaphore(Sleeper *self)
{
    return (self->fd = semget(IPC_PRIVATE, 1, 0600)) >= 0;
}

static bool needs_message_queue(Sleeper *self)
{
    return (self->fd = msgget(IPC_PRIVATE, 0600)) >= 0;
}

static bool needs_posix_queue(Sleeper *self)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};
    char name[64];

    (void)snprintf(name, sizeof name, "/rudo-snap-%d", getpid());
    self->fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    (void)mq_unlink(name);
    return self->fd >= 0;
}

static bool needs_aio(Sleeper *self)
{
    self->context = 0;
    return syscall(SYS_io_setup, 1, &self->context) == 0;
}

static bool needs_uring(Sleeper *self)
{
    struct io_uring_params parameters;

    memset(&parameters, 0, sizeof parameters);
    self->fd = (int)syscall(SYS_io_uring_setup, 1, &parameters);
    // As every program does that uses one.
    return self->fd >= 0 && mmap(NULL, sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                                 MAP_SHARED, self->fd, IORING_OFF_SQES) != MAP_FAILED;
}

static bool needs_locked_file(Sleeper *self)
{
    char path[] = "/tmp/rudo-snap-lock.XXXXXX";

    self->other_fd = mkostemp(path, O_CLOEXEC);
    if (self->other_fd < 0)
        return false;
    self->fd = open(path, O_RDWR | O_CLOEXEC);
    (void)unlink(path);
    return self->fd >= 0 && flock(self->other_fd, LOCK_EX) == 0;
}

static bool needs_child(Sleeper *self)
{
    self->fd = fork();
    if (self->fd == 0) {
        (void)pause();
        _exit(0);
    }
    return self->fd > 0;
}

// ---- the calls ----

static long in_epoll_wait(Sleeper *self)
{
    struct epoll_event event;
    return epoll_wait(self->fd, &event, 1, SLEEP_SECONDS * 1000);
}

static long in_epoll_pwait(Sleeper *self)
{
    struct epoll_event event;
    sigset_t none;

    (void)sigfillset(&none);
    return epoll_pwait(self->fd, &event, 1, -1, &none);
}

static long in_epoll_pwait2(Sleeper *self)
{
    struct epoll_event event;
    return syscall(SYS_epoll_pwait2, self->fd, &event, 1, &sleep_time, NULL, 8);
}

static long in_nanosleep(Sleeper *self)
{
    (void)self;
    return nanosleep(&sleep_time, NULL);
}

static long answer(int failure)
{
    errno = failure;
    return failure == 0 ? 0 : -1;
}

static long in_clock_nanosleep(Sleeper *self)
{
    (void)self;
    return answer(clock_nanosleep(CLOCK_MONOTONIC, 0, &sleep_time, NULL));
}

static struct timespec later(clockid_t clock)
{
    struct timespec then;

    (void)clock_gettime(clock, &then);
    then.tv_sec += SLEEP_SECONDS;
    return then;
}

static long in_clock_nanosleep_absolute(Sleeper *self)
{
    struct timespec then = later(CLOCK_MONOTONIC);

    (void)self;
    return answer(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL));
}

static long in_poll(Sleeper *self)
{
    struct pollfd wanted = {.fd = self->fd, .events = POLLIN};
    return poll(&wanted, 1, SLEEP_SECONDS * 1000);
}

static long in_ppoll(Sleeper *self)
{
    struct pollfd wanted = {.fd = self->fd, .events = POLLIN};
    return ppoll(&wanted, 1, &sleep_time, NULL);
}

static long in_select(Sleeper *self)
{
    struct timeval limit = sleep_time_us;
    fd_set wanted;

    FD_ZERO(&wanted);
    FD_SET(self->fd, &wanted);
    return select(self->fd + 1, &wanted, NULL, NULL, &limit);
}

static long in_pselect(Sleeper *self)
{
    fd_set wanted;

    FD_ZERO(&wanted);
    FD_SET(self->fd, &wanted);
    return pselect(self->fd + 1, &wanted, NULL, NULL, &sleep_time, NULL);
}

// glibc hides EINTR of a condition variable, so the futex is called itself.
static long in_futex(Sleeper *self)
{
    uint32_t word = 0;

    (void)self;
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static long in_futex_timed(Sleeper *self)
{
    uint32_t word = 0;

    (void)self;
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &sleep_time, NULL, 0);
}

static long in_condition(Sleeper *self)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec then = later(CLOCK_REALTIME);
    int failure;

    (void)self;
    (void)pthread_mutex_lock(&mutex);
    failure = pthread_cond_timedwait(&condition, &mutex, &then);
    (void)pthread_mutex_unlock(&mutex);
    return answer(failure);
}

static long in_futex_waitv(Sleeper *self)
{
    uint32_t word = 0;
    struct futex_waitv waiter = {.uaddr = (uint64_t)(uintptr_t)&word,
                                 .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
    struct timespec then = later(CLOCK_MONOTONIC);

    (void)self;
    return syscall(SYS_futex_waitv, &waiter, 1, 0, &then, CLOCK_MONOTONIC);
}

static long in_read(Sleeper *self)
{
    char bytes[4096];
    return read(self->fd, bytes, sizeof bytes);
}

static long in_readv(Sleeper *self)
{
    char bytes[64];
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    return readv(self->fd, &vector, 1);
}

static long in_pipe_write(Sleeper *self)
{
    return write(self->other_fd, "x", 1);
}

static long in_sigtimedwait(Sleeper *self)
{
    sigset_t wanted;

    (void)self;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGUSR2);
    return sigtimedwait(&wanted, NULL, &sleep_time);
}

// glibc's sigwaitinfo passes EINTR on (sigwait would not).
static long in_sigwaitinfo(Sleeper *self)
{
    sigset_t wanted;

    (void)self;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGUSR2);
    return sigwaitinfo(&wanted, NULL);
}

static long in_pause(Sleeper *self)
{
    (void)self;
    return pause();
}

static long in_sigsuspend(Sleeper *self)
{
    sigset_t all;

    (void)self;
    (void)sigfillset(&all);
    return sigsuspend(&all);
}

static long in_semop(Sleeper *self)
{
    struct sembuf take = {.sem_op = -1};
    return semop(self->fd, &take, 1);
}

static long in_semtimedop(Sleeper *self)
{
    struct sembuf take = {.sem_op = -1};
    return semtimedop(self->fd, &take, 1, &sleep_time);
}

static long in_msgrcv(Sleeper *self)
{
    struct {
        long type;
        char text[64];
    } message;
    return msgrcv(self->fd, &message, sizeof message.text, 0, 0);
}

static long in_mq_timedreceive(Sleeper *self)
{
    struct timespec then = later(CLOCK_REALTIME);
    char bytes[64];
    return mq_timedreceive(self->fd, bytes, sizeof bytes, NULL, &then);
}

static long in_recv(Sleeper *self)
{
    char bytes[64];
    return recv(self->fd, bytes, sizeof bytes, 0);
}

static long in_recvmsg(Sleeper *self)
{
    char bytes[64];
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    return recvmsg(self->fd, &message, 0);
}

static long in_recvmmsg(Sleeper *self)
{
    char bytes[64];
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
    return recvmmsg(self->fd, &message, 1, 0, NULL);
}

static long in_send(Sleeper *self)
{
    return send(self->fd, "x", 1, 0);
}

static long in_write(Sleeper *self)
{
    return write(self->fd, "x", 1);
}

static long in_writev(Sleeper *self)
{
    char bytes[1] = "x";
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    return writev(self->fd, &vector, 1);
}

static long in_sendmsg(Sleeper *self)
{
    char bytes[1] = "x";
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    return sendmsg(self->fd, &message, 0);
}

static long in_accept(Sleeper *self)
{
    return accept(self->fd, NULL, NULL);
}

static long in_accept4(Sleeper *self)
{
    return accept4(self->fd, NULL, NULL, SOCK_CLOEXEC);
}

static long in_connect(Sleeper *self)
{
    struct sockaddr_un address;
    socklen_t length = own_address(&address, self->name);
    return connect(self->other_fd, (struct sockaddr *)&address, length);
}

static long in_io_getevents(Sleeper *self)
{
    struct timespec limit = sleep_time;
    struct io_event event;
    return syscall(SYS_io_getevents, self->context, 1, 1, &event, &limit);
}

static long in_io_uring_enter(Sleeper *self)
{
    return syscall(SYS_io_uring_enter, self->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}

static long in_flock(Sleeper *self)
{
    return flock(self->fd, LOCK_EX);
}

static long in_lock(Sleeper *self)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(self->fd, F_OFD_SETLKW, &lock);
}

static bool needs_locked_range(Sleeper *self)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return needs_locked_file(self) && fcntl(self->other_fd, F_OFD_SETLK, &lock) == 0;
}

static long in_waitpid(Sleeper *self)
{
    return waitpid(self->fd, NULL, 0);
}

static long in_handled(Sleeper *self)
{
    struct epoll_event event;
    sigset_t mask;

    (void)sigfillset(&mask);
    (void)sigdelset(&mask, SIGUSR1);
    return epoll_pwait(self->fd, &event, 1, -1, &mask);
}

static Sleeper sleepers[] = {
    {.name = "handled", .prepare = needs_epoll, .sleep = in_handled},
    {.name = "epoll_wait", .prepare = needs_epoll, .sleep = in_epoll_wait},
    {.name = "epoll_pwait", .prepare = needs_epoll, .sleep = in_epoll_pwait},
    {.name = "epoll_pwait2", .prepare = needs_epoll, .sleep = in_epoll_pwait2},
    {.name = "nanosleep", .prepare = needs_nothing, .sleep = in_nanosleep},
    {.name = "clock_nanosleep", .prepare = needs_nothing, .sleep = in_clock_nanosleep},
    {.name = "clock_nanosleep-absolute",
     .prepare = needs_nothing,
     .sleep = in_clock_nanosleep_absolute},
    {.name = "poll", .prepare = needs_pipe, .sleep = in_poll},
    {.name = "ppoll", .prepare = needs_pipe, .sleep = in_ppoll},
    {.name = "select", .prepare = needs_pipe, .sleep = in_select},
    {.name = "pselect", .prepare = needs_pipe, .sleep = in_pselect},
    {.name = "futex", .prepare = needs_nothing, .sleep = in_futex},
    {.name = "futex-timed", .prepare = needs_nothing, .sleep = in_futex_timed},
    {.name = "futex_waitv", .prepare = needs_nothing, .sleep = in_futex_waitv},
    {.name = "pthread_cond_timedwait", .prepare = needs_nothing, .sleep = in_condition},
    {.name = "pipe-read", .prepare = needs_pipe, .sleep = in_read},
    {.name = "pipe-write", .prepare = needs_full_pipe, .sleep = in_pipe_write},
    {.name = "eventfd-read", .prepare = needs_event, .sleep = in_read},
    {.name = "timerfd-read", .prepare = needs_timer, .sleep = in_read},
    {.name = "inotify-read", .prepare = needs_inotify, .sleep = in_read},
    {.name = "signalfd-read", .prepare = needs_signal_fd, .sleep = in_read},
    {.name = "sigtimedwait", .prepare = needs_nothing, .sleep = in_sigtimedwait},
    {.name = "sigwaitinfo", .prepare = needs_nothing, .sleep = in_sigwaitinfo},
    {.name = "pause", .prepare = needs_nothing, .sleep = in_pause},
    {.name = "sigsuspend", .prepare = needs_nothing, .sleep = in_sigsuspend},
    {.name = "semop", .prepare = needs_semaphore, .sleep = in_semop},
    {.name = "semtimedop", .prepare = needs_semaphore, .sleep = in_semtimedop},
    {.name = "msgrcv", .prepare = needs_message_queue, .sleep = in_msgrcv},
    {.name = "mq_timedreceive", .prepare = needs_posix_queue, .sleep = in_mq_timedreceive},
    {.name = "recv", .prepare = needs_socket_pair, .sleep = in_recv},
    {.name = "recvmsg", .prepare = needs_socket_pair, .sleep = in_recvmsg},
    {.name = "recvmmsg", .prepare = needs_socket_pair, .sleep = in_recvmmsg},
    {.name = "socket-read", .prepare = needs_socket_pair, .sleep = in_read},
    {.name = "socket-readv", .prepare = needs_socket_pair, .sleep = in_readv},
    {.name = "send", .prepare = needs_full_socket, .sleep = in_send},
    {.name = "sendmsg", .prepare = needs_full_socket, .sleep = in_sendmsg},
    {.name = "socket-write", .prepare = needs_full_socket, .sleep = in_write},
    {.name = "socket-writev", .prepare = needs_full_socket, .sleep = in_writev},
    {.name = "accept", .prepare = needs_listener, .sleep = in_accept},
    {.name = "accept4", .prepare = needs_listener, .sleep = in_accept4},
    {.name = "connect", .prepare = needs_busy_listener, .sleep = in_connect},
    {.name = "io_getevents", .prepare = needs_aio, .sleep = in_io_getevents},
    {.name = "io_uring_enter", .prepare = needs_uring, .sleep = in_io_uring_enter},
    {.name = "flock", .prepare = needs_locked_file, .sleep = in_flock},
    {.name = "fcntl-lock", .prepare = needs_locked_range, .sleep = in_lock},
    {.name = "waitpid", .prepare = needs_child, .sleep = in_waitpid},
};

#define SLEEPER_COUNT (sizeof sleepers / sizeof sleepers[0])

static void *sleep_for_ever(void *context)
{
    Sleeper *self = context;

    for (;;) {
        long result = self->sleep(self);
        int failure = result < 0 ? errno : 0;

        self->returns++;
        if (failure == EINTR) {
            self->eintr_count++;
        } else if (failure != 0 && failure != EAGAIN && failure != ETIMEDOUT) {
            self->other_count++;
            self->last_other = failure;
            (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    }
    return NULL;
}

// Runs only where a sleeper lets SIGUSR1 in.
static void handle(int signal)
{
    (void)signal;
    __atomic_fetch_add(&handler_runs, 1, __ATOMIC_RELAXED);
}

static void report(void)
{
    for (size_t i = 0; i < SLEEPER_COUNT; i++) {
        const Sleeper *self = &sleepers[i];

        if (self->missing != 0)
            printf("%s skipped: %s\n", self->name, strerror(self->missing));
        else
            printf("%s returns %llu eintr %llu other %llu%s%s\n", self->name,
                   (unsigned long long)self->returns, (unsigned long long)self->eintr_count,
                   (unsigned long long)self->other_count, self->other_count > 0 ? " " : "",
                   self->other_count > 0 ? strerror(self->last_other) : "");
        // These outlive the process.
        if (self->missing == 0 && self->prepare == needs_semaphore)
            (void)semctl(self->fd, 0, IPC_RMID);
        if (self->missing == 0 && self->prepare == needs_message_queue)
            (void)msgctl(self->fd, IPC_RMID, NULL);
        if (self->missing == 0 && self->prepare == needs_child)
            (void)kill(self->fd, SIGKILL);
    }
    printf("handler runs %llu\n",
           (unsigned long long)__atomic_load_n(&handler_runs, __ATOMIC_RELAXED));
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t all;

    if (argc != 2) {
        fprintf(stderr, "usage: %s HEARTBEAT\n", argv[0]);
        return 2;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    target_start_heartbeat(argv[1]);
    (void)target_map_heap(64);
    for (size_t i = 0; i < SLEEPER_COUNT; i++) {
        Sleeper *self = &sleepers[i];

        errno = 0;
        if (!self->prepare(self))
            self->missing = errno == 0 ? ENOSYS : errno;
        else if (pthread_create(&self->thread, NULL, sleep_for_ever, self) != 0)
            target_fail("pthread_create");
    }
    target_announce();
    // The first sleeper gets a signal every 3 ms, whether the process is stopped or not.
    for (;;) {
        const struct timespec moment = {.tv_nsec = 3000000};
        sigset_t term;

        (void)sigemptyset(&term);
        (void)sigaddset(&term, SIGTERM);
        if (sigtimedwait(&term, NULL, &moment) == SIGTERM)
            break;
        (void)pthread_kill(sleepers[0].thread, SIGUSR1);
    }
    report();
    return fflush(stdout) == 0 ? 0 : 1;
}
