// Near names: see base/near_names.h.

#include "base/near_names.h"

#include <string.h>

#define FAR UINT32_MAX

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint32_t)(letter - 'A' + 'a') : (unsigned char)letter;
}

uint32_t edit_distance(const char *from, size_t from_length, const char *to, size_t to_length)
{
    uint32_t rows[3][EDIT_DISTANCE_MAX + 1];
    uint32_t *before = rows[0], *previous = rows[1], *current = rows[2];

    for (uint32_t column = 0; column <= to_length; column++)
        previous[column] = column;
    for (uint32_t row = 1; row <= from_length; row++) {
        uint32_t *free_row = before;

        current[0] = row;
        for (uint32_t column = 1; column <= to_length; column++) {
            uint32_t letter = lower(from[row - 1]), wanted = lower(to[column - 1]);
            uint32_t replaced = previous[column - 1] + (letter != wanted);

            current[column] = smaller(replaced, 1 + smaller(previous[column], current[column - 1]));
            if (row > 1 && column > 1 && letter == lower(to[column - 2]) &&
                wanted == lower(from[row - 2]))
                current[column] = smaller(current[column], before[column - 2] + 1);
        }
        before = previous;
        previous = current;
        current = free_row;
    }
    return previous[to_length];
}

// Behind the last "::" that is not inside type parameters.
static const char *last_part(const char *name)
{
    const char *part = name;

    for (const char *at = name; *at != '\0' && *at != '<'; at++)
        if (at[0] == ':' && at[1] == ':')
            part = at + 2;
    return part;
}

// 0 is best. Contained names come before misspelt ones.
static uint32_t distance(const char *wrong, const char *name)
{
    size_t length = strnlen(wrong, EDIT_DISTANCE_MAX),
           name_length = strnlen(name, EDIT_DISTANCE_MAX);
    const char *part = last_part(name), *wrong_part = last_part(wrong);
    size_t part_length = strnlen(part, EDIT_DISTANCE_MAX),
           wrong_part_length = strnlen(wrong_part, EDIT_DISTANCE_MAX);
    uint32_t whole, parts;

    for (size_t at = 0; length > 0 && at + length <= name_length; at++) {
        size_t same = 0;

        while (same < length && lower(name[at + same]) == lower(wrong[same]))
            same++;
        if (same == length)
            return (uint32_t)(name_length - length) / 8;
    }
    whole = edit_distance(wrong, length, name, name_length);
    parts = edit_distance(wrong_part, wrong_part_length, part, part_length);
    if (parts <= (wrong_part_length + 2) / 3)
        return 20 + parts;
    return whole <= (length + 2) / 3 ? 20 + whole : FAR;
}

unsigned near_names_find(NameList list, const char *wrong, const char **near, unsigned most)
{
    uint32_t distances[8];
    unsigned count = 0;

    most = most < 8 ? most : 8;
    for (uint64_t i = 0; i < list.count; i++) {
        const char *name = list.name(list.context, i);
        uint32_t far = distance(wrong, name);
        unsigned place = count;

        while (place > 0 && distances[place - 1] > far)
            place--;
        if (far == FAR || place == most || (place > 0 && strcmp(near[place - 1], name) == 0))
            continue;
        count += count < most;
        for (unsigned later = count - 1; later > place; later--) {
            near[later] = near[later - 1];
            distances[later] = distances[later - 1];
        }
        near[place] = name;
        distances[place] = far;
    }
    return count;
}
