// Headers of mapped files: those of this program, read by a child.

#include "snapshot/capture/names/module_headers.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned visits;

static bool take(void *context, uint32_t module, const ModuleHeaders *headers, Error *error)
{
    (void)error;
    visits++;
    cr_expect_eq(module, 1);
    *(ModuleHeaders *)context = *headers;
    return true;
}

Test(module_headers, a_child_reads_them)
{
    static const Cancel never;
    static char nowhere[] = "/nowhere", name[4096];
    ProcessMapping mappings[] = {{.start = 4096, .end = 8192, .inode = 1, .name = nowhere},
                                 {.start = 8192, .end = 12288, .name = name}};
    ProcessCopy copy = {.pid = (int)getpid(), .mapping_count = 2, .mappings = mappings};
    const MappedModule modules[] = {{0, 0}, {1, 1}};
    ElfSegment segments[ELF_MAX_SEGMENTS];
    char build_id[ELF_BUILD_ID_CHARS];
    ModuleHeaders found = {0};
    struct stat status;
    GuardedEnd end;
    Error error;
    ElfFile *file;

    cr_assert_gt(readlink("/proc/self/exe", name, sizeof name - 1), 0);
    cr_assert_eq(stat(name, &status), 0);
    mappings[1].inode = status.st_ino;
    cr_assert(module_headers_visit(&copy, modules, 2, &never, take, &found, &end, &error));
    cr_expect_eq(end, GUARDED_DONE);
    cr_expect_eq(visits, 1);
    file = elf_file_open(open(name, O_RDONLY | O_CLOEXEC));
    cr_assert_not_null(file);
    cr_assert_eq(found.segment_count, elf_file_segments(file, segments));
    for (uint32_t i = 0; i < found.segment_count; i++) {
        cr_expect_eq(found.segments[i].file_offset, segments[i].file_offset);
        cr_expect_eq(found.segments[i].address, segments[i].address);
        cr_expect_eq(found.segments[i].memory_bytes, segments[i].memory_bytes);
        cr_expect_eq(found.segments[i].is_writable, segments[i].is_writable);
    }
    elf_file_build_id(file, build_id);
    cr_expect_str_eq(found.build_id, build_id);
    elf_file_free(file);
}
