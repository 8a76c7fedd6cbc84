// Register numbers of snapshots (docs/format.md, ROOT) as names, by the machine.

#ifndef ANALYSIS_NAMES_REGISTER_NAME_H
#define ANALYSIS_NAMES_REGISTER_NAME_H

#include <stdint.h>

#define REGISTER_NAME_CHARS 32

// x86-64: "rbx", "xmm3", "ymm3" (its upper half); "vector state +0x380" where the place of a
// register differs between processors. aarch64: "x19", "sp", "v3". "register 99" for an unknown
// number or machine (snapshot/heap/snapshot_machine.h).
const char *register_name(uint32_t machine, uint64_t number, char name[REGISTER_NAME_CHARS]);

#endif
