// System calls that a stopped thread makes for us: see call_injection_internal.h.
//
// Note [Blocked signals]
// ~~~~~~~~~~~~~~~~~~~~~~
// All signals of the thread are blocked while it makes our calls, so no signal handler runs with
// our registers. The signals stay pending, queued ones in their order and with their siginfo, until
// the old mask is restored. Only SIGSTOP cannot be blocked: it is passed on, the whole process
// stops, and our thread is continued all the same; the kernel stops it with the others when it is
// detached. A mask that a call sets for its own duration (ppoll, sigsuspend) comes back when the
// call is restarted.
//
// Note [Restarting]
// ~~~~~~~~~~~~~~~~~
// A thread that slept in a system call has -ERESTART* as its result and the call's number in
// orig_rax. The kernel acts upon both when it continues a thread from a signal stop or a trap, and
// only then. So after our last call the thread gets its registers back, is interrupted once more,
// and is continued from that second stop, as if there had been only one.
// (interrupted_calls.c is about the calls that return EINTR at the first stop.)
//
// Note [Critical sections]
// ~~~~~~~~~~~~~~~~~~~~~~~~
// A thread that was stopped inside a restartable sequence (rseq) must continue at the sequence's
// abort handler. When it makes our calls, the kernel takes it to have left the sequence and clears
// the word that names it. So that word is restored with the registers.

#include "snapshot/capture/guard/call_injection_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"

#define OPTIONS_BEFORE (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define OPTIONS (OPTIONS_BEFORE | PTRACE_O_TRACESYSGOOD)
#define SYSTEM_CALL_STOP (SIGTRAP | 0x80)

// Newer than some C libraries.
#define REQUEST_RSEQ 0x420f          // PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13
#define REQUEST_USER_DISPATCH 0x4211 // PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, Linux 6.4
#define SUSPEND_SECCOMP (1 << 21)    // PTRACE_O_SUSPEND_SECCOMP, Linux 4.3

// How often a call is made again that a signal interrupts before it has begun.
#define MAX_RESTARTS 1000
#define SEARCH_BYTES 4096u
// How often a wait for a thread checks that the thread still exists.
#define AWAIT_LOOK_NS 5000000
// A thread enters a call within microseconds; this is for a machine that is short of everything.
#define ENTRY_PATIENCE_NS UINT64_C(1000000000)
#define MAX_SEARCHED_BYTES (UINT64_C(8) << 20)

// ---- where the instruction is ----

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
    // The vDSO first: programs do not unmap it.
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

static bool is_dead(char state)
{
    return state == 0 || state == 'Z' || state == 'X';
}

// Waits for the next stop, which is not consumed (thread_stops.c). `*status` is the signal, with
// the event in the next byte. The kernel announces a stop by SIGCHLD, which the caller has blocked;
// but when another thread of the target executes a program and takes the place of ours, a blocking
// waitid() is not woken. So this waits for SIGCHLD with a timeout, and looks again. The end of a
// main thread is not announced before that of all other threads, some of which wait for us to
// collect them: its state tells. until_ns: 0, or when to give up, with `*status` 0.
static bool await_stop(const CallInjection *injection, uint64_t until_ns, int *status, Error *error)
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
        if (is_dead(proc_task_state(injection->pid, injection->tid)))
            return has_gone(injection, error);
        if (until_ns != 0 && clock_monotonic_ns() > until_ns) {
            *status = 0;
            return true;
        }
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

// The thread runs, but enters no call: another process has written over the instruction. Stops it.
static bool give_up(const CallInjection *injection, Error *error)
{
    int status = 0;

    if (ptrace(PTRACE_INTERRUPT, injection->tid, NULL, NULL) != 0)
        return has_gone(injection, error);
    if (!await_stop(injection, clock_monotonic_ns() + ENTRY_PATIENCE_NS, &status, error))
        return false;
    return error_set(error, ERROR_SYSTEM, "thread %d of process %d does not make a system call",
                     injection->tid, injection->pid);
}

// Continues the thread until it has returned from the call. SIGSTOP is passed on: see
// Note [Blocked signals].
static bool run_call(CallInjection *injection, Error *error)
{
    uint64_t until_ns = clock_monotonic_ns() + injection->patience_ns;
    int status, signal = 0;
    bool is_inside = false;

    for (;;) {
        // The kernel may take its time with a call, as for the page tables of a large process.
        if (!go_on(injection, PTRACE_SYSCALL, signal, error) ||
            !await_stop(injection, is_inside ? 0 : until_ns, &status, error))
            return false;
        if (status == 0)
            return give_up(injection, error);
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

// ---- begin ----

// Only a thread that is about to return to its program can be given other registers: not one that
// is about to get a signal, nor one in the middle of a call of its own.
static bool check_stop(const CallInjection *injection, Error *error)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GETSIGINFO, injection->tid, NULL, &info) != 0)
        return has_gone(injection, error);
    if (info.si_code >> 8 != PTRACE_EVENT_STOP)
        return error_set(error, ERROR_UNSUPPORTED,
                         "thread %d of process %d is about to get a signal, or inside a call",
                         injection->tid, injection->pid);
    return true;
}

// A program that has system calls dispatched to itself would receive ours.
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

// Checks that the instruction is still there.
static bool check_instruction(const CallInjection *injection, Error *error)
{
    long word;

    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, injection->tid, (uintptr_t)injection->instruction, NULL);
    if (errno == ESRCH)
        return capture_refusal_gone(injection->pid, error);
    if (errno != 0 || memcmp(&word, thread_registers_call_instruction, 2) != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has no system call instruction in its code", injection->pid);
    return true;
}

bool call_injection_begin(CallInjection *injection, int pid, int tid, uint64_t instruction,
                          uint64_t patience_ns, Error *error)
{
    const uint64_t all_signals = UINT64_MAX;

    *injection = (CallInjection){.pid = pid, .tid = tid, .instruction = instruction};
    injection->patience_ns =
        patience_ns > 0 && patience_ns < ENTRY_PATIENCE_NS ? patience_ns : ENTRY_PATIENCE_NS;
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

// ---- call ----

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

// ---- end ----

static void restore(const CallInjection *injection)
{
    // Each fails only when the thread was killed, which the caller notices.
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
        if (!go_on(injection, PTRACE_CONT, signal, error) ||
            !await_stop(injection, 0, &status, error))
            return false;
        signal = status == SIGSTOP ? SIGSTOP : 0;
        injection->has_called = status >> 8 != PTRACE_EVENT_STOP;
    }
    return true;
}
