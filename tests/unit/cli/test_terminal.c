// Text for people: numbers, shortened names, names that could steer a terminal, words for the
// shell.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/next_command.h"
#include "cli/terminal.h"

#define expect_text(ACTUAL, EXPECTED)                                                              \
    do {                                                                                           \
        const char *actual = ACTUAL;                                                               \
        cr_expect(strcmp(actual, EXPECTED) == 0, "'%s', not '%s'", actual, EXPECTED);              \
    } while (0)

Test(terminal, counts_have_groups_of_three_digits)
{
    char text[NUMBER_CHARS];

    expect_text(format_count(text, 0), "0");
    expect_text(format_count(text, 999), "999");
    expect_text(format_count(text, 1000), "1,000");
    expect_text(format_count(text, 1150022), "1,150,022");
    expect_text(format_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

Test(terminal, sizes_never_show_1024_of_a_unit)
{
    char text[NUMBER_CHARS];

    expect_text(format_bytes(text, 812), "812 B");
    expect_text(format_bytes(text, 1023), "1023 B");
    expect_text(format_bytes(text, 1024), "1.0 KiB");
    expect_text(format_bytes(text, 1048525), "1.0 MiB"); // 1023.95 KiB and more
    expect_text(format_bytes(text, UINT64_MAX), "16.0 EiB");
}

Test(terminal, limits_are_rounded_up)
{
    char text[NUMBER_CHARS];

    expect_text(format_round_bytes(text, 298), "298");
    expect_text(format_round_bytes(text, 10239), "10239");
    expect_text(format_round_bytes(text, 10241), "11K");
    expect_text(format_round_bytes(text, 95 * 1048576 + 1), "96M");
}

Test(terminal, times_and_shares)
{
    char text[NUMBER_CHARS];

    expect_text(format_time(text, 999), "999 ns");
    expect_text(format_time(text, 12000), "12 us");
    expect_text(format_time(text, 1200000), "1.2 ms");
    expect_text(format_time(text, 3410000000), "3.41 s");
    expect_text(format_share(text, 1, 3), "33.3 %");
    expect_text(format_share(text, 0, 0), "-");
}

Test(terminal, characters_are_one_column_wide)
{
    // Each of these characters has three bytes.
    cr_expect_eq(text_width("\xe2\x82\xac\xe2\x82\xac"), 2);
}

Test(terminal, trees_are_ascii_where_the_locale_is)
{
    static const char *const cases[][2] = {{"C", "`- "},
                                           {"POSIX", "`- "},
                                           {"de_DE.ISO-8859-1", "`- "},
                                           {"C.UTF-8", "\xe2\x94\x94\xe2\x94\x80 "},
                                           {"en_US.utf8", "\xe2\x94\x94\xe2\x94\x80 "}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(setenv("LC_ALL", cases[i][0], 1), 0);
        expect_text(tree_branch(), cases[i][1]);
    }
}

Test(terminal, prose_is_broken_between_words)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);

    cr_assert(stream != NULL);
    cr_assert_eq(setenv("COLUMNS", "20", 1), 0);
    print_prose(stream, 6, "note: %s of words, \xc3\xa9 and a_word_that_is_too_long", "a line");
    (void)fclose(stream);
    expect_text(out, "note: a line of\n"
                     "      words, \xc3\xa9 and\n"
                     "      a_word_that_is_too_long\n");
    free(out);
}

// What `print` writes.
static char *written(void (*print)(FILE *stream, const char *text), const char *text)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);

    cr_assert(stream != NULL);
    print(stream, text);
    (void)fclose(stream);
    return out;
}

Test(terminal, control_characters_are_not_printed)
{
    static const char *const cases[][2] = {
        {"shop::Order", "shop::Order"},
        {"bell\a\033[2J", "bell??[2J"},
        {"line\nfeed\x7f", "line?feed?"},
        {"\xc2\x9b"
         "2J",
         "?2J"}, // U+009B steers terminals, too
        {"\xc3\xa9", "\xc3\xa9"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = written(print_text, cases[i][0]);

        expect_text(out, cases[i][1]);
        free(out);
    }
}

Test(terminal, words_are_quoted_where_the_shell_would_change_them)
{
    static const char *const cases[][2] = {
        {"shop.zst", "shop.zst"},
        {"shop::Order", "shop::Order"},
        {"", "''"},
        {"my heap.zst", "'my heap.zst'"},
        {"x;rm -r y", "'x;rm -r y'"},
        {"Option<Gc<'a>>", "'Option<Gc<'\\''a>>'"},
        {"$(x)", "'$(x)'"},
        {"~", "'~'"},
        {"a\nb", "'a?b'"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = written(print_shell_word, cases[i][0]);

        expect_text(out, cases[i][1]);
        free(out);
    }
}
