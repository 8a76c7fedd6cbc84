// A forked child to be captured, which shares some memory with the test that forked it.
//
//     child_start(body);   // body(), then it beats until it is killed
//     ...capture child_pid()...
//     cr_expect(child_is_running());
//     child_end();
//
// Test code only: one child at a time, kept in static variables.

#ifndef TESTS_SUPPORT_CAPTURED_CHILD_H
#define TESTS_SUPPORT_CAPTURED_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Shared between the test and its child.
typedef struct ChildMeeting {
    uint32_t is_ready;
    uint64_t beats;     // progress of the child
    uint64_t *on_stack; // for a child to say where something lies
} ChildMeeting;

extern ChildMeeting *child_meeting;

// Forks, runs body() in the child, and waits until the child has come to child_meet(): by
// itself, or after body() has returned. The child ends when the test does.
void child_start(void (*body)(void));

// In the child: tells the test to go on, and returns.
void child_announce(void);

// In the child: tells the test to go on, and beats a thousand times a second.
_Noreturn void child_meet(void);

pid_t child_pid(void);

// A number from /proc/PID/status, or -1.
long child_status_number(const char *key);

// Does it beat, untraced? Waits a few seconds before it says no.
bool child_is_running(void);

// Kills and reaps it; harmless when there is none.
void child_end(void);

// The child has been reaped by the test itself.
void child_forget(void);

#endif
