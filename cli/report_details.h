// The part of a report that `--full` adds: what those who work on a collector or an allocator want.
// Tables of groups of objects are the same in both parts.

#ifndef CLI_REPORT_DETAILS_H
#define CLI_REPORT_DETAILS_H

#include "analysis/heap_report.h"
#include "cli/text_table.h"

// Prints size classes, owner threads, generations, the `most` biggest retainers, pages, owners of
// malloc'd memory, and what only conservative words keep.
void report_details_print(const HeapReport *report, uint32_t most);

// The head of a table of groups, and a row; with_growth: with columns for the growth since an older
// heap, which is NULL in tables without them. Prints the table within the width of the terminal.
void report_groups_begin(TextTable *table, bool with_growth, const char *what);
void report_groups_add(TextTable *table, const HeapReport *report, const HeapGroup *group,
                       const Growth *growth, const char *name);
void report_groups_print(TextTable *table);

#endif
