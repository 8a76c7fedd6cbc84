// Registers of a stopped thread, and the system call it was interrupted in.
//
// Note [Interrupted calls]
// ~~~~~~~~~~~~~~~~~~~~~~~~
// PTRACE_INTERRUPT wakes a thread that sleeps in a system call. Most calls then return one
// of the kernel's internal -ERESTART* codes, and the kernel starts them again when the thread
// goes on without a signal handler to run: the program notices nothing. Some calls return a
// plain -EINTR instead, and the program would see an error that nobody caused but us; event
// loops live in one of them, epoll_wait.
//
// At the stop the kernel has not yet acted upon the result, so the result can be exchanged:
// -ERESTARTNOHAND means "start again, unless a signal handler runs; then return EINTR", which
// is what would have happened without us. That is right only where EINTR promises that nothing
// was done yet; the table lists these calls, each with the reason why it answers EINTR.
// Deliberately absent: close() (the descriptor is gone even when it says EINTR), ioctl()
// (each driver has its own rules), and whatever restarts by itself (futex, nanosleep, poll,
// select, wait4, msgrcv, pipes, ...).
//
// A restarted call begins its timeout anew. Only a thread that we stopped is treated so: where
// the target was stopped by SIGSTOP before, EINTR is what it would have seen in any case.

#include "snapshot/capture/live/thread_registers.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

_Static_assert(sizeof(struct user_regs_struct) == sizeof(GeneralRegisters),
               "register words are numbered in the order of struct user_regs_struct");

#define WORD_OF(field) (offsetof(struct user_regs_struct, field) / sizeof(uint64_t))
_Static_assert(WORD_OF(rax) == REGISTER_RAX && WORD_OF(orig_rax) == REGISTER_ORIG_RAX &&
                   WORD_OF(rip) == REGISTER_RIP && WORD_OF(rsp) == REGISTER_RSP &&
                   WORD_OF(fs_base) == REGISTER_FS_BASE,
               "these numbers are the kernel's");

// The kernel's own numbers; not in any header for programs.
#define KERNEL_ERESTARTSYS 512
#define KERNEL_ERESTARTNOHAND 514
#define KERNEL_ERESTART_RESTARTBLOCK 516

typedef struct RestartableCall {
    long number;
    const char *reason; // why it answers EINTR; for whoever reads or extends the table
} RestartableCall;

static const RestartableCall restartable_calls[] = {
    {SYS_epoll_wait, "no event was taken"},
    {SYS_epoll_pwait, "no event was taken"},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "no event was taken"},
#endif
    {SYS_rt_sigtimedwait, "no signal was taken"},
    {SYS_semop, "operations happen all or none"},
    {SYS_semtimedop, "operations happen all or none"},
    {SYS_io_getevents, "no event was taken"},
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, "what was submitted is counted, or still in the ring"},
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

bool thread_registers_are_supported(void)
{
    return true;
}

bool thread_registers_read_general(int tid, GeneralRegisters *out)
{
    struct iovec vector = {.iov_base = out, .iov_len = sizeof *out};

    memset(out, 0, sizeof *out);
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &vector) != 0)
        return false;
    if (vector.iov_len != sizeof *out) {
        errno = ENOEXEC;
        return false;
    }
    return true;
}

bool thread_registers_write_general(int tid, const GeneralRegisters *general)
{
    GeneralRegisters copy = *general;
    struct iovec vector = {.iov_base = &copy, .iov_len = sizeof copy};

    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &vector) == 0;
}

// syscall
const uint8_t thread_registers_call_instruction[2] = {0x0f, 0x05};

void thread_registers_prepare_call(GeneralRegisters *general, uint64_t instruction, long number,
                                   const uint64_t arguments[6])
{
    static const size_t words[] = {WORD_OF(rdi), WORD_OF(rsi), WORD_OF(rdx),
                                   WORD_OF(r10), WORD_OF(r8),  WORD_OF(r9)};

    general->words[WORD_OF(rip)] = instruction;
    general->words[WORD_OF(rax)] = (uint64_t)number;
    general->words[WORD_OF(orig_rax)] = UINT64_MAX;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        general->words[words[i]] = arguments[i];
}

int64_t thread_registers_call_result(const GeneralRegisters *general)
{
    return (int64_t)general->words[WORD_OF(rax)];
}

bool thread_registers_is_restart(int64_t result)
{
    return result <= -KERNEL_ERESTARTSYS && result >= -KERNEL_ERESTART_RESTARTBLOCK;
}

bool thread_registers_is_in_user_code(const GeneralRegisters *general)
{
    return (int64_t)general->words[WORD_OF(orig_rax)] < 0;
}

void thread_registers_undo_interruption(int tid, GeneralRegisters *general)
{
    int64_t call = (int64_t)general->words[WORD_OF(orig_rax)];

    if ((int64_t)general->words[WORD_OF(rax)] != -EINTR)
        return;
    for (size_t i = 0; i < sizeof restartable_calls / sizeof restartable_calls[0]; i++) {
        if (restartable_calls[i].number != call)
            continue;
        // Fails only when the thread was killed this very moment.
        (void)ptrace(PTRACE_POKEUSER, tid, (void *)offsetof(struct user, regs.rax),
                     (void *)(intptr_t)-KERNEL_ERESTARTNOHAND);
        return;
    }
}

bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out)
{
    uint64_t area[XSAVE_MAX_BYTES / sizeof(uint64_t)];
    struct iovec vector = {.iov_base = area, .iov_len = sizeof area};

    // Without XSAVE (ENODEV) there are no vector registers to lose.
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &vector) != 0) {
        if (errno != ENODEV)
            return false;
        vector.iov_len = 0;
    }
    return register_words_fill(general, area, vector.iov_len / sizeof(uint64_t), out);
}

#else // capturing by pid is for x86-64; everything else works elsewhere too

bool thread_registers_are_supported(void)
{
    return false;
}

bool thread_registers_read_general(int tid, GeneralRegisters *out)
{
    (void)tid;
    memset(out, 0, sizeof *out);
    errno = ENOSYS;
    return false;
}

bool thread_registers_write_general(int tid, const GeneralRegisters *general)
{
    (void)tid;
    (void)general;
    errno = ENOSYS;
    return false;
}

const uint8_t thread_registers_call_instruction[2];

void thread_registers_prepare_call(GeneralRegisters *general, uint64_t instruction, long number,
                                   const uint64_t arguments[6])
{
    (void)general;
    (void)instruction;
    (void)number;
    (void)arguments;
}

int64_t thread_registers_call_result(const GeneralRegisters *general)
{
    (void)general;
    return -ENOSYS;
}

bool thread_registers_is_restart(int64_t result)
{
    (void)result;
    return false;
}

bool thread_registers_is_in_user_code(const GeneralRegisters *general)
{
    (void)general;
    return false;
}

void thread_registers_undo_interruption(int tid, GeneralRegisters *general)
{
    (void)tid;
    (void)general;
}

bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out)
{
    (void)tid;
    (void)general;
    (void)out;
    errno = ENOSYS;
    return false;
}

#endif
