// Whole parallel marks on real threads, again and again: the same set as the serial marker, each
// object claimed exactly once, and every mark comes to its end.
//
// Aimed at errors between workers (tests/mutants/ proves the aim): heaps that give one
// worker a long list alone while the others sleep, and then a burst for all; queues of two slots,
// so that overflow and stealing always happen; references sent from owner to owner, where a lost
// wake-up is a mark that never ends. A mark that takes longer than HANG_SECONDS is a failure.

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/tap.h"

#define HANG_SECONDS 30u

typedef struct Shape {
    const char *name;
    uint32_t objects;
    uint32_t chain;     // per cent of objects that refer to the next one
    uint32_t reference; // per cent of payload words that refer to anything
    uint32_t roots;
} Shape;

static void on_hang(int signal_number)
{
    static const char text[] = "Bail out! a mark does not come to its end\n";

    (void)signal_number;
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0)
        _exit(2);
    _exit(1);
}

static HeapImage *shaped_image(const Shape *shape, uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, shape->objects);
    HeapImage *image;
    RandomHeap *heap;

    options.objects = shape->objects;
    options.chain = shape->chain;
    options.reference = shape->reference;
    options.roots = shape->roots;
    options.occupancy = 90;
    options.dead = 2;
    options.owners = 4;
    heap = random_heap_new(&options);
    image = random_heap_image(heap, false);
    random_heap_free(heap);
    return image;
}

static MarkResult *mark_or_bail(const HeapImage *image, const MarkOptions *options)
{
    MarkResult *result;
    Error error;

    (void)alarm(HANG_SECONDS);
    if (!mark_reachable(image, options, &result, &error))
        tap_bail("%s", error.message);
    (void)alarm(0);
    return result;
}

static uint64_t claims(const MarkResult *result)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        sum += result->statistics.workers[i].marked;
    return sum;
}

typedef struct Faults {
    uint64_t wrong_sets;
    uint64_t wrong_totals;
    uint64_t claimed_twice; // or not at all
    uint64_t steals;
    uint64_t marks;
} Faults;

static void compare(const MarkResult *result, const MarkResult *serial, Faults *faults)
{
    faults->marks++;
    faults->wrong_sets +=
        memcmp(result->marked, serial->marked, serial->word_count * sizeof *serial->marked) != 0 ||
        memcmp(result->marked_blocks, serial->marked_blocks,
               serial->block_word_count * sizeof *serial->marked_blocks) != 0;
    faults->wrong_totals += memcmp(&result->totals, &serial->totals, sizeof serial->totals) != 0;
    faults->claimed_twice += claims(result) != serial->totals.marked_objects;
    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        faults->steals += result->statistics.workers[i].steals_won;
}

static void mark_every_way(const HeapImage *image, Faults *faults)
{
    static const uint32_t worker_counts[] = {2, 3, 5, 16};
    static const uint32_t capacities[] = {2, 8, QUEUE_CAPACITY};
    static const MarkPolicy policies[] = {MARK_POLICY_STEAL, MARK_POLICY_OWNER};
    MarkOptions options = mark_options_default();
    MarkResult *serial;
    Error error;

    if (!mark_reachable_serial(image, MARK_MAJOR, &serial, &error))
        tap_bail("%s", error.message);
    for (size_t w = 0; w < sizeof worker_counts / sizeof worker_counts[0]; w++)
        for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++)
            for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
                options.workers = worker_counts[w];
                options.queue_capacity = capacities[c];
                options.policy = policies[p];
                MarkResult *result = mark_or_bail(image, &options);
                compare(result, serial, faults);
                mark_result_free(result);
            }
    mark_result_free(serial);
}

int main(void)
{
    static const Shape shapes[] = {
        {"small and dense", 60, 20, 60, 4},
        {"a list, then bursts", 4000, 97, 4, 1},
        {"wide", 20000, 5, 50, 40},
        {"sparse", 20000, 60, 3, 3},
    };
    uint64_t seed = test_seed(1);
    uint64_t heaps = test_dose(4);

    (void)signal(SIGALRM, on_hang);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        Faults faults = {0};
        for (uint64_t heap = 0; heap < heaps; heap++) {
            HeapImage *image = shaped_image(&shapes[i], seed + heap);
            mark_every_way(image, &faults);
            heap_image_free(image);
        }
        tap_note("%s: %llu marks, %llu steals", shapes[i].name, (unsigned long long)faults.marks,
                 (unsigned long long)faults.steals);
        tap_equal(faults.wrong_sets, 0, "%s: the set of the serial marker", shapes[i].name);
        tap_equal(faults.wrong_totals, 0, "%s: the counts of the serial marker", shapes[i].name);
        tap_equal(faults.claimed_twice, 0, "%s: each object is claimed exactly once",
                  shapes[i].name);
    }
    return tap_finish();
}
