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

// What was asked for. Lists are written as the command's options take them.
typedef struct ReplayRunRecord {
    const ReplayPlan *plan;
    bool has_golden;
    uint32_t part; // of `parts`, from 1
    uint32_t parts;
} ReplayRunRecord;

typedef enum ReplayVerdict {
    REPLAY_EQUAL = 0,
    REPLAY_DIFFERENT, // from its golden, or one mark from another
    REPLAY_NO_GOLDEN,
    REPLAY_FAILED, // damaged, or could not be read
    REPLAY_VERDICT_COUNT,
} ReplayVerdict;

// "equal", "different", "no golden", "failed".
const char *replay_verdict_name(ReplayVerdict verdict);

// What was found of one heap. Texts are borrowed.
typedef struct ReplayRecord {
    const char *heap;
    const char *golden; // its file, or NULL
    ReplayVerdict verdict;
    uint32_t exit_status; // what the heap by itself makes of the command's
    bool was_marked;      // the following says something
    bool is_complete;     // the snapshot is
    bool is_updated;      // its golden was written
    char rule[16];
    char digest[MARK_DIGEST_CHARS];
    uint64_t totals[GOLDEN_TOTAL_COUNT];
    uint64_t marks; // on schedules
    uint64_t steps;
    // Of a difference: of one mark from the serial one, or of what was found from the golden.
    bool is_between_marks;
    ReplayWay way;
    bool is_other_heap;
    bool is_other_rule;
    bool differs[GOLDEN_TOTAL_COUNT];
    uint64_t expected[GOLDEN_TOTAL_COUNT];
    MarkDifference marked; // pages 0: in no page
    // The same for people, lines without the last line feed, and what to type to have it again;
    // NULL: there is none. Of a failure, the error.
    const char *text;
    const char *again;
} ReplayRecord;

// A line. Errors: those of the sink.
NODISCARD bool replay_json_write_run(JsonSink sink, const ReplayRunRecord *run, Error *error);
NODISCARD bool replay_json_write_heap(JsonSink sink, const ReplayRecord *record, Error *error);

#endif
