// Register numbers of snapshots (docs/format.md, ROOT) as names: x86-64.

#ifndef ANALYSIS_NAMES_REGISTER_NAME_H
#define ANALYSIS_NAMES_REGISTER_NAME_H

#include <stdint.h>

#define REGISTER_NAME_CHARS 32

// "rbx", "xmm3", "ymm3" (its upper half); "vector state +0x380" where the place of a register
// differs between processors; "register 99" for an unknown number.
const char *register_name(uint64_t number, char name[REGISTER_NAME_CHARS]);

#endif
