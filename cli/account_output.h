// The account of the resident memory, for people.

#ifndef CLI_ACCOUNT_OUTPUT_H
#define CLI_ACCOUNT_OUTPUT_H

#include "analysis/graph/node_types.h"
#include "snapshot/heap/memory_account.h"

// Prints where the resident memory is, a line for each part that is not empty; or that it was not
// recorded. types: those of the objects, for the type that owns most of malloc's memory; NULL: not
// known. collector_bytes: of the collector's own blocks (analysis/collector_memory.h), which only
// roots lead to.
void account_output_print(const MemoryAccount *account, const NodeTypes *types,
                          uint64_t collector_bytes);

#endif
