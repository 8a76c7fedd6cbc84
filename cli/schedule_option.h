// `--schedule` and `--scheduler`: who makes the next step of a mark.

#ifndef CLI_SCHEDULE_OPTION_H
#define CLI_SCHEDULE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "snapshot/error.h"

// Virtual workers when nobody says how many: the same on every machine.
#define DEFAULT_VIRTUAL_WORKERS 16u

typedef struct ScheduleOption {
    bool is_scheduled; // false: threads
    uint64_t seed;     // of "seed:S"
} ScheduleOption;

// "threads", "seed:S". NULL is "threads". Errors: usage.
NODISCARD bool schedule_option_parse(const char *text, ScheduleOption *option, Error *error);

// Choices of `--scheduler`: SchedulePolicy.
extern const OptionChoice scheduler_choices[];

#endif
