// Budgets: lines, comments, reasons, and what is said about lines that are neither.

#include <criterion/criterion.h>
#include <string.h>

#include "formats/budget_file.h"

static Budget parsed(const char *text)
{
    Budget budget;
    Error error;

    cr_assert(budget_parse("heap.budget", text, strlen(text), &budget, &error), "%s",
              error.message);
    return budget;
}

Test(budget_file, limits_have_their_lines_and_reasons)
{
    Budget budget = parsed("# Heap of the shop.\n"
                           "\n"
                           "count(shop::Session) <= 1000  # the load opens 500\n"
                           "# Two generations of prices.\n"
                           "retained(shop::Cache) <= 5MiB\n"
                           "complete");

    cr_assert_eq(budget.limit_count, 3);
    cr_expect_str_eq(budget.limits[0].limit.text, "count(shop::Session) <= 1000");
    cr_expect_str_eq(budget.limits[0].reason, "the load opens 500");
    cr_expect_eq(budget.limits[0].line, 3);
    cr_expect_str_eq(budget.limits[1].reason, "Two generations of prices.");
    cr_expect_eq(budget.limits[1].line, 5);
    cr_expect_str_eq(budget.limits[2].reason, "");
    budget_release(&budget);
}

Test(budget_file, as_editors_and_git_on_other_systems_leave_it)
{
    Budget budget =
        parsed("\xef\xbb\xbf"
               "complete\r\n\r\n# reason\r\n  suspects = 0\t\r\nknown leak 0A1B2C3D # old\r\n");

    cr_assert_eq(budget.limit_count, 2);
    cr_expect_str_eq(budget.limits[1].limit.text, "suspects = 0");
    cr_expect_str_eq(budget.limits[1].reason, "reason");
    cr_expect_eq(budget.limits[1].line, 4);
    cr_assert_eq(budget.known_count, 1);
    cr_expect_str_eq(budget.known[0].fingerprint, "0a1b2c3d");
    cr_expect_str_eq(budget.known[0].reason, "old");
    cr_expect_eq(budget.known[0].line, 5);
    budget_release(&budget);
}

Test(budget_file, a_hash_within_a_name_begins_no_comment)
{
    Budget budget = parsed("count(shop::{closure#0}) <= 1 # one\n"
                           "no path shop::{impl#3} -> b#c\n"
                           "count(\"type #7 (trace shop+0x1f40)\") <= 2 #\n");

    cr_assert_eq(budget.limit_count, 3);
    cr_expect_str_eq(budget.limits[0].limit.type, "shop::{closure#0}");
    cr_expect_str_eq(budget.limits[1].limit.type, "shop::{impl#3}");
    cr_expect_str_eq(budget.limits[1].limit.target, "b#c");
    cr_expect_str_eq(budget.limits[2].limit.type, "type #7 (trace shop+0x1f40)");
    budget_release(&budget);
}

Test(budget_file, known_leaks_may_leave_out_a_word)
{
    Budget budget = parsed("known 12345678\nknown\tleak\t87654321\n");

    cr_assert_eq(budget.known_count, 2);
    cr_expect_str_eq(budget.known[1].fingerprint, "87654321");
    budget_release(&budget);
}

static void expect_refused(const char *text, size_t length, ErrorCode code, const char *message)
{
    Budget budget;
    Error error;

    cr_expect_not(budget_parse("heap.budget", text, length, &budget, &error));
    cr_expect_eq(error.code, code);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
    budget_release(&budget);
}

Test(budget_file, errors_name_the_line)
{
    const char *broken = "complete\n\ncount(x <= 1\n", *leak = "known leak 123\n";

    expect_refused(broken, strlen(broken), ERROR_USAGE, "heap.budget:3: column 13: ')' is missing");
    expect_refused(leak, strlen(leak), ERROR_USAGE, "heap.budget:1: '123' is not the fingerprint");
    expect_refused("comp\0lete", 9, ERROR_CORRUPT, "it is not text");
    expect_refused("\x1f\x8bzip", 5, ERROR_CORRUPT, "it is not text");
}

Test(budget_file, empty_files_have_no_limits)
{
    Budget budget = parsed("");

    cr_expect_eq(budget.limit_count, 0);
    budget_release(&budget);
    budget = parsed("# nothing\n\n");
    cr_expect_eq(budget.limit_count, 0);
    budget_release(&budget);
}
