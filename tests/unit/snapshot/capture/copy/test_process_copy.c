// ProcessCopy: bytes and mappings are found by their addresses.

#include "snapshot/capture/copy/process_copy.h"

#include <criterion/criterion.h>

Test(process_copy, releasing_an_empty_one_is_harmless)
{
    ProcessCopy empty = {0};

    process_copy_release(NULL);
    process_copy_release(&empty);
    cr_expect_null(process_copy_find_mapping(&empty, 0));
    cr_expect_null(process_copy_bytes(&empty, 0, 0));
}

Test(process_copy, bytes_are_found_only_where_one_range_holds_all_of_them)
{
    static const uint8_t data[32] = {1, 2, 3};
    ProcessRange ranges[] = {{.address = 0x1000, .bytes = 16, .data = data},
                             {.address = 0x1010, .bytes = 8, .data = data + 16},
                             {.address = UINT64_MAX - 7, .bytes = 8, .data = data + 24}};
    ProcessCopy some = {.range_count = 3, .ranges = ranges};

    cr_expect_eq(process_copy_bytes(&some, 0x1000, 16), data);
    cr_expect_eq(process_copy_bytes(&some, 0x1002, 3), data + 2);
    cr_expect_null(process_copy_bytes(&some, 0x1008, 16), "across two ranges");
    cr_expect_null(process_copy_bytes(&some, 0x0fff, 1));
    cr_expect_null(process_copy_bytes(&some, 0x1018, 1));
    cr_expect_null(process_copy_bytes(&some, 0x1000, UINT64_MAX));
    cr_expect_eq(process_copy_bytes(&some, UINT64_MAX, 1), data + 31);
}

Test(process_copy, a_mapping_is_found_by_any_address_in_it)
{
    ProcessMapping mappings[] = {{.start = 0x1000, .end = 0x3000},
                                 {.start = 0x5000, .end = 0x6000}};
    ProcessCopy some = {.mapping_count = 2, .mappings = mappings};

    cr_expect_eq(process_copy_find_mapping(&some, 0x1000), &mappings[0]);
    cr_expect_eq(process_copy_find_mapping(&some, 0x2fff), &mappings[0]);
    cr_expect_eq(process_copy_find_mapping(&some, 0x5fff), &mappings[1]);
    cr_expect_null(process_copy_find_mapping(&some, 0xfff));
    cr_expect_null(process_copy_find_mapping(&some, 0x3000), "between two mappings");
    cr_expect_null(process_copy_find_mapping(&some, 0x6000));
}

Test(process_copy, shared_memory_without_a_file_on_disk_is_chosen)
{
    char names[][32] = {"/memfd:a (deleted)", "/dev/zero (deleted)",   "/SYSV00000000 (deleted)",
                        "/dev/shm/b",         "/var/orders.db",        "/dev/dri/card0",
                        "/memfd:a",           "anon_inode:[io_uring]", "/dev/shm/private",
                        "/dev/shm/read-only", "/dev/shm/large",        "/dev/shm/small"};
    ProcessMapping mappings[sizeof names / sizeof names[0]] = {{.start = 0}};
    const uint32_t count = sizeof names / sizeof names[0];

    for (uint32_t i = 0; i < count; i++) {
        mappings[i].name = names[i];
        mappings[i].start = (uint64_t)(i + 1) << 40;
        mappings[i].end = mappings[i].start + (i == 10 ? UINT64_C(1) << 30 : 4096);
        mappings[i].is_readable = true;
        mappings[i].is_writable = i != 9;
        mappings[i].is_private = i == 8;
    }
    process_mappings_choose_shared(mappings, count);
    for (uint32_t i = 0; i < count; i++)
        cr_expect_eq(mappings[i].is_shared_memory, i < 4 || i == 11, "%s", mappings[i].name);
}
