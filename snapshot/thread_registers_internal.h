// Registers of a stopped thread, and the system call it was interrupted in.
//
// All that is particular to one processor in capturing a process is here.

#ifndef SNAPSHOT_THREAD_REGISTERS_INTERNAL_H
#define SNAPSHOT_THREAD_REGISTERS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/process_copy.h"
#include "snapshot/register_words_internal.h"

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

// Fills the register words, stack pointer, program counter and control block of `out` from
// `general` and from the vector registers of the stopped thread. Words that are zero are left
// out. `out->registers` is owned by the caller. False with errno set.
bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out);

#endif
