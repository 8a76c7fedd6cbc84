// CaptureTurn: one at a time, for each process; a turn ends when it is given back or its owner
// does.

#include "snapshot/capture/live/capture_turn_internal.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOMENT_NS UINT64_C(30000000)

static Error error;

static bool takes(CaptureTurn *turn, int pid)
{
    return capture_turn_take(turn, pid, MOMENT_NS, NULL, &error);
}

Test(capture_turn, a_second_one_waits_for_the_first, .timeout = 60)
{
    CaptureTurn first, second;

    cr_assert(takes(&first, getpid()), "%s", error.message);
    cr_assert_geq(first.lock, 0);
    cr_expect_not(takes(&second, getpid()));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_not_null(strstr(error.message, "another rudo-snap"));
    capture_turn_give(&second);
    cr_expect(takes(&second, getppid()), "another process is free: %s", error.message);
    capture_turn_give(&second);
    capture_turn_give(&first);
    capture_turn_give(&first);
    cr_expect(takes(&second, getpid()), "%s", error.message);
    capture_turn_give(&second);
}

Test(capture_turn, a_turn_ends_with_its_owner, .timeout = 60)
{
    CaptureTurn turn;
    pid_t self = getpid(), child = fork();

    if (child == 0)
        _exit(takes(&turn, self) ? 7 : 1);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(WEXITSTATUS(status), 7);
    cr_expect(takes(&turn, getpid()), "%s", error.message);
    capture_turn_give(&turn);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

Test(capture_turn, waiting_can_be_cancelled, .timeout = 60)
{
    const Cancel cancel = {.is_cancelled = always};
    CaptureTurn first, second;

    cr_assert(takes(&first, getpid()));
    cr_expect_not(capture_turn_take(&second, getpid(), UINT64_MAX / 2, &cancel, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED);
    capture_turn_give(&second);
    capture_turn_give(&first);
}

Test(capture_turn, a_process_that_is_not_there_has_no_lock)
{
    CaptureTurn turn;

    cr_expect(takes(&turn, 999999999));
    cr_expect_eq(turn.lock, -1);
    capture_turn_give(&turn);
}
