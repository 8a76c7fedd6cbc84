// Where quotes around a type close.

#include <criterion/criterion.h>

#include "analysis/check/type_quotes.h"

Test(type_quotes, the_quote_behind_which_the_type_ends_closes)
{
    cr_expect_eq(type_quote_end("'a' -> 'b'", 0), 2);
    cr_expect_eq(type_quote_end("('a b' )", 1), 5);
    cr_expect_eq(type_quote_end("\"fn(u8) -> u8\"", 0), 13);
    cr_expect_eq(type_quote_end("'a # b' # why", 0), 6);
}

Test(type_quotes, lifetimes_inside_close_nothing)
{
    cr_expect_eq(type_quote_end("'Foo<'a, 'b>')", 0), 12);
    cr_expect_eq(type_quote_end("\"Foo<'a>\")", 0), 8);
}

Test(type_quotes, a_quote_without_a_partner)
{
    cr_expect_eq(type_quote_end("'a)", 0), 0);
    cr_expect_eq(type_quote_end("'", 0), 0);
    cr_expect_eq(type_quote_end("'a\"", 0), 0);
}
