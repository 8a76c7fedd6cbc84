// Lists, ranges and shards in options.

#include <criterion/criterion.h>
#include <string.h>

#include "cli/number_list.h"

Test(number_list, lists_keep_their_order_and_each_number_once)
{
    uint32_t list[16], count;
    Error error;

    cr_assert(number_list_parse("--workers", "4,1,16,4,1", 1, 16, list, &count, &error));
    cr_assert_eq(count, 3);
    cr_expect_eq(list[0], 4);
    cr_expect_eq(list[1], 1);
    cr_expect_eq(list[2], 16);
}

Test(number_list, other_lists_are_refused)
{
    static const char *const texts[] = {"",     ",",    "1,", ",1",  "0",  "17",
                                        "1, 2", "1..2", "-1", "1;2", "+1", "99999999999999999999"};
    uint32_t list[16], count;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Error error = {.code = ERROR_NONE};

        cr_expect(!number_list_parse("--workers", texts[i], 1, 16, list, &count, &error), "'%s'",
                  texts[i]);
        cr_expect_eq(error.code, ERROR_USAGE, "'%s'", texts[i]);
        cr_expect(strncmp(error.message, "--workers: '", 12) == 0, "%s", error.message);
    }
}

Test(number_list, ranges_are_one_number_or_two)
{
    uint64_t first, last;
    Error error;

    cr_assert(number_range_parse("--seeds", "7", &first, &last, &error));
    cr_expect(first == 7 && last == 7);
    cr_assert(number_range_parse("--seeds", "1..20", &first, &last, &error));
    cr_expect(first == 1 && last == 20);
    cr_assert(number_range_parse("--seeds", "0..18446744073709551614", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "0..18446744073709551615", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "5..4", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "1..", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "..1", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "1...2", &first, &last, &error));
    cr_expect(!number_range_parse("--seeds", "1-2", &first, &last, &error));
}

Test(number_list, shards_count_from_one)
{
    uint32_t shard, shards;
    Error error;

    cr_assert(shard_parse("--shard", "2/4", &shard, &shards, &error));
    cr_expect(shard == 2 && shards == 4);
    cr_assert(shard_parse("--shard", "100000/100000", &shard, &shards, &error));
    cr_expect(!shard_parse("--shard", "0/4", &shard, &shards, &error));
    cr_expect(!shard_parse("--shard", "5/4", &shard, &shards, &error));
    cr_expect(!shard_parse("--shard", "1/100001", &shard, &shards, &error));
    cr_expect(!shard_parse("--shard", "1", &shard, &shards, &error));
    cr_expect(!shard_parse("--shard", "1/2/3", &shard, &shards, &error));
}
