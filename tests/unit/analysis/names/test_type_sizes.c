// Types with merged functions, told apart by the sizes of their objects.

#include <criterion/criterion.h>

#include "analysis/names/type_sizes.h"

#define TRACE 0x1000u
#define DROP 0x2000u

static char journal[] = "shop::Journal", prices[] = "shop::Prices", label[] = "shop::Label";
static uint64_t traces[1] = {TRACE}, drops[1] = {DROP}, other_drops[1] = {DROP + 16};

#define TYPE(what, size, of)                                                                       \
    {                                                                                              \
        .name = what, .object_bytes = size, .type_word_count = 1, .type_words = traces,            \
        .drop_count = 1, .drops = of                                                               \
    }

static SnapshotDataType types[] = {
    TYPE(journal, 4144, drops),
    TYPE(prices, 2048, drops),
    TYPE(label, 60, other_drops),
};

static void check_name(uint64_t drop, uint32_t block_size, uint32_t count, const char *expected)
{
    const SnapshotDetails details = {.data_type_count = 3, .data_types = types};
    TypeSizes *sizes;
    Error error;

    cr_assert(type_sizes_new(&details, &sizes, &error));
    const char *name = type_sizes_name(sizes, TRACE, drop, block_size, count);
    if (expected == NULL)
        cr_expect_null(name);
    else
        cr_expect_str_eq(name, expected);
    type_sizes_free(sizes);
}

Test(type_sizes, a_size_that_one_type_has_names_it)
{
    check_name(DROP, 4144, 2, "shop::Journal");
    check_name(DROP, 2048, 2, "shop::Prices");
    check_name(DROP + 16, 64, 1, "shop::Label");
}

Test(type_sizes, a_size_that_no_type_has_names_none)
{
    check_name(DROP, 4152, 2, NULL);
    check_name(DROP, 64, 2, NULL);
    check_name(DROP + 16, 128, 1, NULL);
}

Test(type_sizes, all_sizes_must_be_known)
{
    check_name(DROP, 2048, 3, NULL);
}
