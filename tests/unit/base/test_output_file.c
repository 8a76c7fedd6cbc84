// OutputFile on file systems that lack things: unnamed files, hard links, both; and with writes
// and flushes that fail. Linked with --wrap for the functions below (tests/tests.mk).

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output_file.h"
#include "tests/support/snapshot_streams.h"

// What this file system cannot do.
static bool lacks_unnamed_files, lacks_hard_links, lacks_flushing;
static size_t longest_write = SIZE_MAX;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
    if (lacks_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open(path, flags, mode);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    if (lacks_hard_links) {
        errno = EPERM;
        return -1;
    }
    return __real_link(from, to);
}

int __real_fsync(int file);
int __wrap_fsync(int file);
int __wrap_fsync(int file)
{
    if (lacks_flushing) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(file);
}

ssize_t __real_write(int file, const void *bytes, size_t length);
ssize_t __wrap_write(int file, const void *bytes, size_t length);
ssize_t __wrap_write(int file, const void *bytes, size_t length)
{
    static unsigned calls;

    // Now and then interrupted before anything was written.
    if (longest_write != SIZE_MAX && ++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return __real_write(file, bytes, length < longest_write ? length : longest_write);
}

static bool write_file(const char *path, bool replaces, const char *text, Error *error)
{
    OutputFile *file = NULL;
    bool ok = output_file_open(path, replaces, &file, error) &&
              output_file_write(file, text, strlen(text), error) && output_file_commit(file, error);

    output_file_free(file);
    return ok;
}

static void expect_content(const char *path, const char *text)
{
    Bytes bytes = file_bytes(path);

    cr_expect_eq(bytes.length, strlen(text));
    cr_expect_eq(memcmp(bytes.bytes, text, bytes.length), 0);
    free(bytes.bytes);
}

static void expect_only(const TestFolder *folder, const char *name)
{
    char command[200], found[200] = "";
    FILE *list;

    snprintf(command, sizeof command, "ls -A '%s' | tr -d '\\n'", folder->path);
    list = popen(command, "r");
    cr_assert_not_null(list);
    cr_expect(fgets(found, sizeof found, list) != NULL || name[0] == '\0');
    pclose(list);
    cr_expect_str_eq(found, name);
}

static void check_all_ways(void)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "file");
    Error error = {0};

    cr_expect(write_file(path, false, "first", &error), "%s", error.message);
    expect_content(path, "first");
    cr_expect_not(write_file(path, false, "second", &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect(write_file(path, true, "third", &error), "%s", error.message);
    expect_content(path, "third");
    expect_only(&folder, "file");

    // Another process makes the file while we write ours.
    (void)unlink(path);
    OutputFile *file = NULL;
    cr_assert(output_file_open(path, false, &file, &error), "%s", error.message);
    cr_assert(output_file_write(file, "mine", 4, &error));
    write_bytes(path, "theirs", 6);
    cr_expect_not(output_file_commit(file, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    output_file_free(file);
    expect_content(path, "theirs");
    expect_only(&folder, "file");

    // Given up half-way.
    (void)unlink(path);
    cr_assert(output_file_open(path, false, &file, &error), "%s", error.message);
    cr_assert(output_file_write(file, "half", 4, &error));
    output_file_free(file);
    expect_only(&folder, "");
    free(path);
    test_folder_free(&folder);
}

Test(output_file, works_with_unnamed_files)
{
    check_all_ways();
}

Test(output_file, works_without_unnamed_files)
{
    lacks_unnamed_files = true;
    check_all_ways();
}

Test(output_file, works_without_unnamed_files_and_hard_links)
{
    lacks_unnamed_files = true;
    lacks_hard_links = true;
    check_all_ways();
}

Test(output_file, short_and_interrupted_writes_are_continued)
{
    longest_write = 2;
    check_all_ways();
}

Test(output_file, a_file_that_cannot_be_flushed_is_not_named)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "file");
    Error error = {0};

    lacks_flushing = true;
    cr_expect_not(write_file(path, false, "text", &error));
    cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    lacks_unnamed_files = true;
    cr_expect_not(write_file(path, false, "text", &error));
    expect_only(&folder, "");
    free(path);
    test_folder_free(&folder);
}
