// Which interrupted system calls are restarted. The registers are made up; tests/live/
// interrupted_calls.sh sleeps in real calls.

#include "snapshot/capture/guard/interrupted_calls_internal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/syscall.h>

static GeneralRegisters stopped_in(long number, int64_t result)
{
    GeneralRegisters general = {{0}};

    general.words[REGISTER_ORIG_RAX] = (uint64_t)number;
    general.words[REGISTER_RAX] = (uint64_t)result;
    return general;
}

static bool is_restartable(long number, int64_t result)
{
    const GeneralRegisters general = stopped_in(number, result);

    return interrupted_call_is_restartable(&general);
}

static void begin(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
}

TestSuite(interrupted_calls, .init = begin);

Test(interrupted_calls, calls_whose_eintr_promises_that_nothing_was_done_are_restarted)
{
    cr_expect(is_restartable(SYS_epoll_pwait, -EINTR));
    cr_expect(is_restartable(SYS_semtimedop, -EINTR));
    cr_expect(is_restartable(SYS_sendfile, -EINTR));
}

Test(interrupted_calls, calls_that_may_have_done_something_are_not)
{
    cr_expect_not(is_restartable(SYS_close, -EINTR));
    cr_expect_not(is_restartable(SYS_ioctl, -EINTR));
}

Test(interrupted_calls, only_eintr_is_replaced)
{
    cr_expect_not(is_restartable(SYS_epoll_pwait, 0));
    cr_expect_not(is_restartable(SYS_epoll_pwait, -EAGAIN));
    // Codes that make the kernel itself restart the call.
    cr_expect_not(is_restartable(SYS_epoll_pwait, -512));
    cr_expect_not(is_restartable(SYS_epoll_pwait, -514));
}

Test(interrupted_calls, a_thread_in_user_code_has_no_call_to_restart)
{
    cr_expect_not(is_restartable(-1, -EINTR));
}
