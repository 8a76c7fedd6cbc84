// Opens of libraries in a GuardedChild: checked like ours.

#include "snapshot/capture/names/guarded_opens.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/capture/names/checked_file.h"

static char folder[] = "/tmp/rudo-snap-test.XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void begin(void)
{
    FILE *file;

    cr_assert_not_null(mkdtemp(folder));
    file = fopen(in_folder("file"), "we");
    cr_assert_not_null(file);
    (void)fputs("inside", file);
    (void)fclose(file);
    cr_assert_eq(mkfifo(in_folder("pipe"), 0600), 0);
}

static void end(void)
{
    char command[300];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(guarded_opens, .init = begin, .fini = end, .timeout = 60);

static bool opens_and_reads(const char *path)
{
    char text[8] = "";
    FILE *file = fopen(path, "r");
    bool is_right =
        file != NULL && fgets(text, sizeof text, file) != NULL && strcmp(text, "inside") == 0;

    if (file != NULL)
        (void)fclose(file);
    return is_right;
}

// In a child, which may not open anything else afterwards: a bit for each that went wrong.
static int try_all(void)
{
    char outside[300];
    int wrong = 0, fd;

    (void)snprintf(outside, sizeof outside, "%s", in_folder("file"));
    guarded_opens_begin(checked_root_open(folder));
    // A filter that this machine does not allow changes nothing.
    if (open(outside, O_RDONLY | O_CLOEXEC) >= 0)
        return 128;
    wrong |= opens_and_reads("/file") ? 0 : 1;
    wrong |= opens_and_reads("/../file") ? 0 : 2;
    // Would wait for a writer.
    wrong |= open("/pipe", O_RDONLY | O_CLOEXEC) < 0 ? 0 : 4;
    wrong |= open("/file", O_RDWR | O_CLOEXEC) < 0 ? 0 : 8;
    wrong |= open("/made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ? 0 : 16;
    // Our own opens say so.
    fd = open(outside, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    wrong |= fd >= 0 ? 0 : 32;
    return wrong;
}

Test(guarded_opens, libraries_open_regular_files_inside_the_root)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(try_all());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 128)
        cr_skip_test("no seccomp here");
    cr_expect_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}
