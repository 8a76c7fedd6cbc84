// HeapLimit: a limit for a heap, as `rudo-snap check` takes it.
//
//     count(shop::Order) <= 1000             reachable objects of a type
//     retained(shop::Cache) <= 5MiB          bytes that freeing all objects of the type frees
//     malloc(shop::Session) <= 64kB          malloc'd memory that objects of the type own
//     growth(shop::Session) <= 10%           reachable objects more than in the baseline
//     reachable <= 20MiB                     all that is reachable: a size, or a number of objects
//     unreachable <= 20%                     garbage: of the objects' bytes, a size, or a number
//     pages <= 5000                          GC pages, or their size
//     occupancy >= 70%                       slots that hold an object or a zombie
//     no path shop::Global -> shop::Temp     no object of one type leads to one of the other
//     suspects = 0                           leak suspects that are not known
//     complete                               nothing of the heap is missing
//
// A type is a name or a pattern (analysis/check/type_pattern.h); `total` means all types; "type:"
// before a name makes it a type; quotes around it, single or double, hide what would end it, and
// change nothing else. A percentage is of the total of its kind, or `of reachable`: of all
// reachable bytes or objects. A limit that no heap can keep, or that each keeps, is refused.

#ifndef ANALYSIS_CHECK_HEAP_LIMIT_H
#define ANALYSIS_CHECK_HEAP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum LimitMeasure {
    LIMIT_COUNT,
    LIMIT_RETAINED,
    LIMIT_MALLOC,
    LIMIT_GROWTH,
    LIMIT_REACHABLE,
    LIMIT_UNREACHABLE,
    LIMIT_PAGES,
    LIMIT_OCCUPANCY,
    LIMIT_SUSPECTS,
    LIMIT_NO_PATH,
    LIMIT_COMPLETE,
    LIMIT_MEASURE_COUNT,
} LimitMeasure;

// "count", "no path", ...: the first word or words of a limit.
const char *limit_measure_name(LimitMeasure measure);

typedef enum LimitComparison {
    LIMIT_AT_MOST,
    LIMIT_BELOW,
    LIMIT_AT_LEAST,
    LIMIT_ABOVE,
    LIMIT_EQUAL,
} LimitComparison;

typedef enum LimitUnit {
    LIMIT_NUMBER,
    LIMIT_BYTES,
    LIMIT_PERCENT,
} LimitUnit;

// Of per cent, `amount` counts millionths.
#define LIMIT_PERCENT_SCALE UINT64_C(1000000)
#define LIMIT_MAX_CHARS 4096u

// A zeroed struct may be released.
typedef struct HeapLimit {
    char *text; // as the user wrote it, without spaces around it; owned
    LimitMeasure measure;
    bool is_total; // of all types
    char *type;    // NULL: none; owned
    char *target;  // of LIMIT_NO_PATH; owned
    LimitComparison comparison;
    LimitUnit unit;
    bool is_of_reachable; // a percentage of all that is reachable
    bool is_each;         // of growth: of each type that fits alone, not of all together
    bool is_in_bytes;     // a percentage of bytes, where objects are counted otherwise
    uint64_t amount;
} HeapLimit;

// Parses a limit. `where` names its place in messages: "--limit". Errors: usage (the message has
// the column, the hint shows the place and the way out), memory. Released by heap_limit_release()
// in any case.
NODISCARD bool heap_limit_parse(const char *text, const char *where, HeapLimit *out, Error *error);
void heap_limit_release(HeapLimit *limit);

// Is a baseline needed?
static inline bool heap_limit_compares(const HeapLimit *limit)
{
    return limit->measure == LIMIT_GROWTH;
}

#endif
