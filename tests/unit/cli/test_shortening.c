// Names without modules, and columns of names that are shortened.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/shortening.h"

#define expect_text(ACTUAL, EXPECTED)                                                              \
    do {                                                                                           \
        const char *actual = ACTUAL;                                                               \
        cr_expect(strcmp(actual, EXPECTED) == 0, "'%s', not '%s'", actual, EXPECTED);              \
    } while (0)

Test(shortening, modules_go_and_types_stay)
{
    static const char *const cases[][2] = {
        {"Order", "Order"},
        {"shop::Order", "Order"},
        {"shop::basket::Basket<shop::Item, alloc::vec::Vec<u8>>", "Basket<Item, Vec<u8>>"},
        {"<shop::Cart as shop::Sum>::total", "<Cart as Sum>::total"},
        {"service::main::{closure#0}", "main::{closure#0}"},
        {"foreign block 0x600000000640", "foreign block 0x600000000640"},
        {"type #3 (trace sessiond+0x1cd80)", "type #3 (trace sessiond+0x1cd80)"},
        {"a::", "a::"},
        {"::a::b", "::b"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = name_without_modules(cases[i][0]);

        expect_text(out, cases[i][1]);
        free(out);
    }
}

// Shortens two names, and compares.
static void check_pair(size_t width, const char *const before[2], const char *const after[2])
{
    char *cells[2] = {strdup(before[0]), strdup(before[1])};

    shorten_names(cells, 2, width);
    for (int i = 0; i < 2; i++) {
        expect_text(cells[i], after[i]);
        free(cells[i]);
    }
}

Test(shortening, modules_go_first)
{
    check_pair(20, (const char *const[]){"service::session::Session", "std::Vec<u8>"},
               (const char *const[]){"Session", "Vec<u8>"});
    // Where none is too wide, they stay.
    check_pair(40, (const char *const[]){"service::session::Session", "std::Vec<u8>"},
               (const char *const[]){"service::session::Session", "std::Vec<u8>"});
}

Test(shortening, modules_stay_where_they_tell_names_apart)
{
    check_pair(16, (const char *const[]){"front::storage::Entry", "back::storage::Entry"},
               (const char *const[]){"front::...:Entry", "back::s...:Entry"});
}

Test(shortening, names_that_would_be_alike_get_numbers)
{
    check_pair(
        16, (const char *const[]){"a_very_long_name_of_one_type", "a_very_long_bane_of_one_type"},
        (const char *const[]){"a_very..._type~2", "a_very..._type~1"});
}

Test(shortening, addresses_stay_whole)
{
    check_pair(24, (const char *const[]){"thread 'main', frame #2, stack 0x7fffffffdb60", "x"},
               (const char *const[]){"thread 'main', fra... 0x7fffffffdb60", "x"});
}
