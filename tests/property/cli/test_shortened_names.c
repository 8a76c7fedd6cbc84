// Names in columns that are shortened: different names stay different, no cell is wider than asked
// for, and addresses stay whole.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/shortening.h"
#include "cli/terminal.h"
#include "tests/support/dose.h"
#include "tests/support/xorshift.h"

#define CASES 400u
#define MOST_CELLS 60u
#define MOST_PARTS 12u

// Names of few parts, so that many of them are nearly alike.
static char *random_name(Xorshift *random)
{
    static const char *const parts[] = {"shop",  "::",  "Order", "<",  ">",        "std::vec::Vec",
                                        "alloc", "Arc", "::T",   ", ", "\xc3\xa9", "~1"};
    char text[MOST_PARTS * 16 + 64] = "";
    uint64_t count = 1 + xorshift_below(random, MOST_PARTS);
    size_t length = 0;

    if (xorshift_below(random, 4) == 0)
        length +=
            (size_t)sprintf(text, "%*s%s", (int)(xorshift_below(random, 5) * 3), "", tree_branch());
    for (uint64_t i = 0; i < count; i++)
        length += (size_t)sprintf(text + length, "%s", parts[xorshift_below(random, 12)]);
    if (xorshift_below(random, 4) == 0)
        (void)sprintf(text + length, " 0x%" PRIx64, xorshift_below(random, 4));
    return strdup(text);
}

static size_t branches_width(const char *text)
{
    size_t blanks = strspn(text, " ");

    return blanks + (strncmp(text + blanks, tree_branch(), strlen(tree_branch())) == 0 ? 3 : 0);
}

static const char *address_of(const char *text)
{
    const char *blank = strrchr(text, ' ');

    return blank != NULL && strncmp(blank, " 0x", 3) == 0 ? blank : NULL;
}

// A name that fits loses its modules at most, when all others lose theirs.
static bool is_whole(const char *before, const char *after)
{
    char *bare = name_without_modules(before);
    bool is_whole = strcmp(before, after) == 0 || strcmp(bare, after) == 0;

    free(bare);
    return is_whole;
}

static void check_cells(char **before, char **after, uint32_t count, size_t width, uint64_t seed)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *address = address_of(before[i]);
        size_t least = address != NULL ? LEAST_HEAD_WIDTH + 3 + strlen(address) : 0;
        size_t most =
            branches_width(before[i]) + (least > LEAST_NAME_WIDTH ? least : LEAST_NAME_WIDTH);

        cr_assert_leq(text_width(after[i]), most > width ? most : width,
                      "'%s' of '%s', TEST_SEED=%" PRIu64, after[i], before[i], seed);
        if (text_width(before[i]) <= width)
            cr_assert(is_whole(before[i], after[i]), "'%s' of '%s', TEST_SEED=%" PRIu64, after[i],
                      before[i], seed);
        cr_assert_eq(strncmp(before[i], after[i], strspn(before[i], " ")), 0);
        if (address != NULL)
            cr_assert(strstr(after[i], address) != NULL, "'%s' of '%s', TEST_SEED=%" PRIu64,
                      after[i], before[i], seed);
        for (uint32_t j = 0; j < i; j++)
            cr_assert_eq(strcmp(before[i], before[j]) == 0, strcmp(after[i], after[j]) == 0,
                         "'%s' and '%s', TEST_SEED=%" PRIu64, after[i], after[j], seed);
    }
}

static void check_case(uint64_t seed)
{
    Xorshift random = xorshift_seeded(seed);
    uint32_t count = 2 + (uint32_t)(xorshift_below(&random, MOST_CELLS - 2));
    size_t width = 12 + xorshift_below(&random, 60);
    char *before[MOST_CELLS], *after[MOST_CELLS];

    for (uint32_t i = 0; i < count; i++) {
        before[i] = random_name(&random);
        after[i] = strdup(before[i]);
    }
    shorten_names(after, count, width);
    check_cells(before, after, count, width, seed);
    for (uint32_t i = 0; i < count; i++) {
        free(before[i]);
        free(after[i]);
    }
}

Test(shortening, different_names_stay_different_and_fit)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++)
        check_case(first + i);
}
