// SIGINT, SIGTERM, SIGHUP and SIGPIPE: clean up, then take effect.
//
// By default a signal removes the temporary files that are remembered here and ends the program by
// that signal, at once. A command that has more to tidy up or to print (a capture releases its
// target) defers signals and checks interrupt_is_pending(); they take effect when main() is done.

#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

// Once, at the start. A signal that is ignored already (nohup) stays ignored.
void interrupt_install(void);

// From now on a signal is only remembered.
void interrupt_defer(void);
// From now on a signal takes effect at once, and so does one that was remembered.
void interrupt_resume(void);

// Is a signal pending? For Cancel (base/cancel.h); `context` is not used. Safe from any thread.
bool interrupt_is_pending(void *context);

// Ends the program by the signal that was remembered; returns when there is none.
void interrupt_take_effect(void);

// Has a signal remove this file. Remembers a few; returns a number for interrupt_forget_file(), or
// -1 when there are too many or the path is too long.
int interrupt_remember_file(const char *path);
void interrupt_forget_file(int number);

#endif
