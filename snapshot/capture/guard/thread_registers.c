// Registers of a stopped thread: reading and writing them, and what they say about its system call.
//
// Everything about the capture of a live process that depends on the processor is in this file. A
// build for another processor has the same functions, which fail: thread_registers_are_supported()
// says so.

#include "snapshot/capture/guard/thread_registers.h"

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

// Numbers inside the kernel, in no header for programs.
#define KERNEL_ERESTARTSYS 512
#define KERNEL_ERESTARTNOHAND 514
#define KERNEL_ERESTART_RESTARTBLOCK 516

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

// `syscall`
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

long thread_registers_call_number(const GeneralRegisters *general)
{
    return (long)general->words[WORD_OF(orig_rax)];
}

bool thread_registers_is_restart(int64_t result)
{
    return result <= -KERNEL_ERESTARTSYS && result >= -KERNEL_ERESTART_RESTARTBLOCK;
}

bool thread_registers_is_in_user_code(const GeneralRegisters *general)
{
    return thread_registers_call_number(general) < 0;
}

void thread_registers_ask_restart(int tid)
{
    // Fails only when the thread was killed this very moment.
    (void)ptrace(PTRACE_POKEUSER, tid, (void *)offsetof(struct user, regs.rax),
                 (void *)(intptr_t)-KERNEL_ERESTARTNOHAND);
}

bool thread_registers_collect(int tid, const GeneralRegisters *general, ProcessThread *out)
{
    uint64_t area[XSAVE_MAX_BYTES / sizeof(uint64_t)];
    struct iovec vector = {.iov_base = area, .iov_len = sizeof area};

    // ENODEV: a processor without XSAVE. Its FXSAVE area is laid out as the beginning of an XSAVE
    // area.
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &vector) != 0) {
        vector.iov_len = sizeof area;
        if (errno != ENODEV || ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRFPREG, &vector) != 0)
            return false;
    }
    return register_words_fill(general, area, vector.iov_len / sizeof(uint64_t), out);
}

#else // processes can be captured on x86-64 only; everything else works elsewhere, too

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

long thread_registers_call_number(const GeneralRegisters *general)
{
    (void)general;
    return -1;
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

void thread_registers_ask_restart(int tid)
{
    (void)tid;
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
