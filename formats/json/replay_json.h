// The results of `rudo-snap replay` as JSON Lines, schema "rudo-snap/replay/1"
// (formats/schemas/replay-1.schema.json): a line about the run, then one for each heap.
//
// The same bytes whenever the same is found; there are no times in them.

#ifndef FORMATS_JSON_REPLAY_JSON_H
#define FORMATS_JSON_REPLAY_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/replay/heap_replay.h"
#include "analysis/replay/mark_golden.h"
#include "formats/json/json_writer.h"
#include "base/error.h"

#define REPLAY_SCHEMA "rudo-snap/replay/1"

// The settings of a run. Lists are written as the command's options take them.
typedef struct ReplayRunRecord {
    const ReplayPlan *plan;
    bool has_golden;
    uint32_t part; // of `parts`, from 1
    uint32_t parts;
    uint64_t heaps; // of this part; fewer have a line where the run was interrupted
} ReplayRunRecord;

typedef enum ReplayVerdict {
    REPLAY_EQUAL = 0,
    REPLAY_DIFFERENT, // a mark differs from the golden or from the serial mark
    REPLAY_NO_GOLDEN,
    REPLAY_FAILED, // damaged, or could not be read
    REPLAY_VERDICT_COUNT,
} ReplayVerdict;

// "equal", "different", "no golden", "failed".
const char *replay_verdict_name(ReplayVerdict verdict);

// The result for one heap. Texts are borrowed.
typedef struct ReplayRecord {
    const char *heap;
    const char *golden; // its file, or NULL
    ReplayVerdict verdict;
    uint32_t exit_status; // the exit status for this heap alone
    bool was_marked;      // false: the following is not set
    bool is_complete;     // the snapshot is
    bool is_updated;      // its golden was written
    char rule[16];
    char digest[MARK_DIGEST_CHARS];
    uint64_t totals[GOLDEN_TOTAL_COUNT];
    uint64_t marks; // on schedules
    uint64_t steps;
    // A difference: of one mark from the serial one, or of the serial one from the golden.
    bool is_between_marks;
    ReplayWay way;
    bool is_other_heap;
    bool is_other_rule;
    bool differs[GOLDEN_TOTAL_COUNT];
    uint64_t expected[GOLDEN_TOTAL_COUNT];
    MarkDifference marked; // pages 0: in no page
    // The same as text for the user, without the last line feed, and the command that reproduces
    // it; NULL: none. Of a failure, `text` is the error.
    const char *text;
    const char *again;
} ReplayRecord;

// A line. Errors: those of the sink.
NODISCARD bool replay_json_write_run(JsonSink sink, const ReplayRunRecord *run, Error *error);
NODISCARD bool replay_json_write_heap(JsonSink sink, const ReplayRecord *record, Error *error);

#endif
