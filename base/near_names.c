// Near names: see base/near_names.h.

#include "base/near_names.h"

#include <stdbool.h>
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

// ---- words ----

// A word of a name: "shop::Cart<u64>" has three.
typedef struct Word {
    const char *start;
    size_t length;
} Word;

// Words of a name that are looked at: a name may be as long as a file.
#define MOST_WORDS 64u

static bool is_of_word(char letter)
{
    return (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
           letter == '_' || ((unsigned char)letter & 0x80) != 0;
}

// The next word from `*at` on, which moves behind it; length 0: none.
static Word next_word(const char **at)
{
    Word word;

    while (**at != '\0' && !is_of_word(**at))
        ++*at;
    word = (Word){*at, 0};
    while (is_of_word(**at)) {
        ++*at;
        word.length++;
    }
    return word;
}

// "Cart" of "shop::Cart<u64>": the last word before type parameters; all of it if it has no word.
static Word last_part(const char *name)
{
    Word last = {name, strlen(name)};

    for (const char *at = name; *at != '\0' && *at != '<';) {
        Word word = next_word(&at);

        if (word.length > 0)
            last = word;
        while (*at != '\0' && *at != '<' && !is_of_word(*at))
            at++;
    }
    return last;
}

static bool is_same(Word a, Word b)
{
    for (size_t i = 0; i < a.length && i < b.length; i++)
        if (lower(a.start[i]) != lower(b.start[i]))
            return false;
    return a.length == b.length;
}

// ---- how near ----

// Ranks, 0 being best: another case only; a word of it; a part of it; misspelt. In each, shorter
// names come first.
enum { RANK_PART = 0, RANK_WORD = 100, RANK_CONTAINED = 200, RANK_MISSPELT = 300 };
#define MOST_IN_RANK 99u

static uint32_t in_rank(uint32_t rank, size_t excess)
{
    return rank + (excess / 8 < MOST_IN_RANK ? (uint32_t)(excess / 8) : MOST_IN_RANK);
}

static bool contains(const char *name, size_t name_length, const char *wrong, size_t length)
{
    for (size_t at = 0; length > 0 && at + length <= name_length; at++) {
        size_t same = 0;

        while (same < length && lower(name[at + same]) == lower(wrong[same]))
            same++;
        if (same == length)
            return true;
    }
    return false;
}

// The edits between two texts; FAR if these are more than a third of the wrong one's letters.
static uint32_t few_edits(Word wrong, Word right)
{
    size_t most = (wrong.length + 2) / 3, edits;

    if (wrong.length > EDIT_DISTANCE_MAX || right.length > EDIT_DISTANCE_MAX ||
        wrong.length + most < right.length || right.length + most < wrong.length)
        return FAR;
    edits = edit_distance(wrong.start, wrong.length, right.start, right.length);
    return edits <= most ? (uint32_t)edits : FAR;
}

// A wrong name, of which the parts are looked up once.
typedef struct WrongName {
    Word whole;
    Word part;
} WrongName;

// Of the words of a name: is one the wrong name's part, and how many edits are to the nearest?
static bool has_word(const WrongName *wrong, const char *name, uint32_t *edits)
{
    *edits = FAR;
    for (uint32_t i = 0; i < MOST_WORDS; i++) {
        Word word = next_word(&name);

        if (word.length == 0)
            return false;
        if (is_same(word, wrong->part))
            return true;
        *edits = smaller(*edits, few_edits(wrong->part, word));
    }
    return false;
}

static uint32_t distance(const WrongName *wrong, const char *name)
{
    size_t length = strlen(name);
    size_t excess = length > wrong->whole.length ? length - wrong->whole.length : 0;
    uint32_t edits, parts;

    if (wrong->whole.length == 0)
        return FAR;
    if (is_same(last_part(name), wrong->part))
        return in_rank(RANK_PART, excess);
    if (has_word(wrong, name, &edits))
        return in_rank(RANK_WORD, excess);
    if (contains(name, length, wrong->whole.start, wrong->whole.length))
        return in_rank(RANK_CONTAINED, excess);
    parts = few_edits(wrong->part, last_part(name));
    edits = smaller(edits, few_edits(wrong->whole, (Word){name, length}));
    // Of a word among the type parameters, one edit more.
    edits = smaller(parts, edits == FAR ? FAR : edits + 1);
    return edits == FAR ? FAR : RANK_MISSPELT + edits;
}

unsigned near_names_find(NameList list, const char *wrong, const char **near, unsigned most)
{
    const WrongName wrong_name = {.whole = {wrong, strlen(wrong)}, .part = last_part(wrong)};
    uint32_t distances[8];
    unsigned count = 0;

    most = most < 8 ? most : 8;
    for (uint64_t i = 0; i < list.count; i++) {
        const char *name = list.name(list.context, i);
        uint32_t far = distance(&wrong_name, name);
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
