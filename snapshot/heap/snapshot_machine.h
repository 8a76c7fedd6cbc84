// The machine that a captured program ran on, as the ELF number of its instruction set.
//
// It decides what the numbers of registers mean (docs/format.md, ROOT), and nothing that a mark
// depends on. 0 stands for x86-64: the first files do not say the machine, and were all taken
// there.

#ifndef SNAPSHOT_HEAP_SNAPSHOT_MACHINE_H
#define SNAPSHOT_HEAP_SNAPSHOT_MACHINE_H

#include <stdint.h>

// e_machine of ELF files.
#define SNAPSHOT_MACHINE_X86_64 62u
#define SNAPSHOT_MACHINE_AARCH64 183u

#define SNAPSHOT_MACHINE_CHARS 32

// The machine of this build: that of the processes it captures. 0 where neither of the two.
uint32_t snapshot_machine_of_build(void);

// 0 as the number that it stands for.
uint32_t snapshot_machine_number(uint32_t machine);

// "x86-64", "aarch64", or "ELF machine 243", which is written to `text`.
const char *snapshot_machine_name(uint32_t machine, char text[SNAPSHOT_MACHINE_CHARS]);

#endif
