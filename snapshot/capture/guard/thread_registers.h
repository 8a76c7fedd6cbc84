// Registers of a stopped thread: reading and writing them, and what they say about its system call.
//
// Everything about the capture of a live process that depends on the processor is behind these
// functions.

#ifndef SNAPSHOT_CAPTURE_GUARD_THREAD_REGISTERS_H
#define SNAPSHOT_CAPTURE_GUARD_THREAD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/copy/register_words.h"

// Can this build capture processes?
bool thread_registers_are_supported(void);

// Reads the general registers of a thread that is in a ptrace stop. False with errno set; ENOEXEC:
// it runs 32-bit code.
bool thread_registers_read_general(int tid, GeneralRegisters *out);

// Was the thread stopped in user code, not in a system call?
bool thread_registers_is_in_user_code(const GeneralRegisters *general);

// Writes the general registers of a thread that is in a ptrace stop. False with errno set.
bool thread_registers_write_general(int tid, const GeneralRegisters *general);

// The bytes of the instruction that makes a system call.
extern const uint8_t thread_registers_call_instruction[2];

// Turns `general` into the registers of a thread that stands at the `syscall` instruction at
// `instruction`, about to make the call, and was in no call before.
void thread_registers_prepare_call(GeneralRegisters *general, uint64_t instruction, long number,
                                   const uint64_t arguments[6]);

// The number of the system call that the thread was stopped in; negative: it was in none.
long thread_registers_call_number(const GeneralRegisters *general);

// The result of a system call: -errno when it failed.
int64_t thread_registers_call_result(const GeneralRegisters *general);

// Replaces the result of the call that a thread was stopped in by the kernel's "restart, unless a
// signal handler runs": see Note [Interrupted calls] in interrupted_calls.c.
void thread_registers_ask_restart(int tid);

// Was the call broken off, to be restarted by the kernel (-ERESTART*)?
bool thread_registers_is_restart(int64_t result);

// Fills the register words, stack pointer, program counter and control block of `out` from
// `general` and from the vector registers of the stopped thread (register_words.h). The caller owns
// `out->registers`. False with errno set.
bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out);

#endif
