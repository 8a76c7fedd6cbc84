// Texts are ranked as strcmp() orders them; equal ones share a rank.

#include <criterion/criterion.h>

#include "base/text_ranks.h"

Test(text_ranks, equal_texts_have_one_rank)
{
    static const char first[] = "shop", second[] = "shop";
    const char *const texts[] = {"tree", first, NULL, second, first, "", "shops"};
    uint32_t ranks[7];
    Error error;

    cr_assert(text_ranks_make(texts, 7, ranks, &error));
    cr_expect_eq(ranks[2], 0);
    cr_expect_eq(ranks[5], 0);
    cr_expect_eq(ranks[1], 1);
    cr_expect_eq(ranks[3], 1);
    cr_expect_eq(ranks[4], 1);
    cr_expect_eq(ranks[6], 2);
    cr_expect_eq(ranks[0], 3);
}

Test(text_ranks, no_texts_have_no_ranks)
{
    uint32_t rank = 7;
    Error error;

    cr_assert(text_ranks_make(NULL, 0, &rank, &error));
    cr_expect_eq(rank, 7);
}
