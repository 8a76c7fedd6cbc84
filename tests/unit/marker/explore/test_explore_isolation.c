// Isolation: what a child found comes back, and so do the choices that it made before it crashed.

#include "marker/explore/explore_isolation.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void leave_results(void *context)
{
    IsolatedArea *area = context;

    area->schedules = 7;
    area->mirror.count = 1;
    area->mirror.choices[0] = (SimChoice){.entity = 3};
}

static void crash(void *context)
{
    leave_results(context);
    // Not the handler of a sanitizer.
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
}

static void end_process(void *context)
{
    leave_results(context);
    (void)syscall(SYS_exit_group, 3);
}

static void expect_results(const IsolatedArea *area)
{
    cr_expect_eq(area->schedules, 7);
    cr_assert_eq(area->mirror.count, 1);
    cr_expect_eq(area->mirror.choices[0].entity, 3);
}

Test(explore_isolation, what_a_child_found_comes_back)
{
    IsolatedArea *area = isolated_area_new();
    Violation violation = {.kind = VIOLATION_NONE};

    cr_assert_not_null(area);
    cr_expect(isolated_run(area, leave_results, area, &violation));
    cr_expect_eq(violation.kind, VIOLATION_NONE);
    expect_results(area);
    isolated_area_free(area);
}

Test(explore_isolation, a_child_that_ends_is_a_violation)
{
    IsolatedArea *area = isolated_area_new();
    Violation violation = {.kind = VIOLATION_NONE};

    cr_assert_not_null(area);
    cr_expect_not(isolated_run(area, crash, area, &violation));
    cr_expect_eq(violation.kind, VIOLATION_CRASH);
    cr_expect_not_null(strstr(violation.text, "crashes"), "%s", violation.text);
    expect_results(area);
    cr_expect_not(isolated_run(area, end_process, area, &violation));
    cr_expect_not_null(strstr(violation.text, "status 3"), "%s", violation.text);
    isolated_area_free(area);
}
