// Registers of a stopped thread, and the system call it was interrupted in.
//
// All that is particular to one processor in capturing a process is here.

#ifndef SNAPSHOT_CAPTURE_LIVE_THREAD_REGISTERS_H
#define SNAPSHOT_CAPTURE_LIVE_THREAD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/copy/register_words.h"

// Can this build capture processes at all?
bool thread_registers_are_supported(void);

// Reads the general registers of a thread that is in a ptrace stop. False with errno set;
// ENOEXEC: it runs code of another processor mode (a 32-bit program).
bool thread_registers_read_general(int tid, GeneralRegisters *out);

// Was the thread in user code, so that it was not asleep in a system call?
bool thread_registers_is_in_user_code(const GeneralRegisters *general);

// After a stop that PTRACE_INTERRUPT caused: if that made a sleeping system call return
// EINTR, has the kernel restart the call instead. See Note [Interrupted calls].
void thread_registers_undo_interruption(int tid, GeneralRegisters *general);

// Writes the general registers of a thread that is in a ptrace stop. False with errno set.
bool thread_registers_write_general(int tid, const GeneralRegisters *general);

// The bytes of an instruction that makes a system call.
extern const uint8_t thread_registers_call_instruction[2];

// Makes of `general` the registers of a thread that is about to make a system call: it stands at
// such an instruction, and was in no call before.
void thread_registers_prepare_call(GeneralRegisters *general, uint64_t instruction, long number,
                                   const uint64_t arguments[6]);

// What a system call returned.
int64_t thread_registers_call_result(const GeneralRegisters *general);

// Did the kernel break the call off and want to start it again (-ERESTART*)?
bool thread_registers_is_restart(int64_t result);

// Fills the register words, stack pointer, program counter and control block of `out` from
// `general` and from the vector registers of the stopped thread. Words that are zero are left
// out. `out->registers` is owned by the caller. False with errno set.
bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out);

#endif
