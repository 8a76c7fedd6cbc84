// HeapSession: what the commands that answer questions about a marked heap have in common: their
// options, reading and marking, the graph and the dominator tree where they are needed, progress,
// and where the JSON goes.

#ifndef CLI_HEAP_SESSION_H
#define CLI_HEAP_SESSION_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/result_file.h"

// The first member of the settings of each of these commands.
typedef struct AnswerSettings {
    const char *json;
    int64_t mem_limit; // bytes; 0: none
    bool is_relocated;
    bool is_quiet;
    int progress; // ProgressMode
} AnswerSettings;

// Their rows in the table of options.
#define ANSWER_OPTIONS                                                                             \
    {.name = "json",                                                                               \
     .type = OPTION_TEXT,                                                                          \
     .value_name = "FILE",                                                                         \
     .help = "write the answer as JSON to FILE; '-': to standard\n"                                \
             "output, which then holds nothing else",                                              \
     .setting = offsetof(AnswerSettings, json)},                                                   \
        {.name = "mem-limit",                                                                      \
         .type = OPTION_BYTES,                                                                     \
         .value_name = "SIZE",                                                                     \
         .help = "take no more memory than this (500M, 2G); what\n"                                \
                 "would need more is left out, and said",                                          \
         .setting = offsetof(AnswerSettings, mem_limit),                                           \
         .minimum = 1,                                                                             \
         .maximum = INT64_MAX},                                                                    \
        {.name = "relocate",                                                                       \
         .type = OPTION_FLAG,                                                                      \
         .help = "do not load the heap at its captured addresses; same\n"                          \
                 "result",                                                                         \
         .setting = offsetof(AnswerSettings, is_relocated)},                                       \
        {.name = "quiet",                                                                          \
         .letter = 'q',                                                                            \
         .type = OPTION_FLAG,                                                                      \
         .help = "print no summary",                                                               \
         .setting = offsetof(AnswerSettings, is_quiet)},                                           \
    {                                                                                              \
        .name = "progress", .type = OPTION_CHOICE, .choices = progress_choices,                    \
        .help = PROGRESS_HELP, .setting = offsetof(AnswerSettings, progress)                       \
    }

// A zeroed struct can be closed.
typedef struct HeapSession {
    const AnswerSettings *settings;
    const char *path;
    uint64_t mem_limit; // UINT64_MAX: none
    Progress progress;
    AnalysisProgress analysis_progress;
    ResultFile json;
    HeapImage *image;
    MarkResult *mark;
    ReachabilityReport *report;
    ObjectGraph *graph;
    NodeTypes *types;
    DominatorTree *tree;
} HeapSession;

// Reads and marks the snapshot at `path`. Both are borrowed. Errors: usage, and those of reading
// and marking. To be closed by heap_session_close() in any case.
NODISCARD bool heap_session_open(HeapSession *session, const AnswerSettings *settings,
                                 const char *path, Error *error);
void heap_session_close(HeapSession *session);

// Make graph and types, and on top of them the dominator tree, unless they are there already.
// Errors: memory (more than --mem-limit allows, too), unsupported.
NODISCARD bool heap_session_need_graph(HeapSession *session, Error *error);
NODISCARD bool heap_session_need_tree(HeapSession *session, Error *error);

// Is there something to print for people? Ends the line of progress.
bool heap_session_prints(HeapSession *session);
bool heap_session_writes_json(const HeapSession *session);

// Is an output path (which may be NULL) the snapshot itself? Writing there would replace it.
bool heap_session_is_snapshot(const char *path, const char *snapshot);

// "shop.zst: shop (pid 4242), captured ..., rudo-gc-0.8, conservative/1", and what the capture
// means for the figures.
void heap_session_print_heading(const HeapSession *session);
void heap_session_print_notes(const HeapSession *session);
// "next: rudo-snap COMMAND FILE REST"; rest may be "".
void heap_session_print_next(const HeapSession *session, const char *command, const char *rest);

// The exit status of a command that ends here, with the error if there is one.
ExitStatus heap_session_status(const Command *command, bool ok, const Error *error);

#endif
