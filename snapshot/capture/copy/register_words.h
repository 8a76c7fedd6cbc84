// The registers of an x86-64 thread as words that may be roots, read from a stopped thread or from
// a core file. Plain data, compiled on every machine.

#ifndef SNAPSHOT_CAPTURE_COPY_REGISTER_WORDS_H
#define SNAPSHOT_CAPTURE_COPY_REGISTER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/copy/process_copy.h"

#define GENERAL_REGISTER_COUNT 27

// The general registers in the order of the kernel's `struct user_regs_struct`.
typedef struct GeneralRegisters {
    uint64_t words[GENERAL_REGISTER_COUNT];
} GeneralRegisters;

// The indices of some of them.
enum {
    REGISTER_RAX = 10,
    REGISTER_ORIG_RAX = 15,
    REGISTER_RIP = 16,
    REGISTER_RSP = 19,
    REGISTER_FS_BASE = 21,
};

// Functions that call no others use this much memory below the stack pointer (the red zone of the
// x86-64 ABI).
#define RED_ZONE_BYTES 128u

// Vector registers are words of the XSAVE area in its standard form (NT_X86_XSTATE).
#define XSAVE_MAX_BYTES 16384u // with AMX tiles it has 11 KiB

// Fills the register words, stack pointer, program counter and control block of `out` from
// `general` and the first `area_words` words of an XSAVE area (0: there is none). Words that are
// zero are left out. `out->registers` is owned by the caller. False when memory is short.
bool register_words_fill(const GeneralRegisters *general, const uint64_t *area, size_t area_words,
                         ProcessThread *out);

#endif
