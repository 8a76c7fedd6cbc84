// CallInjection: a stopped thread of another process makes system calls for us, and its program
// does not notice.
//
// The thread executes a `syscall` instruction that is in its code anyway, with registers that we
// set, while its signals are blocked; its memory is not written. Afterwards it is as before: its
// registers, its signal mask, the system call that it slept in, the signals that arrived meanwhile.
// The tracer must not die in between: a thread that is left with our registers is lost. The tracer
// has SIGCHLD blocked.
//
//     call_injection_find_instruction(pid, tid, mappings, count, &instruction)
//     if (call_injection_begin(&injection, pid, tid, instruction, error)) {
//         ok = call_injection_call(&injection, SYS_userfaultfd, arguments, &result, error);
//         ok = call_injection_end(&injection, error) && ok;
//     }

#ifndef SNAPSHOT_CAPTURE_GUARD_CALL_INJECTION_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_CALL_INJECTION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/guard/thread_registers.h"

typedef struct CallInjection {
    int pid;
    int tid;
    uint64_t instruction;     // its address in the target
    GeneralRegisters general; // before the first call, to be restored; so are the next three
    uint64_t signal_mask;
    uint64_t critical_section; // address of the thread's rseq_cs word; 0: none
    uint64_t critical_section_word;
    uint64_t patience_ns;  // how long it may take to enter a call
    bool has_called;       // the thread stands behind a call of ours
    unsigned long newborn; // the pid, seen from here, of a process that the last call made; 0: none
} CallInjection;

// Finds a `syscall` instruction in the target: in the vDSO, or in the code of a mapped file.
// False when there is none, or this build captures no processes.
bool call_injection_find_instruction(int tid, const ProcessMapping *mappings, uint32_t count,
                                     uint64_t *instruction);

// Takes over a thread that the caller traces (PTRACE_SEIZE) and that is in a PTRACE_EVENT_STOP.
// Errors: unsupported (the program would notice a call: it runs under seccomp, which we may not
// suspend, or dispatches system calls itself), system (the thread has gone).
// After a failure the thread is as before, and call_injection_end() must not be called.
// patience_ns: how long the thread may take to enter each call; 0: as long as it should ever take.
NODISCARD bool call_injection_begin(CallInjection *injection, int pid, int tid,
                                    uint64_t instruction, uint64_t patience_ns, Error *error);

// Has the thread make a call. `*result` is the kernel's: -errno when the call failed.
// Errors: system (the thread was killed, got a signal that cannot be blocked, or does not enter the
// call: another process has written over the instruction); call_injection_end() restores it all the
// same.
NODISCARD bool call_injection_call(CallInjection *injection, long number,
                                   const uint64_t arguments[6], int64_t *result, Error *error);

// Restores the thread, which is in a PTRACE_EVENT_STOP again.
// Errors: system (the thread was killed).
NODISCARD bool call_injection_end(CallInjection *injection, Error *error);

#endif
