// Limits and their findings as words: what was measured, and by how much it is too much.

#ifndef CLI_LIMIT_TEXT_H
#define CLI_LIMIT_TEXT_H

#include "analysis/check/heap_doubts.h"
#include "analysis/check/limit_finding.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "formats/junit.h"

// The row of an option table.
#define ALLOW_OPTION(settings, member)                                                             \
    {                                                                                              \
        .name = "allow", .type = OPTION_TEXTS, .value_name = "REASON",                             \
        .help = "accept limits that were not measured for REASON:\n"                               \
                "incomplete, overlooked, names, sizes, foreign-mode,\n"                            \
                "rule, layout, program, same-file; can be given several\n"                         \
                "times",                                                                           \
        .setting = offsetof(settings, member)                                                      \
    }
NODISCARD bool limit_text_parse_allowed(const OptionTexts *texts, DoubtKinds *out, Error *error);

#define LIMIT_TEXT_CHARS (4 * NUMBER_CHARS)

// "1,204", "4.1 MiB", "12.3 %", "+2.3 %", "from 0 to 5".
char *limit_text_measured(const HeapLimit *limit, const LimitFinding *finding,
                          char text[LIMIT_TEXT_CHARS]);

// Of a limit that is exceeded: "204 too many (1,204 of 9,788)"; "" where there is nothing to say.
char *limit_text_excess(const HeapLimit *limit, const LimitFinding *finding,
                        char text[LIMIT_TEXT_CHARS]);

// Prints "EXCEEDED  ", or another word of the first column.
void limit_text_print_verdict(const char *word, bool is_exceeded);

// Prints the reasons for which limits do not count as measured, a line each; with `only_exceeded`
// those that are not allowed.
void limit_text_print_doubts(const HeapDoubts *doubts, bool only_exceeded);

// A test case that says whether a doubt is allowed. Borrows the doubt.
JUnitCase limit_text_doubt_case(const HeapDoubt *doubt);

#endif
