// Suggestions for mistyped names.

#include <string.h>

#include "cli/command.h"

#define LONGEST_NAME 32u

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

// Edits (insert, delete, replace, swap of neighbours) that turn one into the other.
static size_t edit_distance(const char *from, const char *to)
{
    size_t rows[3][LONGEST_NAME + 1];
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];
    size_t from_length = strlen(from), to_length = strlen(to);

    for (size_t column = 0; column <= to_length; column++)
        previous[column] = column;
    for (size_t row = 1; row <= from_length; row++) {
        size_t *free_row = before;

        current[0] = row;
        for (size_t column = 1; column <= to_length; column++) {
            size_t replaced = previous[column - 1] + (from[row - 1] != to[column - 1]);

            current[column] = smallest(previous[column] + 1, current[column - 1] + 1, replaced);
            if (row > 1 && column > 1 && from[row - 1] == to[column - 2] &&
                from[row - 2] == to[column - 1] && before[column - 2] + 1 < current[column])
                current[column] = before[column - 2] + 1;
        }
        before = previous;
        previous = current;
        current = free_row;
    }
    return previous[to_length];
}

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
                       : edit_distance(wrong, *names);
        if (distance < best_distance && distance <= (length + 2) / 3) {
            best = *names;
            best_distance = distance;
        }
    }
    return best;
}
