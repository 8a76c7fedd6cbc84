// CPUs that the process may use: quotas of control groups, version 1 and 2.

#include "base/machine/cpu_count.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/parallel_for.h"

static char folder[] = "/tmp/rudo-snap-cpus.XXXXXX";
static char own_groups[256];
static CpuLimits limits;

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
    (void)snprintf(own_groups, sizeof own_groups, "%s/own", folder);
    limits = (CpuLimits){.groups = {.own_groups = own_groups, .root = folder}};
}

static void end(void)
{
    char command[300];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(cpu_count, .init = begin, .fini = end);

Test(cpu_count, without_a_quota_there_is_no_limit)
{
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX);
    put("own", "0::/pod/shop\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX, "no file");
    put("pod/shop/cpu.max", "max 100000\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX);
    put("pod/shop/cpu.max", "nonsense\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX);
    put("pod/shop/cpu.max", "100 0\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX);
}

Test(cpu_count, a_part_of_a_cpu_counts_as_one)
{
    static const struct {
        const char *quota;
        uint32_t count;
    } cases[] = {{"50000 100000\n", 1},  {"1000 100000\n", 1},   {"0 100000\n", 1},
                 {"100000 100000\n", 1}, {"100001 100000\n", 2}, {"150000 100000\n", 2},
                 {"400000 100000\n", 4}, {"25000 10000\n", 3}};

    put("own", "0::/pod/shop\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("pod/shop/cpu.max", cases[i].quota);
        cr_expect_eq(cpu_count_granted(&limits), cases[i].count, "%s", cases[i].quota);
    }
}

Test(cpu_count, the_tightest_group_above_counts)
{
    put("own", "1:memory:/\n0::/pod/shop\n");
    put("pod/shop/cpu.max", "900000 100000\n");
    put("pod/cpu.max", "350000 100000\n");
    cr_expect_eq(cpu_count_granted(&limits), 4);
    put("cpu.max", "150000 100000\n");
    cr_expect_eq(cpu_count_granted(&limits), 2, "the root of a container has files as well");
    put("own", "0::/elsewhere/not/mounted/here\n");
    cr_expect_eq(cpu_count_granted(&limits), 2, "the groups of a container are named otherwise");
    put("own", "0::/../other\n");
    cr_expect_eq(cpu_count_granted(&limits), 2, "a group outside of the container's");
}

Test(cpu_count, groups_of_the_first_version_count_as_well)
{
    limits =
        (CpuLimits){.groups = {.own_groups = own_groups, .root = "/nowhere"},
                    .old_groups = {.own_groups = own_groups, .root = folder, .controller = "cpu"}};
    put("own", "5:cpuset:/pod\n4:cpu,cpuacct:/pod/shop\n0::/\n");
    put("pod/shop/cpu.cfs_period_us", "100000\n");
    put("pod/shop/cpu.cfs_quota_us", "-1\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX, "-1 means none");
    put("pod/shop/cpu.cfs_quota_us", "50000\n");
    cr_expect_eq(cpu_count_granted(&limits), 1);
    put("pod/shop/cpu.cfs_quota_us", "250000\n");
    cr_expect_eq(cpu_count_granted(&limits), 3);
    put("own", "4:cpuacct,cpu:/pod/shop\n");
    cr_expect_eq(cpu_count_granted(&limits), 3);
    put("own", "4:cpuset:/pod/shop\n");
    cr_expect_eq(cpu_count_granted(&limits), UINT32_MAX, "not a group of CPU time");
}

Test(cpu_count, this_process_may_use_at_least_one)
{
    cr_expect_geq(cpu_count_allowed(), 1);
    cr_expect_geq(cpu_count(), 1);
    cr_expect_leq(cpu_count(), cpu_count_allowed());
    cr_expect_leq(parallel_for_threads(0, 1000), cpu_count_allowed());
    cr_expect_eq(parallel_for_threads(5, 3), 3);
    cr_expect_eq(parallel_for_threads(0, 0), 1);
    cr_expect_geq(parallel_for_burst_threads(1000), parallel_for_threads(0, 1000));
}
