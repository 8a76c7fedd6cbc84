// The grammar of limits, and what is said about texts that are not limits.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/heap_limit.h"

static HeapLimit parsed(const char *text)
{
    HeapLimit limit;
    Error error;

    cr_assert(heap_limit_parse(text, "--limit", &limit, &error), "%s: %s", text, error.message);
    return limit;
}

static void expect_type(const char *text, LimitMeasure measure, const char *type,
                        LimitComparison comparison, LimitUnit unit, uint64_t amount)
{
    HeapLimit limit = parsed(text);

    cr_expect_eq(limit.measure, measure, "%s", text);
    cr_expect(type == NULL ? limit.type == NULL
                           : limit.type != NULL && strcmp(limit.type, type) == 0,
              "%s: %s", text, limit.type);
    cr_expect_eq(limit.comparison, comparison, "%s", text);
    cr_expect_eq(limit.unit, unit, "%s", text);
    cr_expect_eq(limit.amount, amount, "%s: %" PRIu64, text, limit.amount);
    heap_limit_release(&limit);
}

#define PER_CENT LIMIT_PERCENT_SCALE

Test(heap_limit, each_measure)
{
    expect_type("count(shop::Order) <= 1000", LIMIT_COUNT, "shop::Order", LIMIT_AT_MOST,
                LIMIT_NUMBER, 1000);
    expect_type("retained(shop::Cache)<=5MiB", LIMIT_RETAINED, "shop::Cache", LIMIT_AT_MOST,
                LIMIT_BYTES, 5 << 20);
    expect_type("malloc( shop::Session ) < 64 kB", LIMIT_MALLOC, "shop::Session", LIMIT_BELOW,
                LIMIT_BYTES, 64000);
    expect_type("growth(shop::*) <= 10 %", LIMIT_GROWTH, "shop::*", LIMIT_AT_MOST, LIMIT_PERCENT,
                10 * PER_CENT);
    expect_type("reachable > 1_000", LIMIT_REACHABLE, NULL, LIMIT_ABOVE, LIMIT_NUMBER, 1000);
    expect_type("unreachable <= 12.5%", LIMIT_UNREACHABLE, NULL, LIMIT_AT_MOST, LIMIT_PERCENT,
                12500000);
    expect_type("pages <= 2.5GB", LIMIT_PAGES, NULL, LIMIT_AT_MOST, LIMIT_BYTES, 2500000000);
    expect_type("occupancy >= 70%", LIMIT_OCCUPANCY, NULL, LIMIT_AT_LEAST, LIMIT_PERCENT,
                70 * PER_CENT);
    expect_type("  suspects = 0\t", LIMIT_SUSPECTS, NULL, LIMIT_EQUAL, LIMIT_NUMBER, 0);
    expect_type("suspects == 0", LIMIT_SUSPECTS, NULL, LIMIT_EQUAL, LIMIT_NUMBER, 0);
    expect_type("complete", LIMIT_COMPLETE, NULL, LIMIT_AT_MOST, LIMIT_NUMBER, 0);
}

Test(heap_limit, shares_of_what_is_reachable)
{
    HeapLimit limit = parsed("retained(shop::Cache) <= 10% of reachable");

    cr_expect(limit.is_of_reachable);
    heap_limit_release(&limit);
    limit = parsed("retained(shop::Cache) <= 10%");
    cr_expect_not(limit.is_of_reachable);
    cr_expect_str_eq(limit.text, "retained(shop::Cache) <= 10%");
    heap_limit_release(&limit);
}

Test(heap_limit, names_of_types_may_hold_brackets_arrows_and_other_scripts)
{
    static const char *const names[] = {
        "(u32, shop::Cart)", "fn(u8) -> (i8, i8)",      "[shop::Order; 4]",
        "läden::Bestellung", "shop::main::{closure#0}", "*const (u8, u8)",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[100];

        (void)snprintf(text, sizeof text, "count(%s) <= 1", names[i]);
        expect_type(text, LIMIT_COUNT, names[i], LIMIT_AT_MOST, LIMIT_NUMBER, 1);
    }
    expect_type("count(\"odd ) name\") <= 1", LIMIT_COUNT, "odd ) name", LIMIT_AT_MOST,
                LIMIT_NUMBER, 1);
}

Test(heap_limit, total_is_all_types_unless_it_is_a_name)
{
    HeapLimit limit = parsed("growth(total) <= 1MiB");

    cr_expect(limit.is_total);
    heap_limit_release(&limit);
    limit = parsed("count(type:total) <= 1");
    cr_expect_not(limit.is_total);
    cr_expect_str_eq(limit.type, "total");
    heap_limit_release(&limit);
}

Test(heap_limit, quotes_of_both_kinds_only_delimit)
{
    static const char *const totals[] = {"count('total') <= 1", "count( \"total\" ) <= 1"};
    HeapLimit limit;

    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        limit = parsed(totals[i]);
        cr_expect(limit.is_total, "%s", totals[i]);
        heap_limit_release(&limit);
    }
    limit = parsed("count(type:'total') <= 1");
    cr_expect_not(limit.is_total);
    cr_expect_str_eq(limit.type, "total");
    heap_limit_release(&limit);
    expect_type("count('shop::*') <= 1", LIMIT_COUNT, "shop::*", LIMIT_AT_MOST, LIMIT_NUMBER, 1);
    expect_type("count('odd ) name') <= 1", LIMIT_COUNT, "odd ) name", LIMIT_AT_MOST, LIMIT_NUMBER,
                1);
    limit = parsed("no path 'fn(u8) -> u8' -> 'shop::S*'");
    cr_expect_str_eq(limit.type, "fn(u8) -> u8");
    cr_expect_str_eq(limit.target, "shop::S*");
    heap_limit_release(&limit);
}

Test(heap_limit, lifetimes_are_parts_of_names)
{
    static const char *const texts[] = {"count(Foo<'a>) <= 1", "count(\"Foo<'a>\") <= 1",
                                        "count('Foo<'a>') <= 1"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_type(texts[i], LIMIT_COUNT, "Foo<'a>", LIMIT_AT_MOST, LIMIT_NUMBER, 1);
    expect_type("count(&'static str) <= 1", LIMIT_COUNT, "&'static str", LIMIT_AT_MOST,
                LIMIT_NUMBER, 1);
}

Test(heap_limit, growth_and_garbage_may_be_more_than_all)
{
    expect_type("growth(total) <= 500%", LIMIT_GROWTH, "total", LIMIT_AT_MOST, LIMIT_PERCENT,
                500 * PER_CENT);
    expect_type("growth(total) < 0", LIMIT_GROWTH, "total", LIMIT_BELOW, LIMIT_NUMBER, 0);
    expect_type("unreachable <= 300% of reachable", LIMIT_UNREACHABLE, NULL, LIMIT_AT_MOST,
                LIMIT_PERCENT, 300 * PER_CENT);
    expect_type("occupancy = 100%", LIMIT_OCCUPANCY, NULL, LIMIT_EQUAL, LIMIT_PERCENT,
                100 * PER_CENT);
}

Test(heap_limit, paths)
{
    HeapLimit limit = parsed("no path  shop::Global ->shop::Temp ");

    cr_expect_eq(limit.measure, LIMIT_NO_PATH);
    cr_expect_str_eq(limit.type, "shop::Global");
    cr_expect_str_eq(limit.target, "shop::Temp");
    heap_limit_release(&limit);
    limit = parsed("no path \"fn(u8) -> u8\" -> T<fn() -> u8>");
    cr_expect_str_eq(limit.type, "fn(u8) -> u8");
    cr_expect_str_eq(limit.target, "T<fn() -> u8>");
    heap_limit_release(&limit);
}

// Is refused with the column, `what` in the message, and `advice` in the hint.
static void expect_refused(const char *text, unsigned column, const char *what, const char *advice)
{
    char place[32];
    HeapLimit limit;
    Error error = {.code = ERROR_NONE};

    (void)snprintf(place, sizeof place, "x.budget:7: column %u: ", column);
    cr_expect_not(heap_limit_parse(text, "x.budget:7", &limit, &error), "%s", text);
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_eq(strncmp(error.message, place, strlen(place)), 0, "%s: %s", text, error.message);
    cr_expect_not_null(strstr(error.message, what), "%s: %s", text, error.message);
    cr_expect_not_null(strstr(error.hint, advice), "%s: %s", text, error.hint);
    cr_expect_not_null(strchr(error.hint, '^'));
    heap_limit_release(&limit);
}

Test(heap_limit, errors_name_the_column_and_the_way_out)
{
    expect_refused("", 1, "a measure is expected", "count(shop::Order) <= 1000");
    expect_refused("cuont(shop::Order) <= 1", 1, "not a measure", "'count'");
    expect_refused("shop::Order <= 1", 1, "not a measure", "count(TYPE)");
    expect_refused("count shop::Order <= 1", 7, "'(' is expected", "count(total)");
    expect_refused("count(shop::Order <= 1", 23, "')' is missing", "count(shop::Order) <= 1000");
    expect_refused("count( ) <= 1", 8, "name of a type", "total");
    expect_refused("count(shop::Order) 1000", 20, "a comparison", "<=");
    expect_refused("count(shop::Order) <= many", 23, "a number is expected", "10%");
    expect_refused("count(shop::Order) <= nan", 23, "a number is expected", "10%");
    expect_refused("count(shop::Order) <= -1", 23, "not negative", "growth");
    expect_refused("count(shop::Order) <= 1,000", 24, "comma", "1_000");
    expect_refused("count(shop::Order) <= 1.5", 23, "no fraction", "2.5MiB");
    expect_refused("count(shop::Order) <= 5MiB", 23, "number of objects", "count(");
    expect_refused("retained(shop::Order) <= 5", 26, "size with a unit", "5MiB");
    expect_refused("retained(shop::Order) <= 5KB", 27, "not a unit", "KiB");
    expect_refused("occupancy >= 70", 14, "a percentage", "70%");
    expect_refused("pages <= 10%", 10, "a number, or a size", "5000");
    expect_refused("count(x) <= 18446744073709551616", 13, "too large", "18,446");
    expect_refused("retained(x) <= 17000000TiB", 16, "too large", "TiB");
    expect_refused("growth(x) <= 10000000000%", 14, "too large", "1000000000%");
    expect_refused("growth(x) <= 1.0000001%", 22, "six digits", "0.25%");
    expect_refused("growth(x) <= 10% of reachable", 18, "'of' does not belong", "retained");
    expect_refused("retained(x) <= 10% of all", 23, "'reachable' is expected", "total");
    expect_refused("count(x) <= 1 count(y) <= 2", 15, "not a unit", "KiB");
    expect_refused("complete today", 10, "has ended", "complete");
    expect_refused("no shop::Order", 4, "'path' is expected", "no path");
    expect_refused("no path shop::Order", 20, "'->' is expected", "no path");
    expect_refused("no path a -> b -> c", 16, "second '->'", "into quotes");
    expect_refused("no path a -> ", 13, "name of a type", "total");
    expect_refused("count('shop::*) <= 1", 7, "no partner", "count(shop::Order)");
    expect_refused("count(shop::*') <= 1", 14, "no partner", "count(shop::Order)");
    expect_refused("count(\"'a'\") <= 1", 8, "second quote", "one pair");
    expect_refused("count('') <= 1", 8, "name of a type", "total");
    expect_refused("count(x) <= 1e3", 13, "exponent", "write 1000");
    expect_refused("count(x) <= 1e99", 13, "exponent", "1_000");
    expect_refused("occupancy >= 500%", 14, "at most 100%", "occupancy >= 70%");
    expect_refused("retained(x) <= 100.5%", 16, "at most 100%", "5MiB");
    expect_refused("count(x) > 100% of reachable", 12, "above 100%", "count(");
    expect_refused("pages < 0", 9, "below 0", "pages <= 5000");
    expect_refused("no path total -> a", 9, "from a type", "type:total");
}

Test(heap_limit, columns_count_characters_and_the_caret_stands_below)
{
    HeapLimit limit;
    Error error;

    cr_expect_not(heap_limit_parse("count(läden::Öl) ~ 1", "--limit", &limit, &error));
    cr_expect_not_null(strstr(error.message, "column 18"), "%s", error.message);
    cr_expect_not_null(strstr(error.hint, "count(läden::Öl) ~ 1\n                 ^\n"), "%s",
                       error.hint);
}

Test(heap_limit, long_limits_are_shown_around_the_place)
{
    char text[LIMIT_MAX_CHARS + 100];
    HeapLimit limit;
    Error error;

    memset(text, 'a', sizeof text);
    memcpy(text, "count(", 6);
    (void)strcpy(text + 3000, ") ? 1");
    cr_expect_not(heap_limit_parse(text, "--limit", &limit, &error));
    cr_expect_not_null(strstr(error.hint, "...aaaa"), "%s", error.hint);
    cr_expect_not_null(strstr(error.hint, "a) ? 1\n"), "%s", error.hint);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_not(heap_limit_parse(text, "--limit", &limit, &error));
    cr_expect_not_null(strstr(error.message, "at most 4096"), "%s", error.message);
}

Test(heap_limit, the_largest_numbers_are_taken)
{
    expect_type("count(x) <= 18446744073709551615", LIMIT_COUNT, "x", LIMIT_AT_MOST, LIMIT_NUMBER,
                UINT64_MAX);
    expect_type("retained(x) <= 16777215TiB", LIMIT_RETAINED, "x", LIMIT_AT_MOST, LIMIT_BYTES,
                UINT64_C(16777215) << 40);
    expect_type("growth(x) <= 1000000000%", LIMIT_GROWTH, "x", LIMIT_AT_MOST, LIMIT_PERCENT,
                UINT64_C(1000000000) * PER_CENT);
}
