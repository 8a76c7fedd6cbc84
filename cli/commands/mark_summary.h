// The summary that `rudo-snap mark` prints.

#ifndef CLI_COMMANDS_MARK_SUMMARY_H
#define CLI_COMMANDS_MARK_SUMMARY_H

#include "cli/heap_session.h"

// Prints the summary of a session whose heap was read to standard output, with a table of the
// workers if `has_statistics`.
void mark_summary_print(const HeapSession *session, bool has_statistics);

#endif
