// GuardAlarm: see guard_alarm_internal.h.

#include "snapshot/capture/guard/guard_alarm_internal.h"

#include <signal.h>
#include <sys/prctl.h>

// How late the guard may be before its timer wakes it.
#define WAKE_NS (200 * 1000000)

void guard_alarm_init(GuardAlarm *alarm)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};

    // If rudo-snap has ended already, the socket says so.
    (void)prctl(PR_SET_PDEATHSIG, SIGCONT);
    alarm->has_timer = timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) == 0;
}

void guard_alarm_set(const GuardAlarm *alarm)
{
    const struct itimerspec late = {.it_value = {.tv_nsec = WAKE_NS}};

    if (alarm->has_timer)
        (void)timer_settime(alarm->timer, 0, &late, NULL);
}
