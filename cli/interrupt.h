// SIGINT, SIGTERM, SIGHUP and SIGPIPE: clean up, then take effect.
//
// A signal removes the temporary files that are known here and ends the program by that
// signal, at once. A part that must tidy up more itself (a capture: let go of the target)
// defers signals and looks at interrupt_is_pending(); they take effect when main() is done.

#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

// Once, at the start. A signal that is ignored already (nohup) stays ignored.
void interrupt_install(void);

// From now on a signal is only remembered.
void interrupt_defer(void);

// Has one come? For the is_cancelled callbacks of the libraries; `context` is not used.
bool interrupt_is_pending(void *context);

// Ends the program by the signal that was remembered; returns when there is none.
void interrupt_take_effect(void);

// A file to remove should a signal come. Remembers a few; returns a number for
// interrupt_forget_file(), or -1 when there are too many or the path is too long.
int interrupt_remember_file(const char *path);
void interrupt_forget_file(int number);

#endif
