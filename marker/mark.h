// Marking: which objects and foreign blocks of a heap image the roots reach.
//
// The result is a set. It depends on the image alone, not on the number of
// workers, the policy, or timing; only the statistics do. The serial marker is
// the oracle: every other way to mark equals it bit for bit.
//
//     MarkResult *result = NULL;
//     MarkOptions options = mark_options_default();
//     options.workers = 16;
//     if (!mark_reachable(image, &options, &result, &error))
//         return false;
//     char digest[MARK_DIGEST_CHARS];
//     mark_result_digest(result, image, digest);
//     mark_result_free(result);
//
// References follow rule `conservative/1`: snapshot/heap/heap_image.h. Rule `exact/1` is the same
// on an image in which objects of known layout hold nothing but references: Note [Exact types] in
// snapshot/heap/heap_image_masks.c.

#ifndef MARKER_MARK_H
#define MARKER_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checksum.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

typedef struct MarkDriver MarkDriver; // marker/mark_driver.h

#define MAX_WORKERS 16u
#define MAX_VIRTUAL_WORKERS 64u // of a scheduled mark: see marker/schedule/mark_schedule.h
#define QUEUE_CAPACITY 1024u    // slots of a StealQueue: a power of two
// The rule of most images, and the rule of those with types whose layout the program described.
#define MARK_RULE "conservative/1"
#define MARK_RULE_EXACT "exact/1"
// The same on the words that a capture of a Boehm heap writes: those that its collector looks at.
#define MARK_RULE_BOEHM "bdwgc/1"
// The rule of images without the words that keep nothing alive by the program's data types.
#define MARK_RULE_PRECISE "precise/1"
#define MARK_DIGEST_CHARS DIGEST128_CHARS

typedef enum MarkPolicy {
    MARK_POLICY_DEFAULT = 0, // the one that measures best: see docs/design-marking.md
    MARK_POLICY_STEAL,       // references stay with the worker that found them
    MARK_POLICY_OWNER,       // references go to the worker that owns their page
} MarkPolicy;

typedef enum MarkKind {
    MARK_MAJOR = 0,
    MARK_MINOR, // old pages count as live; only generation-0 pages are marked
} MarkKind;

// The rule by which this image is marked.
static inline const char *mark_rule_name(const HeapImage *image)
{
    if (image->is_precise)
        return MARK_RULE_PRECISE;
    if (!heap_layout_has_page_headers(&image->layout))
        return MARK_RULE_BOEHM;
    return image->has_exact_types ? MARK_RULE_EXACT : MARK_RULE;
}

// "major", "minor".
const char *mark_kind_name(MarkKind kind);

// "steal", also for the default, or "owner".
const char *mark_policy_name(MarkPolicy policy);

typedef struct MarkOptions {
    uint32_t workers; // 1..MAX_WORKERS (or see `driver`); 0: mark_default_workers()
    MarkKind kind;
    MarkPolicy policy;
    uint32_t queue_capacity; // 0: QUEUE_CAPACITY; else a power of two >= 2 (tests use small ones)
    // NULL: threads. Else the driver runs all workers, up to MAX_VIRTUAL_WORKERS, on the calling
    // thread, one step at a time (marker/mark_driver.h). Borrowed.
    const MarkDriver *driver;
} MarkOptions;

MarkOptions mark_options_default(void);

// One for each CPU that this process may use (base/machine/cpu_count.h), at most MAX_WORKERS.
uint32_t mark_default_workers(void);

// Counts of one worker.
typedef struct MarkWorkerStatistics {
    uint64_t marked;        // objects this worker claimed
    uint64_t scanned_words; // payload words looked at
    uint64_t edges;         // words that referred to an object or a foreign block
    uint64_t steals_tried;
    uint64_t steals_won;
    uint64_t overflow_segments; // allocated by this worker
    uint64_t chunks_sent;       // of references, to their owners (MARK_POLICY_OWNER)
    uint64_t chunks_received;
    uint64_t idle_ns; // of threads only, like the next
    uint64_t cpu_ns;  // CPU time of its thread between the two barriers
    // Of scheduled marks only.
    uint64_t steps;
    uint64_t busy_virtual_ns; // the cost of its steps
    uint64_t idle_virtual_ns; // the rest of the mark's virtual time
} MarkWorkerStatistics;

// The schedule of a scheduled mark. The same for every run, compiler, machine and placement of the
// image.
typedef struct ScheduleStatistics {
    bool is_scheduled;  // false: the mark ran on threads, and all else here is zero
    const char *policy; // schedule_policy_name(), or "file"
    uint64_t seed;
    uint64_t steps;
    uint64_t virtual_ns; // from the start barrier to the end barrier
    // Fingerprint of all steps: worker, quantum, outcome and amount of work of each.
    char digest[MARK_DIGEST_CHARS];
} ScheduleStatistics;

typedef struct MarkStatistics {
    uint32_t worker_count;
    uint32_t
        wanted_workers; // that the caller asked for; the system may grant fewer threads; 0: any
    MarkWorkerStatistics workers[MAX_VIRTUAL_WORKERS];
    uint64_t elapsed_ns; // from the start barrier to the end barrier
    ScheduleStatistics schedule;
} MarkStatistics;

// Counts that depend on the image alone.
typedef struct MarkTotals {
    uint64_t marked_objects;
    uint64_t marked_bytes; // their slots
    uint64_t marked_blocks;
    uint64_t marked_block_bytes;
    // Root words that resolve to an object (DEAD or not) or a foreign block, by kind.
    uint64_t roots[ROOT_KIND_COUNT];
    // Words (of roots, marked objects, marked blocks) in a GC page that resolve to no
    // allocated slot.
    uint64_t invalid_references;
} MarkTotals;

typedef struct MarkResult {
    MarkKind kind;
    MarkTotals totals;
    MarkStatistics statistics; // not part of the result proper
    // Same shape as HeapImage.live: bit i of word heap_image_first_word(page) + i/64.
    uint64_t word_count;
    uint64_t *marked;
    uint64_t block_word_count;
    uint64_t *marked_blocks; // bit per foreign block
} MarkResult;

// Marks the objects and blocks that the roots of `image` reach. `image` is only read, so several
// marks may run on it at once. Errors: usage (workers, capacity), memory, system (a thread could
// not start).
// On success the caller owns `*out` and frees it with mark_result_free().
NODISCARD bool mark_reachable(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                              Error *error);

// The oracle: one thread, an explicit stack, the rule word by word through
// heap_image_resolve(). As simple as possible; shares no code with the fast markers.
NODISCARD bool mark_reachable_serial(const HeapImage *image, MarkKind kind, MarkResult **out,
                                     Error *error);

void mark_result_free(MarkResult *result);

static inline bool mark_result_is_marked(const MarkResult *result, const HeapImage *image,
                                         uint32_t page, uint32_t slot)
{
    return result->marked[heap_image_first_word(image, page) + slot / 64] >> (slot % 64) & 1;
}

// True when every live object of the page is marked.
bool is_fully_marked(const MarkResult *result, const HeapImage *image, uint32_t page);

// XXH3-128 (seed 0) over, for every page with at least one marked object in ascending page
// address: the page address as u64, then its mark words, ceil(slots/64) of them, all
// little-endian. Captured addresses, so equal for every worker count and machine.
void mark_result_digest(const MarkResult *result, const HeapImage *image,
                        char digest[MARK_DIGEST_CHARS]);

#endif
