// GuardAlarm: wakes the guard, should it have been put to sleep (SIGSTOP) while it holds the
// target.
//
// Note [A sleeping guard]
// ~~~~~~~~~~~~~~~~~~~~~~~
// SIGSTOP can put the guard to sleep, and the target would stand still with it. SIGCONT wakes a
// process when it is sent, blocked or not, and three parties send it: rudo-snap, which looks at the
// guard while it waits for it; the kernel, when rudo-snap ends (PR_SET_PDEATHSIG); and a timer of
// the guard's own, for when rudo-snap sleeps as well. The guard sets the timer again while it is
// awake and holds the target, so that it expires only when the guard is late.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_ALARM_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_ALARM_INTERNAL_H

#include <stdbool.h>
#include <time.h>

typedef struct GuardAlarm {
    timer_t timer;
    bool has_timer;
} GuardAlarm;

// To be called once by the guard; arranges for the kernel's signal as well.
void guard_alarm_init(GuardAlarm *alarm);

// The guard is awake: the alarm is put off.
void guard_alarm_set(const GuardAlarm *alarm);

#endif
