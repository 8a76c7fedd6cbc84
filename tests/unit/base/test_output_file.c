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

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
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
    return __real_openat(folder, path, flags, mode);
}

int __real_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (lacks_hard_links) {
        errno = EPERM;
        return -1;
    }
    return __real_linkat(from_folder, from, to_folder, to, flags);
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
    bool ok = output_file_open(path, &(OutputOptions){.replaces = replaces}, &file, error) &&
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
    cr_assert(output_file_open(path, NULL, &file, &error), "%s", error.message);
    cr_assert(output_file_write(file, "mine", 4, &error));
    write_bytes(path, "theirs", 6);
    cr_expect_not(output_file_commit(file, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    output_file_free(file);
    expect_content(path, "theirs");
    expect_only(&folder, "file");

    // Given up half-way.
    (void)unlink(path);
    cr_assert(output_file_open(path, NULL, &file, &error), "%s", error.message);
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

Test(output_file, a_file_that_is_flushed_has_no_name_yet)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "file");
    OutputFile *file = NULL;
    Error error = {0};

    cr_assert(output_file_open(path, NULL, &file, &error), "%s", error.message);
    cr_assert(output_file_write(file, "text", 4, &error));
    cr_expect(output_file_flush(file, &error), "%s", error.message);
    expect_only(&folder, "");
    cr_expect(output_file_commit(file, &error), "%s", error.message);
    output_file_free(file);
    expect_content(path, "text");
    free(path);
    test_folder_free(&folder);
}

// ---- paths that lead to streams ----

typedef struct Pipe {
    int ends[2];
    char path[32]; // "/dev/fd/N" of the end for writing
} Pipe;

static Pipe pipe_new(void)
{
    Pipe pipe_;

    cr_assert_eq(pipe2(pipe_.ends, O_CLOEXEC), 0);
    (void)snprintf(pipe_.path, sizeof pipe_.path, "/dev/fd/%d", pipe_.ends[1]);
    return pipe_;
}

Test(output_file, a_descriptor_is_written_to_as_it_is)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "log"), name[32];
    Error error = {0};
    int descriptor;

    write_bytes(path, "before ", 7);
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_geq(descriptor, 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", descriptor);
    cr_expect(write_file(name, false, "between", &error), "%s", error.message);
    cr_assert_eq(write(descriptor, " behind", 7), 7);
    expect_content(path, "before between behind");
    // The name is gone; the descriptor is not.
    (void)unlink(path);
    cr_expect(write_file(name, true, "more", &error), "%s", error.message);
    expect_only(&folder, "");
    (void)close(descriptor);
    cr_expect_not(write_file(name, true, "more", &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    free(path);
    test_folder_free(&folder);
}

Test(output_file, a_descriptor_for_reading_is_not_written_to)
{
    char name[32];
    Error error = {0};
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    cr_expect_not(write_file(name, true, "text", &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    (void)close(descriptor);
}

static bool is_cancelled(void *context)
{
    return ++*(unsigned *)context > 2;
}

Test(output_file, a_pipe_that_is_not_emptied_can_be_given_up)
{
    static char much[200000];
    unsigned asked = 0;
    OutputOptions options = {.cancel = {is_cancelled, &asked}};
    OutputFile *file = NULL;
    Pipe full = pipe_new();
    Error error = {0};

    cr_assert(output_file_open(full.path, &options, &file, &error), "%s", error.message);
    cr_expect_not(output_file_write(file, much, sizeof much, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED, "%s", error.message);
    output_file_free(file);
    (void)close(full.ends[0]);
    (void)close(full.ends[1]);
}

Test(output_file, a_fifo_without_a_reader_can_be_given_up)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "fifo");
    unsigned asked = 0;
    OutputOptions options = {.cancel = {is_cancelled, &asked}};
    OutputFile *file = NULL;
    Error error = {0};

    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_not(output_file_open(path, &options, &file, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED, "%s", error.message);
    free(path);
    test_folder_free(&folder);
}

// ---- what another user may have planted ----

// Makes the folder one that all may write to, and what is in it another user's.
static bool becomes_shared(const TestFolder *folder, const char *path)
{
    return geteuid() == 0 && chmod(folder->path, 01777) == 0 && chown(folder->path, 0, 0) == 0 &&
           lchown(path, 65534, 65534) == 0;
}

Test(output_file, links_and_fifos_of_others_are_refused)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst"), *own = test_folder_file(&folder, "own");
    Error error = {0};

    write_bytes(own, "precious", 8);
    cr_assert_eq(symlink(own, path), 0);
    if (becomes_shared(&folder, path)) {
        cr_expect_not(write_file(path, true, "text", &error));
        cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
        expect_content(own, "precious");
        (void)unlink(path);
        cr_assert_eq(mkfifo(path, 0666), 0);
        cr_assert(becomes_shared(&folder, path));
        cr_expect_not(write_file(path, true, "text", &error));
        cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    }
    // Links of the user's own are followed.
    (void)unlink(path);
    cr_assert_eq(symlink("own", path), 0);
    cr_expect(write_file(path, true, "text", &error), "%s", error.message);
    expect_content(own, "text");
    free(own);
    free(path);
    test_folder_free(&folder);
}

Test(output_file, a_link_that_leads_to_itself_is_an_error)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "loop");
    Error error = {0};

    cr_assert_eq(symlink("loop", path), 0);
    cr_expect_not(write_file(path, true, "text", &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    free(path);
    test_folder_free(&folder);
}

Test(output_file, a_shared_file_keeps_its_mode)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "result.json");
    OutputOptions options = {.replaces = true, .is_shared = true};
    struct stat status;
    Error error = {0};

    write_bytes(path, "old", 3);
    cr_assert_eq(chmod(path, 0664), 0);
    OutputFile *file = NULL;
    cr_assert(output_file_open(path, &options, &file, &error), "%s", error.message);
    cr_expect(output_file_write(file, "new", 3, &error) && output_file_commit(file, &error));
    output_file_free(file);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0664);
    expect_content(path, "new");
    free(path);
    test_folder_free(&folder);
}
