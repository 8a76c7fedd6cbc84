// Values of options that have a unit: "250ms", "1.5h", "64MiB".

#ifndef CLI_OPTION_VALUES_H
#define CLI_OPTION_VALUES_H

#include <stdbool.h>
#include <stdint.h>

// A number, perhaps with a fraction, and a unit: ns, us, ms, s, m, h; without unit seconds.
// *out is in nanoseconds. False, with *out as it was: the text is not a duration, is negative, or
// too large.
bool parse_duration(const char *text, int64_t *out);

// The same in bytes: B, K, M, G, T, each with or without "iB" or "B" (all are powers of 1024);
// without unit bytes.
bool parse_byte_count(const char *text, int64_t *out);

#endif
