// Error: messages are cut rather than lost, hints add up.

#include "base/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, setting_one_fills_code_and_message_and_returns_false)
{
    Error error = {.hint = "left over"};

    cr_expect_not(error_set(&error, ERROR_CORRUPT, "frame %d ends early", 7));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_str_eq(error.message, "frame 7 ends early");
    cr_expect_str_eq(error.hint, "", "a hint of an earlier error must not survive");
}

Test(error, a_message_that_is_too_long_is_cut_and_stays_terminated)
{
    Error error;
    char text[2000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_not(error_set(&error, ERROR_SYSTEM, "%s", text));
    cr_expect_eq(strlen(error.message), sizeof error.message - 1);
}

Test(error, hints_are_lines_of_their_own)
{
    Error error;

    (void)error_set(&error, ERROR_SYSTEM, "no");
    cr_expect_not(error_add_hint(&error, "run as '%s'", "shop"));
    cr_expect_not(error_add_hint(&error, "or with sudo"));
    cr_expect_str_eq(error.hint, "run as 'shop'\nor with sudo");
    cr_expect_str_eq(error.message, "no");
}

Test(error, hints_beyond_the_room_for_them_are_cut)
{
    Error error;

    (void)error_set(&error, ERROR_SYSTEM, "no");
    for (int i = 0; i < 1000; i++)
        (void)error_add_hint(&error, "hint number %d", i);
    cr_expect_lt(strlen(error.hint), sizeof error.hint);
    cr_expect_eq(strncmp(error.hint, "hint number 0\nhint number 1\n", 28), 0);
}

Test(error, memory_errors_say_how_much_and_for_what)
{
    Error error;

    cr_expect_not(error_set_memory(&error, 1234567890123ull, "the page table"));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_str_eq(error.message, "cannot allocate 1234567890123 bytes for the page table");
}
