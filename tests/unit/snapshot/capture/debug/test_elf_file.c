// Reading ELF files, whole and damaged.

#include "snapshot/capture/debug/elf_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/xorshift.h"

typedef struct Wanted {
    const char *name;
    uint64_t address;
    uint32_t seen;
} Wanted;

static bool look_for(void *context, const ElfSymbol *symbol)
{
    Wanted *wanted = context;

    if (strcmp(symbol->name, wanted->name) == 0) {
        wanted->address = symbol->address;
        wanted->seen++;
    }
    return true;
}

static bool stop_at_once(void *context, const ElfSymbol *symbol)
{
    (void)symbol;
    (*(uint32_t *)context)++;
    return false;
}

// A symbol of this program that is easy to find.
void test_elf_file_landmark(void);

void test_elf_file_landmark(void)
{
}

static ElfFile *open_self(void)
{
    return elf_file_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
}

Test(elf_file, segments_build_id_and_symbols_of_this_program)
{
    ElfSegment segments[ELF_MAX_SEGMENTS];
    Wanted wanted = {.name = "test_elf_file_landmark"};
    char build_id[ELF_BUILD_ID_CHARS];
    ElfFile *file = open_self();
    uint32_t count, writable = 0;
    bool is_inside = false;

    cr_assert_not_null(file);
    count = elf_file_segments(file, segments);
    cr_assert_gt(count, 1u);
    cr_expect(elf_file_visit_symbols(file, look_for, &wanted));
    cr_expect_eq(wanted.seen, 1u);
    for (uint32_t i = 0; i < count; i++) {
        writable += segments[i].is_writable;
        is_inside |= wanted.address - segments[i].address < segments[i].memory_bytes;
    }
    cr_expect_geq(writable, 1u);
    cr_expect(is_inside);
    elf_file_build_id(file, build_id);
    cr_expect_eq(strspn(build_id, "0123456789abcdef"), strlen(build_id));
    elf_file_free(file);
}

Test(elf_file, a_visitor_may_stop)
{
    ElfFile *file = open_self();
    uint32_t visits = 0;

    cr_expect_not(elf_file_visit_symbols(file, stop_at_once, &visits));
    cr_expect_eq(visits, 1u);
    elf_file_free(file);
}

Test(elf_file, what_is_no_elf_file_is_not_opened)
{
    cr_expect_null(elf_file_open(open("/dev/zero", O_RDONLY | O_CLOEXEC)));
    cr_expect_null(elf_file_open(open("/", O_RDONLY | O_CLOEXEC)));
    cr_expect_null(elf_file_open(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)));
    cr_expect_null(elf_file_open(-1));
    elf_file_free(NULL);
}

static void read_all(int fd)
{
    ElfSegment segments[ELF_MAX_SEGMENTS];
    Wanted wanted = {.name = "main"};
    char build_id[ELF_BUILD_ID_CHARS];
    ElfFile *file = elf_file_open(fd);

    if (file == NULL)
        return;
    cr_expect_leq(elf_file_segments(file, segments), ELF_MAX_SEGMENTS);
    elf_file_build_id(file, build_id);
    cr_expect_lt(strlen(build_id), ELF_BUILD_ID_CHARS);
    cr_expect(elf_file_visit_symbols(file, look_for, &wanted));
    elf_file_free(file);
}

// A copy of the start, the headers and the end of this program in memory.
static int damaged_copy(const uint8_t *bytes, size_t length)
{
    int fd = memfd_create("damaged", MFD_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    return fd;
}

Test(elf_file, damaged_files_read_as_less_and_never_crash, .timeout = 120)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Xorshift random = xorshift_seeded(7);
    struct stat status;
    uint8_t *bytes;
    size_t length;

    cr_assert_eq(fstat(fd, &status), 0);
    length = (size_t)status.st_size;
    bytes = malloc(length);
    cr_assert_not_null(bytes);
    cr_assert_eq(read(fd, bytes, length), (ssize_t)length);
    (void)close(fd);
    for (int round = 0; round < 60; round++)
        read_all(damaged_copy(bytes, (size_t)xorshift_below(&random, length)));
    // The ELF header, the program headers, and the section headers at the end.
    for (int round = 0; round < 300; round++) {
        bool at_end = round % 3 == 2;
        size_t place = at_end ? length - 1 - (size_t)xorshift_below(&random, 64 * 30)
                              : (size_t)xorshift_below(&random, round % 3 == 0 ? 64 : 900);
        uint8_t before = bytes[place];
        bytes[place] = (uint8_t)xorshift_next(&random);
        read_all(damaged_copy(bytes, length));
        bytes[place] = before;
    }
    free(bytes);
}
