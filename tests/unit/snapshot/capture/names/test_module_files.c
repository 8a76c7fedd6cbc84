// Files of modules: of this process, and of cores that name files which may be others by now.

#include "snapshot/capture/names/module_files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE UINT64_C(0x550000000000)

static char path[4096];        // of this program
static uint8_t header[4096];   // its first page
static ProcessMapping mapping; // of that page
static ProcessRange range;     // which the copy has
static char name[4096];        // of the mapping
static ProcessCopy copy;
static const MappedModule module = {0, 0};

static void set_name(const char *text)
{
    (void)snprintf(name, sizeof name, "%s", text);
}

static void begin(void)
{
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    struct stat status;
    int file;

    cr_assert_gt(length, 0);
    file = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(file, header, sizeof header), (ssize_t)sizeof header);
    cr_assert_eq(fstat(file, &status), 0);
    (void)close(file);
    // Nothing is mapped at this address in the process, so map_files does not have it.
    mapping = (ProcessMapping){.start = BASE,
                               .end = BASE + sizeof header,
                               .inode = status.st_ino,
                               .is_executable = true,
                               .is_private = true,
                               .name = name};
    set_name(path);
    range = (ProcessRange){BASE, sizeof header, header};
    copy = (ProcessCopy){.pid = (int)getpid(), .mapping_count = 1, .mappings = &mapping};
}

TestSuite(module_files, .init = begin);

// Opens the file and says whether it is this program, whole.
static bool opens_self(void)
{
    ElfFile *file = module_file_open(&copy, &module);
    bool is_self = file != NULL && elf_file_has_all_symbols(file);

    elf_file_free(file);
    return is_self;
}

Test(module_files, the_executable_of_a_process_is_found_whatever_its_name)
{
    struct stat status;

    cr_expect(opens_self());
    // Under valgrind, the process executes valgrind.
    if (stat("/proc/self/exe", &status) != 0 || status.st_ino != mapping.inode)
        return;
    set_name("/nowhere/replaced (deleted)");
    cr_expect(opens_self());
}

Test(module_files, another_file_under_the_name_is_not_taken)
{
    mapping.inode++;
    set_name("/nowhere/library.so");
    cr_expect_null(module_file_open(&copy, &module));
}

static void make_core(void)
{
    copy.is_core = true;
    copy.range_count = 1;
    copy.ranges = &range;
}

Test(module_files, the_file_that_a_core_names_is_read_when_it_is_that_build)
{
    make_core();
    cr_expect(opens_self());
}

Test(module_files, of_another_build_the_header_in_the_core_is_read)
{
    char build_id[ELF_BUILD_ID_CHARS], own[ELF_BUILD_ID_CHARS];
    ElfFile *file;

    make_core();
    set_name("/bin/sh");
    file = module_file_open(&copy, &module);
    cr_assert_not_null(file);
    cr_expect_not(elf_file_has_all_symbols(file));
    elf_file_build_id(file, build_id);
    elf_file_free(file);
    set_name(path);
    file = module_file_open(&copy, &module);
    elf_file_build_id(file, own);
    cr_expect_str_eq(build_id, own);
    elf_file_free(file);
}

Test(module_files, the_users_file_stands_for_the_executable_of_a_core)
{
    make_core();
    set_name("/nowhere/program");
    cr_expect_not(opens_self());
    copy.executable_mapping_name = name;
    copy.executable_path = path;
    cr_expect(opens_self());
}

Test(module_files, a_core_that_names_a_device_or_a_folder_opens_nothing)
{
    static const char *const names[] = {"/dev/tty", "/tmp", "", "/nowhere"};

    copy.is_core = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        set_name(names[i]);
        cr_expect_null(module_file_open(&copy, &module), "'%s'", names[i]);
    }
}
