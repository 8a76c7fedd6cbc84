// Checks that a snapshot of keeps_invariants shows one moment.
//
//     check_invariants FILE ADDRESS PAGES THREADS
//
// The last three are as the process printed them. Prints each broken invariant, and exits with 1
// then; with 2 when the snapshot cannot be read. See tests/support/invariant_heap.h.

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/snapshot_file.h"
#include "tests/support/invariant_heap.h"

#define PAGE_BYTES 4096u

typedef struct Check {
    HeapImage *image;
    uint64_t heap;
    uint64_t page_count;
    uint64_t thread_count;
    bool is_broken;
} Check;

// The address of the thread's page with this number.
static uint64_t page_of(const Check *check, uint64_t thread, uint64_t number)
{
    return check->heap + (thread + number * check->thread_count) * PAGE_BYTES;
}

static uint64_t word_at(const Check *check, uint64_t address)
{
    uint32_t page = heap_image_find_page(check->image, address);
    uint64_t word;

    if (page >= check->image->page_count) {
        fprintf(stderr, "%#" PRIx64 " is in no page of the snapshot\n", address);
        exit(2);
    }
    memcpy(&word, heap_image_page_bytes(check->image, page) + address % PAGE_BYTES, sizeof word);
    return word;
}

static void broken(Check *check, uint64_t thread, const char *what, uint64_t which)
{
    printf("thread %" PRIu64 ": %s %" PRIu64 "\n", thread, what, which);
    check->is_broken = true;
}

static void check_counters(Check *check, uint64_t thread, uint64_t pages)
{
    uint64_t first =
        word_at(check, page_of(check, thread, 0) + invariant_offset(0, INVARIANT_FIRST_WORD));
    uint64_t wrong_sums = 0;
    bool is_behind = false;

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t place = page_of(check, thread, i) + invariant_offset(0, INVARIANT_FIRST_WORD);
        uint64_t value = word_at(check, place);

        is_behind = is_behind || value != first;
        if (value != (is_behind ? first - 1 : first)) {
            broken(check, thread, "a counter is out of step, on page", i);
            return;
        }
        wrong_sums += word_at(check, place + INVARIANT_SECOND_WORD - INVARIANT_FIRST_WORD) !=
                      invariant_checksum(place, value);
    }
    if (wrong_sums > 1)
        broken(check, thread, "checksums of counters that are wrong:", wrong_sums);
}

// Counts in `times` how often each node is reached from `node` on.
static void walk(Check *check, uint64_t thread, uint64_t pages, uint64_t node, uint8_t *times)
{
    for (uint64_t steps = 0; node != 0; steps++) {
        uint64_t page = (node - check->heap) / PAGE_BYTES;
        uint64_t number = page / check->thread_count;

        if (page % check->thread_count != thread || number >= pages || steps > pages ||
            node % PAGE_BYTES != invariant_offset(1, INVARIANT_FIRST_WORD)) {
            broken(check, thread, "a list leads astray, at step", steps);
            return;
        }
        if (word_at(check, node + INVARIANT_SECOND_WORD - INVARIANT_FIRST_WORD) !=
            invariant_checksum(node, 0))
            broken(check, thread, "a node has another's checksum, on page", number);
        // Lists that meet have the same rest.
        if (times[number]++ > 0)
            return;
        node = word_at(check, node);
    }
}

static void check_lists(Check *check, uint64_t thread, uint64_t pages)
{
    uint64_t page = page_of(check, thread, 0);
    uint8_t *times = calloc(pages + 1, 1);

    if (times == NULL)
        exit(2);
    walk(check, thread, pages, word_at(check, page + invariant_offset(2, INVARIANT_FIRST_WORD)),
         times);
    walk(check, thread, pages, word_at(check, page + invariant_offset(2, INVARIANT_SECOND_WORD)),
         times);
    walk(check, thread, pages, word_at(check, page + invariant_offset(3, INVARIANT_FIRST_WORD)),
         times);
    for (uint64_t i = 0; i < pages; i++)
        if (times[i] == 0) {
            broken(check, thread, "a node is lost, on page", i);
            break;
        }
    free(times);
}

int main(int argc, char **argv)
{
    Check check = {.image = NULL};
    Error error;

    if (argc != 5) {
        fprintf(stderr, "usage: %s FILE ADDRESS PAGES THREADS\n", argv[0]);
        return 2;
    }
    if (!snapshot_read(argv[1], NULL, &check.image, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    check.heap = strtoull(argv[2], NULL, 16);
    check.page_count = strtoull(argv[3], NULL, 10);
    check.thread_count = strtoull(argv[4], NULL, 10);
    for (uint64_t i = 0; i < check.thread_count; i++) {
        uint64_t pages = (check.page_count - i + check.thread_count - 1) / check.thread_count;

        check_counters(&check, i, pages);
        check_lists(&check, i, pages);
    }
    heap_image_free(check.image);
    return check.is_broken ? 1 : 0;
}
