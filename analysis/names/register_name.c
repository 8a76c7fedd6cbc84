// Register names: see analysis/names/register_name.h.

#include "analysis/names/register_name.h"

#include <inttypes.h>
#include <stdio.h>

#include "snapshot/heap/snapshot_machine.h"

#define VECTOR_BASE 0x1000u // number of the first word of the vector registers
#define VECTOR_LIMIT 0x10000u
// Offsets in the XSAVE area of x86-64. The architecture fixes the first two parts, and all
// processors have the part of AVX at the same place. The parts after that differ by vendor.
#define X87_START 32u
#define XMM_START 160u
#define XMM_END 416u
#define YMM_HIGH_START 576u
#define YMM_HIGH_END 832u
#define V_END 512u // of NT_PRFPREG on aarch64; fpsr and fpcr follow
#define REGISTER_BYTES 16u

typedef struct VectorRange {
    const char *kind;
    uint64_t start; // of register 0, in bytes behind the first word
    uint64_t end;
} VectorRange;

typedef struct MachineRegisters {
    uint32_t machine;
    uint32_t general_count;
    const char *const *general; // by number
    uint32_t range_count;
    const VectorRange *ranges;
} MachineRegisters;

static const char *const x86_general[] = {
    "r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
    "r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
    "eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs",
};
static const VectorRange x86_ranges[] = {
    {"st", X87_START, XMM_START},
    {"xmm", XMM_START, XMM_END},
    {"ymm", YMM_HIGH_START, YMM_HIGH_END},
};
static const char *const arm_general[] = {
    "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",     "x10",       "x11",
    "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",    "x22",       "x23",
    "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",  "pc",  "pstate", "tpidr_el0",
};
static const VectorRange arm_ranges[] = {{"v", 0, V_END}};

#define LENGTH(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

static const MachineRegisters machines[] = {
    {SNAPSHOT_MACHINE_X86_64, LENGTH(x86_general), x86_general, LENGTH(x86_ranges), x86_ranges},
    {SNAPSHOT_MACHINE_AARCH64, LENGTH(arm_general), arm_general, LENGTH(arm_ranges), arm_ranges},
};

static const MachineRegisters *find_machine(uint32_t machine)
{
    for (uint32_t i = 0; i < LENGTH(machines); i++)
        if (machines[i].machine == snapshot_machine_number(machine))
            return &machines[i];
    return NULL;
}

static void name_vector(const MachineRegisters *registers, uint64_t offset,
                        char name[REGISTER_NAME_CHARS])
{
    for (uint32_t i = 0; i < registers->range_count; i++) {
        const VectorRange *range = &registers->ranges[i];

        if (offset >= range->start && offset < range->end) {
            (void)snprintf(name, REGISTER_NAME_CHARS, "%s%" PRIu64, range->kind,
                           (offset - range->start) / REGISTER_BYTES);
            return;
        }
    }
    (void)snprintf(name, REGISTER_NAME_CHARS, "vector state +0x%" PRIx64, offset);
}

const char *register_name(uint32_t machine, uint64_t number, char name[REGISTER_NAME_CHARS])
{
    const MachineRegisters *registers = find_machine(machine);

    if (registers != NULL && number < registers->general_count)
        return registers->general[number];
    if (registers != NULL && number >= VECTOR_BASE && number < VECTOR_LIMIT)
        name_vector(registers, (number - VECTOR_BASE) * sizeof(uint64_t), name);
    else
        (void)snprintf(name, REGISTER_NAME_CHARS, "register %" PRIu64, number);
    return name;
}
