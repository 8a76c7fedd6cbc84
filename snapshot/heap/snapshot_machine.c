// The machine of a snapshot: see snapshot/heap/snapshot_machine.h.

#include "snapshot/heap/snapshot_machine.h"

#include <inttypes.h>
#include <stdio.h>

uint32_t snapshot_machine_of_build(void)
{
#if defined(__x86_64__)
    return SNAPSHOT_MACHINE_X86_64;
#elif defined(__aarch64__)
    return SNAPSHOT_MACHINE_AARCH64;
#else
    return 0;
#endif
}

uint32_t snapshot_machine_number(uint32_t machine)
{
    return machine == 0 ? SNAPSHOT_MACHINE_X86_64 : machine;
}

const char *snapshot_machine_name(uint32_t machine, char text[SNAPSHOT_MACHINE_CHARS])
{
    switch (snapshot_machine_number(machine)) {
    case SNAPSHOT_MACHINE_X86_64:
        return "x86-64";
    case SNAPSHOT_MACHINE_AARCH64:
        return "aarch64";
    default:
        (void)snprintf(text, SNAPSHOT_MACHINE_CHARS, "ELF machine %" PRIu32, machine);
        return text;
    }
}
