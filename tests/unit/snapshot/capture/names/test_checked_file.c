// Files that are looked at before they are opened: what lies in the root folder is, and nothing
// else.

#include "snapshot/capture/names/checked_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rudo-snap-test.XXXXXX";
static int root;

static const char *in_folder(const char *name)
{
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, const char *text)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void make_link(const char *target, const char *name)
{
    cr_assert_eq(symlink(target, in_folder(name)), 0);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    make_file("outside", "outside");
    cr_assert_eq(mkdir(in_folder("root"), 0700), 0);
    cr_assert_eq(mkdir(in_folder("root/app"), 0700), 0);
    make_file("root/app/file", "inside");
    make_file("root/outside", "shadow");
    make_file("root/empty", "");
    cr_assert_eq(mkfifo(in_folder("root/app/pipe"), 0600), 0);
    make_link("file", "root/app/near");
    make_link("/app/file", "root/absolute");
    make_link("../../outside", "root/app/up");
    make_link("/app", "root/folder");
    make_link("pipe", "root/app/to-pipe");
    make_link("circle", "root/circle");
    make_link("/nowhere", "root/broken");
    root = checked_root_open(in_folder("root"));
    cr_assert_geq(root, 0);
}

static void end(void)
{
    char command[300];

    (void)close(root);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(checked_file, .init = begin, .fini = end, .timeout = 60);

// The first bytes of the file, "-" when it is not opened.
static const char *content(int fd)
{
    static char text[16];
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd < 0)
        return "-";
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static const struct {
    const char *path, *content;
} cases[] = {
    {"/app/file", "inside"},
    {"/app/../app/./file", "inside"},
    {"/app/near", "inside"},
    {"/absolute", "inside"},
    {"/folder/file", "inside"},
    {"/folder/../app/near", "inside"},
    // Nothing leads out of the root.
    {"/app/up", "shadow"},
    {"/../outside", "shadow"},
    {"/../../../outside", "shadow"},
    {"/app/pipe", "-"},
    {"/app/to-pipe", "-"},
    {"/app", "-"},
    {"/", "-"},
    {"/empty", "-"},
    {"/circle", "-"},
    {"/broken", "-"},
    {"/nowhere", "-"},
    {"/app/file/more", "-"},
    {"app/file", "-"},
    {"", "-"},
};

Test(checked_file, paths_are_resolved_inside_the_root)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(content(checked_file_open(root, cases[i].path)), cases[i].content, "'%s'",
                         cases[i].path);
    cr_expect_eq(checked_file_open(-1, "/app/file"), -1);
}

Test(checked_file, kernels_without_openat2_resolve_them_in_the_same_way)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && cases[i].path[0] == '/'; i++) {
        int place = checked_file_walk(root, cases[i].path);
        struct stat status = {.st_mode = 0};
        char link[64];

        if (place >= 0)
            cr_assert_eq(fstat(place, &status), 0);
        // A folder or a pipe is found, too, and is not opened.
        if (strcmp(cases[i].content, "-") == 0) {
            cr_expect(!S_ISREG(status.st_mode) || status.st_size == 0, "'%s'", cases[i].path);
        } else {
            cr_assert_geq(place, 0, "'%s'", cases[i].path);
            (void)snprintf(link, sizeof link, "/proc/self/fd/%d", place);
            cr_expect_str_eq(content(open(link, O_RDONLY | O_CLOEXEC)), cases[i].content, "'%s'",
                             cases[i].path);
        }
        if (place >= 0)
            (void)close(place);
    }
}

Test(checked_file, doors_to_the_kernel_are_not_opened)
{
    static const char *const paths[] = {"/proc/self/maps", "/proc/kmsg", "/sys/kernel/mm",
                                        "/dev/null",       "/dev/tty",   "/proc/self/fd/0"};
    int top = checked_root_open("/");

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cr_expect_eq(checked_file_open(top, paths[i]), -1, "'%s'", paths[i]);
        if (i < 5)
            cr_expect_eq(checked_path_open(paths[i]), -1, "'%s'", paths[i]);
    }
    (void)close(top);
    cr_expect_str_eq(content(checked_path_open(in_folder("outside"))), "outside");
}
