// Where a stopped system call is restarted: a call in which a thread slept when it was stopped is
// made to begin again when the thread runs on, so that the program does not notice the stop.
//
// (A thread that makes calls for us in between needs one step more: Note [Restarting] in
// call_injection.c. The live test is tests/live/interrupted_calls.sh, which sleeps in each of the
// calls.)
//
// Note [Interrupted calls]
// ~~~~~~~~~~~~~~~~~~~~~~~~
// PTRACE_INTERRUPT wakes a thread that sleeps in a system call. Most calls then return one of the
// kernel's internal -ERESTART* codes, and the kernel itself restarts them when the thread runs on
// without a signal handler: the program notices nothing. Some calls return a plain -EINTR instead,
// and the program would see an error that only our stop has caused; event loops sleep in one of
// them, epoll_wait.
//
// At the stop the kernel has not acted upon the result yet, so the result can be replaced:
// -ERESTARTNOHAND means "restart, unless a signal handler runs; then return EINTR", which is what
// would have happened without the stop. That is right only where EINTR promises that nothing was
// done yet; the table lists these calls, each with the reason why it returns EINTR. Absent on
// purpose: close() (the descriptor is gone even when it returns EINTR), ioctl() (each driver has
// its own rules), and the calls that the kernel restarts by itself (futex, nanosleep, poll, select,
// wait4, msgrcv, pipes, ...).
//
// A restarted call begins its timeout anew. Only a thread that we have stopped is treated so: when
// the process was stopped by SIGSTOP before, it would have seen EINTR in any case.

#include "snapshot/capture/guard/interrupted_calls_internal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

typedef struct RestartableCall {
    long number;
    const char *reason; // why it returns EINTR: not used, for readers of the table
} RestartableCall;

static const RestartableCall restartable_calls[] = {
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "no event was taken"},
#endif
    {SYS_epoll_pwait, "no event was taken"},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "no event was taken"},
#endif
    {SYS_rt_sigtimedwait, "no signal was taken"},
    {SYS_semop, "operations happen all or none"},
    {SYS_semtimedop, "operations happen all or none"},
    {SYS_io_getevents, "no event was taken"},
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, "submitted entries are counted, or still in the ring"},
#endif
    {SYS_accept, "SO_RCVTIMEO; no connection was taken"},
    {SYS_accept4, "SO_RCVTIMEO; no connection was taken"},
    {SYS_connect, "SO_SNDTIMEO; asked again, it waits for the attempt under way"},
    {SYS_recvfrom, "SO_RCVTIMEO; no byte was taken"},
    {SYS_recvmsg, "SO_RCVTIMEO; no byte was taken"},
    {SYS_recvmmsg, "SO_RCVTIMEO; no message was taken"},
    {SYS_read, "SO_RCVTIMEO; no byte was taken"},
    {SYS_readv, "SO_RCVTIMEO; no byte was taken"},
    {SYS_preadv2, "SO_RCVTIMEO; no byte was taken"},
    {SYS_sendto, "SO_SNDTIMEO; no byte was sent"},
    {SYS_sendmsg, "SO_SNDTIMEO; no byte was sent"},
    {SYS_sendmmsg, "SO_SNDTIMEO; no message was sent"},
    {SYS_write, "SO_SNDTIMEO; no byte was sent"},
    {SYS_writev, "SO_SNDTIMEO; no byte was sent"},
    {SYS_pwritev2, "SO_SNDTIMEO; no byte was sent"},
    {SYS_sendfile, "SO_SNDTIMEO; no byte was sent, the file offset is unchanged"},
};

bool interrupted_call_is_restartable(const GeneralRegisters *general)
{
    long number = thread_registers_call_number(general);

    if (thread_registers_call_result(general) != -EINTR)
        return false;
    for (size_t i = 0; i < sizeof restartable_calls / sizeof restartable_calls[0]; i++)
        if (restartable_calls[i].number == number)
            return true;
    return false;
}

void interrupted_call_restart(int tid, const GeneralRegisters *general)
{
    if (interrupted_call_is_restartable(general))
        thread_registers_ask_restart(tid);
}
