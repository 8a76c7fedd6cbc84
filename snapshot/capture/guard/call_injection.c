// System calls that a stopped thread makes for us: see call_injection_internal.h.
//
// Note [Blocked signals]
// ~~~~~~~~~~~~~~~~~~~~~~
// All signals of the thread are blocked while it works for us, so none can run a handler on
// registers of ours. They stay pending, queued ones in their order and with their siginfo, until
// the mask is what it was. Only SIGSTOP cannot be blocked: it is passed on, which makes the whole
// process stop, and our thread is told to go on all the same; the kernel has it join the others
// when it is let go. A mask that is only there for the length of a call (ppoll, sigsuspend) comes
// back when the call is started again.
//
// Note [Restarting]
// ~~~~~~~~~~~~~~~~~
// A thread that was asleep in a system call has -ERESTART* as its result and the call's number in
// orig_rax. The kernel looks at both when it lets a thread go on that it had stopped for a signal
// or a trap, and only then. So the thread, behind our last call, gets its registers back, is
// interrupted once more, and is let go from that stop, as if there had been nothing but one.
//
// Note [Critical sections]
// ~~~~~~~~~~~~~~~~~~~~~~~~
// A thread that was stopped inside a restartable sequence (rseq) has to be sent to the abort
// handler of the sequence. Running code of ours makes the kernel believe that it has left it. So
// the word that says in which sequence it is, is put back with the registers.

#include "snapshot/capture/guard/call_injection_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"

#define OPTIONS_BEFORE (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define OPTIONS (OPTIONS_BEFORE | PTRACE_O_TRACESYSGOOD)
#define SYSTEM_CALL_STOP (SIGTRAP | 0x80)

// Newer than some C libraries.
#define REQUEST_RSEQ 0x420f          // PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13
#define REQUEST_USER_DISPATCH 0x4211 // PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, Linux 6.4
#define SUSPEND_SECCOMP (1 << 21)    // PTRACE_O_SUSPEND_SECCOMP, Linux 4.3

// A call that signals interrupt before it has begun is made again so often.
#define MAX_RESTARTS 1000
#define SEARCH_BYTES 4096u
// How often a wait for a thread looks whether there still is one.
#define AWAIT_LOOK_NS 5000000
#define MAX_SEARCHED_BYTES (UINT64_C(8) << 20)

// ---- where ----

static bool find_in_mapping(int tid, const ProcessMapping *mapping, uint64_t *instruction)
{
    uint8_t bytes[SEARCH_BYTES];
    uint64_t end = mapping->end;

    if (end - mapping->start > MAX_SEARCHED_BYTES)
        end = mapping->start + MAX_SEARCHED_BYTES;
    for (uint64_t at = mapping->start; at < end; at += SEARCH_BYTES) {
        struct iovec local = {.iov_base = bytes, .iov_len = sizeof bytes};
        struct iovec remote = {.iov_len = sizeof bytes};

        memcpy(&remote.iov_base, &at, sizeof remote.iov_base);
        if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof bytes)
            return false;
        for (size_t i = 0; i + 1 < sizeof bytes; i++) {
            if (memcmp(&bytes[i], thread_registers_call_instruction, 2) == 0) {
                *instruction = at + i;
                return true;
            }
        }
    }
    return false;
}

bool call_injection_find_instruction(int tid, const ProcessMapping *mappings, uint32_t count,
                                     uint64_t *instruction)
{
    if (!thread_registers_are_supported())
        return false;
    // The vDSO first: nobody unmaps it.
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            const ProcessMapping *mapping = &mappings[i];
            bool is_wanted = pass == 0 ? strcmp(mapping->name, "[vdso]") == 0
                                       : mapping->is_private && mapping->inode != 0;

            if (is_wanted && mapping->is_readable && mapping->is_executable &&
                find_in_mapping(tid, mapping, instruction))
                return true;
        }
    }
    return false;
}

// ---- stops ----

static bool has_gone(const CallInjection *injection, Error *error)
{
    return capture_refusal_gone(injection->pid, error);
}

// Waits for the next stop, which is not consumed (thread_stops.c). `*status` is the signal, with
// the event in the next byte. The kernel tells of stops by SIGCHLD, which the caller has blocked;
// but where another thread of the target starts another program, and takes the place of ours, it
// wakes nobody who waits. So the wait is for the signal, and not for ever.
static bool await_stop(const CallInjection *injection, int *status, Error *error)
{
    const struct timespec patience = {.tv_nsec = AWAIT_LOOK_NS};
    sigset_t child_signal;
    siginfo_t info;

    (void)sigemptyset(&child_signal);
    (void)sigaddset(&child_signal, SIGCHLD);
    for (;;) {
        memset(&info, 0, sizeof info);
        if (waitid(P_PID, (id_t)injection->tid, &info,
                   WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0)
            return has_gone(injection, error);
        if (info.si_pid != 0)
            break;
        (void)sigtimedwait(&child_signal, NULL, &patience);
    }
    if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
        return has_gone(injection, error);
    *status = info.si_status;
    return true;
}

static bool go_on(const CallInjection *injection, int request, int signal, Error *error)
{
    if (ptrace((enum __ptrace_request)request, injection->tid, NULL, (void *)(intptr_t)signal) != 0)
        return has_gone(injection, error);
    return true;
}

// Runs on until the thread is back from the call; a signal that interrupts it is handled as
// Note [Blocked signals] says.
static bool run_call(CallInjection *injection, Error *error)
{
    int status, signal = 0;
    bool is_inside = false;

    for (;;) {
        if (!go_on(injection, PTRACE_SYSCALL, signal, error) ||
            !await_stop(injection, &status, error))
            return false;
        signal = 0;
        switch (status) {
        case SYSTEM_CALL_STOP:
            if (is_inside)
                return true;
            is_inside = true;
            break;
        case SIGTRAP | PTRACE_EVENT_CLONE << 8:
            (void)ptrace(PTRACE_GETEVENTMSG, injection->tid, NULL, &injection->newborn);
            break;
        case SIGSTOP:
            signal = SIGSTOP;
            break;
        default:
            if (status >> 8 == PTRACE_EVENT_STOP)
                break;
            return error_set(error, ERROR_SYSTEM,
                             "thread %d of process %d got signal %d instead of making a call",
                             injection->tid, injection->pid, status & 0x7f);
        }
    }
}

// ---- beginning ----

// Only a thread that stands still before it returns to its program can be sent elsewhere: not one
// that is about to get a signal, nor one in the middle of a call of its own.
static bool check_stop(const CallInjection *injection, Error *error)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GETSIGINFO, injection->tid, NULL, &info) != 0)
        return has_gone(injection, error);
    if (info.si_code >> 8 != PTRACE_EVENT_STOP)
        return error_set(error, ERROR_UNSUPPORTED,
                         "thread %d of process %d is busy with something of its own",
                         injection->tid, injection->pid);
    return true;
}

// A program that gets system calls itself would get ours.
static bool check_dispatch(const CallInjection *injection, Error *error)
{
    uint64_t dispatch[4] = {0}; // mode, selector, offset, length

    if (ptrace((enum __ptrace_request)REQUEST_USER_DISPATCH, injection->tid, sizeof dispatch,
               dispatch) == 0 &&
        dispatch[0] != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d handles system calls itself (syscall user dispatch)",
                         injection->pid);
    return true;
}

static bool set_options(const CallInjection *injection, Error *error)
{
    bool is_filtered = proc_status_number(injection->pid, injection->tid, "Seccomp", 0) != 0;
    intptr_t wanted = OPTIONS | (is_filtered ? SUSPEND_SECCOMP : 0);

    if (ptrace(PTRACE_SETOPTIONS, injection->tid, NULL, (void *)wanted) == 0)
        return true;
    if (errno == ESRCH)
        return has_gone(injection, error);
    if (!is_filtered)
        return error_set(error, ERROR_SYSTEM, "cannot trace pid %d: %s", injection->pid,
                         strerror(errno));
    error_set(error, ERROR_UNSUPPORTED,
              "process %d runs under seccomp, which may kill it for a call that it does not know",
              injection->pid);
    return error_add_hint(error, "root (CAP_SYS_ADMIN) can suspend seccomp for the moment, "
                                 "outside of containers");
}

static void read_critical_section(CallInjection *injection)
{
    struct {
        uint64_t address;
        uint32_t size, signature, flags, padding;
    } rseq = {0};
    long word;

    injection->critical_section = 0;
    if (ptrace((enum __ptrace_request)REQUEST_RSEQ, injection->tid, sizeof rseq, &rseq) <= 0 ||
        rseq.address == 0)
        return;
    errno = 0;
    word = ptrace(PTRACE_PEEKDATA, injection->tid, (uintptr_t)rseq.address + 8, NULL);
    if (errno != 0 || word == 0)
        return;
    injection->critical_section = rseq.address + 8;
    injection->critical_section_word = (uint64_t)word;
}

// Is the instruction still there?
static bool check_instruction(const CallInjection *injection, Error *error)
{
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, injection->tid, (uintptr_t)injection->instruction, NULL);
    if (errno == ESRCH)
        return capture_refusal_gone(injection->pid, error);
    if (errno != 0 || memcmp(&word, thread_registers_call_instruction, 2) != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has no code that a call could be made with", injection->pid);
    return true;
}

bool call_injection_begin(CallInjection *injection, int pid, int tid, uint64_t instruction,
                          Error *error)
{
    const uint64_t all_signals = UINT64_MAX;

    *injection = (CallInjection){.pid = pid, .tid = tid, .instruction = instruction};
    if (!check_stop(injection, error) || !check_dispatch(injection, error) ||
        !check_instruction(injection, error) || !set_options(injection, error))
        return false;
    read_critical_section(injection);
    if (!thread_registers_read_general(tid, &injection->general) ||
        ptrace(PTRACE_GETSIGMASK, tid, sizeof injection->signal_mask, &injection->signal_mask) !=
            0 ||
        ptrace(PTRACE_SETSIGMASK, tid, sizeof all_signals, &all_signals) != 0) {
        (void)capture_refusal_explain(pid, errno, error);
        (void)ptrace(PTRACE_SETOPTIONS, tid, NULL, (void *)(intptr_t)OPTIONS_BEFORE);
        return false;
    }
    return true;
}

// ---- calling ----

bool call_injection_call(CallInjection *injection, long number, const uint64_t arguments[6],
                         int64_t *result, Error *error)
{
    *result = -EINTR;
    injection->newborn = 0;
    for (int tries = 0; tries < MAX_RESTARTS; tries++) {
        GeneralRegisters general = injection->general;

        thread_registers_prepare_call(&general, injection->instruction, number, arguments);
        if (!thread_registers_write_general(injection->tid, &general))
            return has_gone(injection, error);
        injection->has_called = true;
        if (!run_call(injection, error))
            return false;
        if (!thread_registers_read_general(injection->tid, &general))
            return has_gone(injection, error);
        *result = thread_registers_call_result(&general);
        if (!thread_registers_is_restart(*result))
            return true;
    }
    return error_set(error, ERROR_SYSTEM, "thread %d of process %d is interrupted all the time",
                     injection->tid, injection->pid);
}

// ---- ending ----

static void restore(const CallInjection *injection)
{
    // Each fails only when the thread was killed, which the caller finds out.
    (void)thread_registers_write_general(injection->tid, &injection->general);
    if (injection->critical_section != 0)
        (void)ptrace(PTRACE_POKEDATA, injection->tid, (uintptr_t)injection->critical_section,
                     (uintptr_t)injection->critical_section_word);
    (void)ptrace(PTRACE_SETSIGMASK, injection->tid, sizeof injection->signal_mask,
                 &injection->signal_mask);
    (void)ptrace(PTRACE_SETOPTIONS, injection->tid, NULL, (void *)(intptr_t)OPTIONS_BEFORE);
}

bool call_injection_end(CallInjection *injection, Error *error)
{
    int status, signal = 0;

    // See Note [Restarting].
    if (injection->has_called && ptrace(PTRACE_INTERRUPT, injection->tid, NULL, NULL) != 0)
        return has_gone(injection, error);
    restore(injection);
    while (injection->has_called) {
        if (!go_on(injection, PTRACE_CONT, signal, error) || !await_stop(injection, &status, error))
            return false;
        signal = status == SIGSTOP ? SIGSTOP : 0;
        injection->has_called = status >> 8 != PTRACE_EVENT_STOP;
    }
    return true;
}
