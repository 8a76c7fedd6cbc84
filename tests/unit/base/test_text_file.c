// TextFile: small files that are read whole, and what is refused.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "tests/support/snapshot_streams.h"

static TestFolder folder;
static char *path;

static void set_up(void)
{
    folder = test_folder_new();
    path = test_folder_file(&folder, "file");
}

static void tear_down(void)
{
    free(path);
    test_folder_free(&folder);
}

TestSuite(text_file, .init = set_up, .fini = tear_down);

static void expect_refused(const char *name, ErrorCode code, const char *why)
{
    char *text;
    size_t length;
    Error error = {0};

    cr_expect_not(text_file_read(name, false, "a budget", &text, &length, &error));
    cr_expect_null(text);
    cr_expect_eq(error.code, code, "%s", error.message);
    cr_expect_not_null(strstr(error.message, why), "%s", error.message);
}

Test(text_file, a_file_of_the_most_bytes_is_read_with_a_zero_byte_behind_it)
{
    char *bytes = malloc(TEXT_FILE_MAX_BYTES + 1), *text;
    size_t length;
    Error error = {0};

    memset(bytes, 'x', TEXT_FILE_MAX_BYTES + 1);
    write_bytes(path, bytes, TEXT_FILE_MAX_BYTES);
    cr_assert(text_file_read(path, true, "a budget", &text, &length, &error), "%s", error.message);
    cr_expect_eq(length, TEXT_FILE_MAX_BYTES);
    cr_expect_eq(strlen(text), TEXT_FILE_MAX_BYTES);
    free(text);
    write_bytes(path, bytes, TEXT_FILE_MAX_BYTES + 1);
    expect_refused(path, ERROR_CORRUPT, "is not a budget: it is larger than 1 MiB");
    free(bytes);
}

Test(text_file, an_empty_file_is_an_empty_text)
{
    char *text;
    size_t length;
    Error error = {0};

    write_bytes(path, "", 0);
    cr_assert(text_file_read(path, false, "a budget", &text, &length, &error), "%s", error.message);
    cr_expect_str_eq(text, "");
    free(text);
}

Test(text_file, others_are_refused_with_the_reason)
{
    write_bytes(path, "ab\0c", 4);
    expect_refused(path, ERROR_CORRUPT, "a zero byte at offset 2");
    expect_refused(folder.path, ERROR_SYSTEM, "Is a directory");
    expect_refused("-", ERROR_SYSTEM, "cannot open '-': No such file or directory");
}
