// Finding separate debug files. Those that .gnu_debuglink names are in
// tests/live/names_of_things.sh.

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/names/debug_file.h"

typedef struct Place {
    char root[64];
    char folder[256];
    char file[512];
} Place;

static ElfFile *open_self(void)
{
    return elf_file_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
}

// A folder to be a file system, with an empty file in place of the debug file for this build-id.
static Place make_place(const char *build_id)
{
    Place place;
    char command[1024];

    (void)snprintf(place.root, sizeof place.root, "/dev/shm/rudo-snap-test.XXXXXX");
    cr_assert_not_null(mkdtemp(place.root));
    (void)snprintf(place.folder, sizeof place.folder, "%s/usr/lib/debug/.build-id/%.2s", place.root,
                   build_id);
    (void)snprintf(place.file, sizeof place.file, "%s/%s.debug", place.folder, build_id + 2);
    (void)snprintf(command, sizeof command, "mkdir -p '%s' && : >'%s'", place.folder, place.file);
    cr_assert_eq(system(command), 0);
    return place;
}

static void remove_place(const Place *place)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", place->root);
    cr_expect_eq(system(command), 0);
}

static void copy_file(const char *from, const char *to)
{
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_TRUNC | O_CLOEXEC);
    char buffer[65536];
    ssize_t count;

    cr_assert_geq(source, 0);
    cr_assert_geq(target, 0);
    while ((count = read(source, buffer, sizeof buffer)) > 0)
        cr_assert_eq(write(target, buffer, (size_t)count), count);
    cr_assert_eq(count, 0);
    (void)close(source);
    (void)close(target);
}

Test(debug_file, the_one_with_the_same_build_id_is_found)
{
    char build_id[ELF_BUILD_ID_CHARS];
    ElfFile *module = open_self();
    Place place;
    int fd;

    cr_assert_not_null(module);
    elf_file_build_id(module, build_id);
    if (build_id[0] == '\0')
        cr_skip_test("this program has no build-id");
    place = make_place(build_id);
    // Empty, it is none.
    cr_expect_eq(debug_file_find(module, "/bin/self", place.root, NULL), -1);
    // This program has all its symbols, so it may stand in for its debug file.
    copy_file("/proc/self/exe", place.file);
    fd = debug_file_find(module, "/bin/self", place.root, NULL);
    cr_expect_geq(fd, 0);
    (void)close(fd);
    // Another program's is not taken, wherever it lies.
    copy_file("/bin/true", place.file);
    cr_expect_eq(debug_file_find(module, "/bin/self", place.root, NULL), -1);
    elf_file_free(module);
    remove_place(&place);
}

Test(debug_file, a_pipe_in_its_place_blocks_nobody, .timeout = 20)
{
    char build_id[ELF_BUILD_ID_CHARS];
    ElfFile *module = open_self();
    Place place;

    cr_assert_not_null(module);
    elf_file_build_id(module, build_id);
    if (build_id[0] == '\0')
        cr_skip_test("this program has no build-id");
    place = make_place(build_id);
    cr_assert_eq(unlink(place.file), 0);
    cr_assert_eq(mkfifo(place.file, 0600), 0);
    cr_expect_eq(debug_file_find(module, "/bin/self", place.root, NULL), -1);
    elf_file_free(module);
    remove_place(&place);
}

Test(debug_file, there_need_not_be_one)
{
    ElfFile *module = open_self();

    cr_assert_not_null(module);
    cr_expect_eq(debug_file_find(module, "/bin/self", "/nonexistent", NULL), -1);
    cr_expect_eq(debug_file_find(module, "", "/nonexistent", NULL), -1);
    elf_file_free(module);
}
