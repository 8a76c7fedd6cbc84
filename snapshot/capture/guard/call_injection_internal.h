// System calls that a stopped thread of another process makes for us, without noticing.
//
// The thread executes an instruction that is in its program anyway, with registers of ours, while
// its signals are blocked; nothing of its memory is written. Afterwards it is as it was: its
// registers, its signal mask, the system call that it was asleep in, the signals that arrived.
// Whoever holds it must not die in between: a thread that is left with our registers is lost. It
// has blocked SIGCHLD.
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
    uint64_t instruction;     // where in the target
    GeneralRegisters general; // as they were; so is what follows
    uint64_t signal_mask;
    uint64_t critical_section; // address of the thread's rseq_cs word; 0: it has none
    uint64_t critical_section_word;
    bool has_called;       // it stands behind a call of ours
    unsigned long newborn; // the process that the last call made, as we number it; 0
} CallInjection;

// Finds an instruction in the target that makes a system call: in the vDSO, or in mapped code.
// False where there is none, or the build cannot do this.
bool call_injection_find_instruction(int tid, const ProcessMapping *mappings, uint32_t count,
                                     uint64_t *instruction);

// Takes over a thread of ours that is in a ptrace stop (PTRACE_SEIZE, PTRACE_EVENT_STOP).
// Errors: unsupported (a call would be no secret: seccomp without the right to suspend it, system
// calls that the program dispatches itself), system (the thread has gone).
// When it fails the thread is as it was, and call_injection_end() must not be called.
NODISCARD bool call_injection_begin(CallInjection *injection, int pid, int tid,
                                    uint64_t instruction, Error *error);

// Makes the thread call. `*result` is what the kernel returned: -errno when it failed.
// Errors: system (the thread was killed, or does not do what it should).
NODISCARD bool call_injection_call(CallInjection *injection, long number,
                                   const uint64_t arguments[6], int64_t *result, Error *error);

// Makes the thread what it was, in a PTRACE_EVENT_STOP again.
// Errors: system (the thread was killed).
NODISCARD bool call_injection_end(CallInjection *injection, Error *error);

#endif
