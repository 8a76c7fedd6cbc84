// Suggestions for mistyped names.

#include <string.h>

#include "base/near_names.h"
#include "cli/command.h"

#define LONGEST_NAME 32u

const char *suggest(const char *wrong, const char *const *names)
{
    size_t wrong_length = strlen(wrong), best_distance = SIZE_MAX;
    const char *best = NULL;

    if (wrong_length == 0 || wrong_length > LONGEST_NAME)
        return NULL;
    for (; *names != NULL; names++) {
        size_t length = strlen(*names), distance;

        if (length > LONGEST_NAME)
            continue;
        // A prefix of a name comes first: --rel for --relocate.
        distance = wrong_length >= 2 && strncmp(wrong, *names, wrong_length) == 0
                       ? 0
                       : edit_distance(wrong, wrong_length, *names, length);
        if (distance < best_distance && distance <= (length + 2) / 3) {
            best = *names;
            best_distance = distance;
        }
    }
    return best;
}
