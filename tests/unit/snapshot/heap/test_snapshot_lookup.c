// Modules, frames and namesakes are found as a walk through all of them finds them.

#include <criterion/criterion.h>

#include "snapshot/heap/snapshot_lookup.h"

static char shop[] = "shop", libc[] = "libc.so.6", plugin[] = "plugin.so";
static SnapshotModule modules[] = {
    {.name = libc, .base = 0x80000, .end = 0x90000},
    {.name = shop, .base = 0x10000, .end = 0x14000},
    {.name = plugin, .base = 0x10000, .end = 0x12000},
};
static SnapshotFrame frames[] = {
    {.start = 0x2000, .end = 0x3000},
    {.start = 0x1000, .end = 0x2800},
};
static SnapshotStack stacks[] = {{.thread = 0, .frame_count = 2, .frames = frames}};
static SnapshotThread threads[] = {{.name = "worker"}, {.name = "main"}, {.name = "worker"}};

Test(snapshot_lookup, modules_are_found_by_where_they_begin)
{
    SnapshotDetails details = {.module_count = 3, .modules = modules};
    Error error;

    cr_assert(snapshot_details_index(&details, &error));
    cr_expect_null(snapshot_lookup_module(&details, 0xffff));
    // Of two that begin at one place the first.
    cr_expect_eq(snapshot_lookup_module(&details, 0x10000), &modules[1]);
    cr_expect_eq(snapshot_lookup_module(&details, 0x7ffff), &modules[1]);
    cr_expect_eq(snapshot_lookup_module(&details, UINT64_MAX), &modules[0]);
    cr_expect_null(snapshot_lookup_code(&details, 0x14000));
    cr_expect_eq(snapshot_lookup_code(&details, 0x13fff), &modules[1]);
    cr_expect_eq(snapshot_lookup_code(&details, 0x80000), &modules[0]);
    snapshot_lookup_free(details.lookup);
}

Test(snapshot_lookup, the_first_frame_with_an_address_has_it)
{
    SnapshotDetails details = {
        .stack_count = 1, .stacks = stacks, .thread_count = 3, .threads = threads};
    Error error;

    cr_assert(snapshot_details_index(&details, &error));
    cr_expect_eq(snapshot_lookup_frame(&details, &stacks[0], 0xfff), UINT32_MAX);
    cr_expect_eq(snapshot_lookup_frame(&details, &stacks[0], 0x1000), 1);
    cr_expect_eq(snapshot_lookup_frame(&details, &stacks[0], 0x2000), 0);
    cr_expect_eq(snapshot_lookup_frame(&details, &stacks[0], 0x3000), UINT32_MAX);
    cr_expect(snapshot_lookup_has_namesake(&details, 0));
    cr_expect_not(snapshot_lookup_has_namesake(&details, 1));
    cr_expect(snapshot_lookup_has_namesake(&details, 2));
    snapshot_lookup_free(details.lookup);
}
