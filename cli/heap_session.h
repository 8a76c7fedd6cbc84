// HeapSession: the frame of the commands that answer questions about marked heaps. They have in
// common: parsing, reading and marking a snapshot, the graph and the dominator tree where they are
// needed, progress, results, heading and notes.
//
//     static const HeapQuestion question = {.answer = answer, .print = print_answer};
//
//     ExitStatus report_run(const Command *command, int argument_count, char **arguments)
//     {
//         ReportSettings settings = {.top = 20}; // begins with HeapSettings
//         ReportRun run = {.settings = &settings};
//
//         heap_session_init(&run.session, command, &settings.heap);
//         return heap_session_run(&run.session, &question, &run, argument_count, arguments);
//     }

#ifndef CLI_HEAP_SESSION_H
#define CLI_HEAP_SESSION_H

#include "analysis/collector_memory.h"
#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"
#include "cli/heap_memory.h"
#include "cli/session.h"
#include "marker/mark_in_passes.h"

// The first member of the settings of each of these commands.
typedef struct HeapSettings {
    SessionSettings session;
    const char *json;
    int64_t mem_limit; // bytes; 0: none
    bool is_relocated;
    bool is_precise;
} HeapSettings;

// Their rows in the table of options.
#define JSON_OPTION                                                                                \
    {                                                                                              \
        .name = "json", .type = OPTION_TEXT, .value_name = "FILE",                                 \
        .help = "write the result as JSON to FILE; '-' writes it to\n"                             \
                "standard output, and nothing else",                                               \
        .setting = offsetof(HeapSettings, json)                                                    \
    }
#define MEM_LIMIT_OPTION MEM_LIMIT_OPTION_AT(offsetof(HeapSettings, mem_limit))
#define RELOCATE_OPTION                                                                            \
    {                                                                                              \
        .name = "relocate", .type = OPTION_FLAG,                                                   \
        .help = "load the heap at addresses other than the captured\n"                             \
                "ones; the result is the same",                                                    \
        .setting = offsetof(HeapSettings, is_relocated)                                            \
    }
#define PRECISE_HELP                                                                               \
    "mark without weak references and stale words, by the\n"                                       \
    "type layouts in the snapshot (rule precise/1)"
#define PRECISE_OPTION                                                                             \
    {                                                                                              \
        .name = "precise", .type = OPTION_FLAG, .help = PRECISE_HELP,                              \
        .setting = offsetof(HeapSettings, is_precise)                                              \
    }
#define ANSWER_OPTIONS                                                                             \
    JSON_OPTION, MEM_LIMIT_OPTION, RELOCATE_OPTION,                                                \
        REPLACE_OPTION(offsetof(HeapSettings, session)),                                           \
        QUIET_OPTION(offsetof(HeapSettings, session)),                                             \
        PROGRESS_OPTION(offsetof(HeapSettings, session))

typedef enum HeapNeeds {
    HEAP_NEEDS_MARK,
    HEAP_NEEDS_GRAPH,
    HEAP_NEEDS_TREE,
    HEAP_NEEDS_WHOLE, // all pages in memory: marks step by step
} HeapNeeds;

typedef struct HeapSession {
    HeapSettings *settings; // borrowed
    Session frame;
    Operands operands;
    AnalysisProgress analysis_progress;
    bool shows_terms;
    bool explained_names; // the answer itself said why names are missing
    bool skips_residue;
    bool keeps_words;
    uint32_t node_bytes;
    OutputFile *json; // NULL: not wanted
    MemoryLimit limit;
    HeapNeeds needs;
    uint64_t reserved_bytes; // of the limit, that the answer takes beside graph and tree
    // The heap at hand.
    const char *path;
    PassesNeed need; // of a heap that is read in parts; else zeroed
    HeapImage *image;
    MarkResult *mark;
    ReachabilityReport *report;
    ResidueWords residue; // references of the mark that look left over
    uint64_t read_ns;     // that reading took
    uint64_t report_ns;   // and counting
    ObjectGraph *graph;   // NULL: not needed so far; so are the next two
    NodeTypes *types;
    CollectorMemory collector; // zeroed until it is needed
    bool knows_collector;
    DominatorTree *tree;
} HeapSession;

// What one of these commands does; `run` is its own struct.
typedef struct HeapQuestion {
    // Reads the heap (heap_session_read()), finds the answer, writes the results.
    bool (*answer)(void *run, Error *error);
    // Prints the answer for people. Called unless --quiet, or a result takes standard output.
    void (*print)(void *run);
    // With --quiet, prints the finding alone, so that status 1 is never silent. NULL: there is
    // none.
    void (*print_finding)(void *run);
    // Is the answer a finding, exit status 1? NULL: never.
    bool (*is_finding)(const void *run);
    // Frees what `run` owns, but for the session. NULL: nothing.
    void (*release)(void *run);
    int max_inputs;     // operands that are snapshots: the first ones; 0: all
    bool shows_terms;   // heap_session_print_next() points to the glossary
    bool skips_residue; // the answer does not need the words that look left over
    bool keeps_words;   // the answer shows words of the image: they stay as they were captured
    // With a tree: the most bytes a node that tree and answer take beside the graph, where that is
    // more than making the tree takes.
    uint32_t node_bytes;
    // What the answer cannot do without, for telling early how much memory would do.
    HeapNeeds needs;
} HeapQuestion;

// `settings` hold the defaults; they are borrowed.
void heap_session_init(HeapSession *session, const Command *command, HeapSettings *settings);

// The whole command: parses the arguments into the settings, answers, prints, reports errors, frees
// the session and what `run` owns. Returns the exit status.
ExitStatus heap_session_run(HeapSession *session, const HeapQuestion *question, void *run,
                            int argument_count, char **arguments);

// How a heap is marked, where that is not the usual major mark.
typedef struct HeapMarking {
    MarkOptions options;
    // Between reading and marking; may change the options. NULL: nothing to do.
    bool (*prepare)(void *context, const HeapImage *image, MarkOptions *options, Error *error);
    // After a mark that did not fail. NULL: nothing to do.
    bool (*finish)(void *context, const MarkResult *mark, Error *error);
    void *context;
} HeapMarking;

// Reads and marks the snapshot `path`, and counts what is reachable. A heap that was read before is
// freed. `marking` may be NULL. Errors: those of reading and marking.
NODISCARD bool heap_session_read(HeapSession *session, const char *path, const HeapMarking *marking,
                                 Error *error);

// Frees graph, types and tree early, where the answer goes on without them.
void heap_session_free_graph(HeapSession *session);
// Frees the heap at hand early; heap_session_run() does so at the end.
void heap_session_free_heap(HeapSession *session);

// Is there memory for `bytes` more at this point? Errors: memory, with "`what` would take ...".
NODISCARD bool heap_session_allows(HeapSession *session, const char *what, uint64_t bytes,
                                   Error *error);

// Is there memory for marking the heap at hand once more? Errors: the same.
NODISCARD bool heap_session_allows_mark(HeapSession *session, Error *error);

// Make graph and types, unless they are there already. Errors: memory (more than --mem-limit
// allows, too), unsupported.
NODISCARD bool heap_session_need_graph(HeapSession *session, Error *error);
// The same, and sets the collector's memory aside (see Note [Set aside]) in the graph and, unless
// the question keeps words, in the image.
NODISCARD bool heap_session_need_program(HeapSession *session, Error *error);
// The same, and makes the dominator tree on top of them.
NODISCARD bool heap_session_need_tree(HeapSession *session, Error *error);

// Shows on standard error what is done next.
void heap_session_say(HeapSession *session, const char *what);

// "shop.zst: shop (pid 4242), captured ..., rudo-gc-0.8, conservative/1" and an empty line.
void heap_session_print_heading(const HeapSession *session);
// What the capture means for the figures.
void heap_session_print_notes(const HeapSession *session);
// "next: rudo-snap COMMAND FILE WORD...". NULL: no words; else NULL ends them.
void heap_session_print_next(const HeapSession *session, const char *command,
                             const char *const words[]);

#endif
