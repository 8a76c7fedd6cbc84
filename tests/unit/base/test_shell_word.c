// Words that are printed to be copied: a shell makes the same word of them.

#include "base/shell_word.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/snapshot_streams.h"

static void expect_word(const char *word, const char *expected)
{
    char out[SHELL_WORD_CHARS];

    cr_expect_str_eq(shell_word(word, "WORD", out), expected);
    cr_expect_str_eq(out, expected);
}

Test(shell_word, plain_words_stay_as_they_are)
{
    expect_word("heaps/shop.0001.zst", "heaps/shop.0001.zst");
    expect_word("shop::Order", "shop::Order");
    expect_word("--cut", "--cut");
    expect_word("-", "-");
}

Test(shell_word, other_words_are_quoted)
{
    expect_word("", "''");
    expect_word("my heap.zst", "'my heap.zst'");
    expect_word("x;touch y", "'x;touch y'");
    expect_word("list<'a>", "'list<'\\''a>'");
    expect_word("$HOME", "'$HOME'");
    expect_word("a\nb\x1b[2J\xff", "'a?b?[2J?'");
    expect_word("left\u202eright", "'left?right'");
}

Test(shell_word, a_word_that_is_too_long_is_replaced)
{
    static char quotes[SHELL_WORD_CHARS];

    memset(quotes, '\'', sizeof quotes - 1);
    expect_word(quotes, "WORD");
}

Test(shell_word, a_file_is_not_taken_for_an_option)
{
    TestFolder folder = test_folder_new();

    cr_assert_eq(chdir(folder.path), 0);
    write_bytes("-q.zst", "x", 1);
    expect_word("-q.zst", "./-q.zst");
    expect_word("-other", "-other");
    (void)unlink("-q.zst");
    cr_assert_eq(chdir("/"), 0);
    test_folder_free(&folder);
}
