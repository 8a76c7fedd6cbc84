// `--schedule` and `--scheduler`: see cli/schedule_option.h.

#include "cli/schedule_option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark_schedule.h"

const OptionChoice scheduler_choices[] = {
    {"random", SCHEDULE_RANDOM},
    {"round-robin", SCHEDULE_ROUND_ROBIN},
    {"pct", SCHEDULE_PCT},
    {"preemption", SCHEDULE_PREEMPTION},
    {"longest-idle", SCHEDULE_LONGEST_IDLE},
    {"thief", SCHEDULE_THIEF},
    {"clock", SCHEDULE_CLOCK},
    {NULL, 0},
};

static bool parse_seed(const char *text, uint64_t *seed, Error *error)
{
    char *end;

    errno = 0;
    // strtoull() would also take blanks and signs.
    *seed = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9')
        return error_set(error, ERROR_USAGE, "--schedule: '%s' is not a seed", text);
    return true;
}

bool schedule_option_parse(const char *text, ScheduleOption *option, Error *error)
{
    *option = (ScheduleOption){.is_scheduled = false};
    if (text == NULL || strcmp(text, "threads") == 0)
        return true;
    option->is_scheduled = true;
    if (strncmp(text, "seed:", 5) == 0)
        return parse_seed(text + 5, &option->seed, error);
    return error_set(error, ERROR_USAGE, "--schedule: '%s' is neither 'threads' nor 'seed:S'",
                     text);
}
