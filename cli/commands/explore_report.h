// A violation, for people: the case, the steps, and the commands that reproduce it.

#ifndef CLI_COMMANDS_EXPLORE_REPORT_H
#define CLI_COMMANDS_EXPLORE_REPORT_H

#include "marker/explore/explore_search.h"
#include "marker/explore/explore_trace.h"

// "a queue of capacity 2, owner ++-, 1 thief with 2 attempts".
void explore_print_case(const ExploreSubject *subject);

// The heading, the case, and the numbered steps of the run that these choices make.
void explore_print_finding(SimRun *run, const ExploreFinding *finding);

// Says early what explore_save_finding() would say: PREFIX.zst is a snapshot that must not be
// replaced, or the one that is explored (`input`, or NULL); or it cannot be written.
NODISCARD bool explore_check_output(const char *prefix, bool replaces, const char *input,
                                    Error *error);

// Writes PREFIX.schedule and, of a mark, PREFIX.zst, and prints the commands that follow them.
// Errors: those of files, memory.
NODISCARD bool explore_save_finding(const ExploreFinding *finding, const char *prefix,
                                    bool replaces, Error *error);

#endif
