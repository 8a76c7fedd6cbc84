// memory_available(): the available memory of the machine, or of a container with a limit.

#include "base/machine/memory_available.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rudo-snap-memory.XXXXXX";
static char meminfo[256], groups[256];
static MemorySources sources;

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static void begin(void)
{
    char path[256];

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/pod", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/pod/shop", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    (void)snprintf(meminfo, sizeof meminfo, "%s/meminfo", folder);
    (void)snprintf(groups, sizeof groups, "%s/own", folder);
    sources = (MemorySources){.meminfo = meminfo, .own_groups = groups, .groups_root = folder};
    put("meminfo", "MemTotal:  8000 kB\nMemFree: 1 kB\nMemAvailable:    3000 kB\n");
}

static void end(void)
{
    char command[300];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(memory_available, .init = begin, .fini = end);

Test(memory_available, without_groups_the_machine_alone_counts)
{
    cr_expect_eq(memory_available(&sources), 3000 * 1024);
    put("own", "4:memory:/old/style\n0::/pod/shop\n");
    cr_expect_eq(memory_available(&sources), 3000 * 1024, "these groups set no limit");
    put("pod/shop/memory.max", "max\n");
    cr_expect_eq(memory_available(&sources), 3000 * 1024);
}

Test(memory_available, a_group_leaves_its_limit_less_the_memory_that_cannot_be_reclaimed)
{
    put("own", "0::/pod/shop\n");
    put("pod/shop/memory.max", "1000000\n");
    put("pod/shop/memory.current", "700000\n");
    cr_expect_eq(memory_available(&sources), 300000);
    put("pod/shop/memory.stat", "anon 5\ninactive_file 100000\nactive_file 7\n");
    cr_expect_eq(memory_available(&sources), 400000);
    put("pod/shop/memory.current", "2000000\n");
    cr_expect_eq(memory_available(&sources), 0);
}

Test(memory_available, the_tightest_group_above_counts)
{
    put("own", "1:cpu:/\n0::/pod/shop\n");
    put("pod/shop/memory.max", "1000000\n");
    put("pod/memory.max", "50000\n");
    cr_expect_eq(memory_available(&sources), 50000);
    put("memory.max", "7000\n");
    cr_expect_eq(memory_available(&sources), 7000, "the root of a container has files as well");
}

Test(memory_available, groups_of_the_first_version_count_as_well)
{
    sources.old_groups_root = folder;
    sources.groups_root = "/nowhere";
    put("own", "12:cpuset,memory_pressure:/pod\n4:cpu,memory:/pod/shop\n0::/pod\n");
    put("pod/shop/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect_eq(memory_available(&sources), 3000 * 1024, "no limit is a large one");
    put("pod/memory.limit_in_bytes", "1000000\n");
    put("pod/memory.usage_in_bytes", "700000\n");
    put("pod/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
    cr_expect_eq(memory_available(&sources), 400000);
    put("own", "4:memories:/pod/shop\n");
    cr_expect_eq(memory_available(&sources), 3000 * 1024);
}

Test(memory_available, unknown_memory_is_unlimited)
{
    put("meminfo", "nothing of the kind\n");
    cr_expect_eq(memory_available(&sources), UINT64_MAX);
    cr_expect_lt(memory_available(&system_memory_sources), UINT64_MAX);
    cr_expect_gt(memory_available(&system_memory_sources), 1 << 20);
}
