// Register names: see analysis/names/register_name.h.

#include "analysis/names/register_name.h"

#include <inttypes.h>
#include <stdio.h>

#define VECTOR_BASE 0x1000u // number of the first word of the XSAVE area
#define VECTOR_LIMIT 0x10000u
// Offsets in the XSAVE area. The architecture fixes the first two parts, and all processors have
// the part of AVX at the same place. The parts after that differ by vendor.
#define X87_START 32u
#define XMM_START 160u
#define XMM_END 416u
#define YMM_HIGH_START 576u
#define YMM_HIGH_END 832u
#define REGISTER_BYTES 16u

const char *register_name(uint64_t number, char name[REGISTER_NAME_CHARS])
{
    static const char *const general[] = {
        "r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
        "r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
        "eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs",
    };
    uint64_t offset = (number - VECTOR_BASE) * sizeof(uint64_t);
    const char *kind = NULL;
    uint64_t start = 0;

    if (number < sizeof general / sizeof general[0])
        return general[number];
    if (number < VECTOR_BASE || number >= VECTOR_LIMIT) {
        (void)snprintf(name, REGISTER_NAME_CHARS, "register %" PRIu64, number);
        return name;
    }
    if (offset >= X87_START && offset < XMM_START) {
        kind = "st";
        start = X87_START;
    } else if (offset >= XMM_START && offset < XMM_END) {
        kind = "xmm";
        start = XMM_START;
    } else if (offset >= YMM_HIGH_START && offset < YMM_HIGH_END) {
        kind = "ymm";
        start = YMM_HIGH_START;
    }
    if (kind != NULL)
        (void)snprintf(name, REGISTER_NAME_CHARS, "%s%" PRIu64, kind,
                       (offset - start) / REGISTER_BYTES);
    else
        (void)snprintf(name, REGISTER_NAME_CHARS, "vector state +0x%" PRIx64, offset);
    return name;
}
