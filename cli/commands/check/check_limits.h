// The limits of a check, from the budget and from the command line, and what they need.

#ifndef CLI_COMMANDS_CHECK_CHECK_LIMITS_H
#define CLI_COMMANDS_CHECK_CHECK_LIMITS_H

#include "cli/command.h"
#include "formats/budget_file.h"
#include "formats/json/check_json.h"

// A zeroed struct may be released.
typedef struct CheckLimits {
    const char *budget_path; // NULL: none; borrowed
    Budget budget;
    HeapLimit given[OPTION_MAX_TEXTS]; // on the command line
    uint32_t given_count;
    uint32_t count;
    CheckedLimit *limits; // each text once; those of the budget first; owned
    uint32_t repeated;    // limits that are left out because they were given before
    unsigned needs;       // LimitNeeds of all of them
} CheckLimits;

// Reads and parses all. Errors: usage (there is no limit, or one that cannot be read, or one of
// growth without a baseline), system, memory. Released by check_limits_release() in any case.
NODISCARD bool check_limits_make(const char *budget_path, const OptionTexts *texts,
                                 bool has_baseline, CheckLimits *out, Error *error);
void check_limits_release(CheckLimits *limits);

// Sets which findings are known, and which known leaks were found.
void check_limits_match(CheckLimits *limits, LeakFindings *findings);

#endif
