// Numbers as options take them: "1,2,4" and "1..20".

#ifndef CLI_NUMBER_LIST_H
#define CLI_NUMBER_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Numbers in low..high, in the order given, each once. `option` is for the message ("--workers").
// The list has room for high - low + 1. Errors: usage.
NODISCARD bool number_list_parse(const char *option, const char *text, uint32_t low, uint32_t high,
                                 uint32_t *list, uint32_t *count, Error *error);

// "FIRST..LAST", or one number; first <= last < 2^64 - 1. Errors: usage.
NODISCARD bool number_range_parse(const char *option, const char *text, uint64_t *first,
                                  uint64_t *last, Error *error);

// "SHARD/SHARDS": 1 <= shard <= shards <= 100000. Errors: usage.
NODISCARD bool shard_parse(const char *option, const char *text, uint32_t *shard, uint32_t *shards,
                           Error *error);

#endif
