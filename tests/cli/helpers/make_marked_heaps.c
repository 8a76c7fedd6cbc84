// Makes the heaps in samples/heaps/made, each with shapes that a marker can get wrong:
//
//     make_marked_heaps FOLDER
//
// They are made, not recorded, so that each is small and has what recorded heaps have by accident
// or not at all; `make mutate` says which errors of the marker a replay of them finds. The same on
// every machine: tests/cli/sample_heaps.sh compares.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/made_heap.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

#define BASE UINT64_C(0x7f0000000000)
#define FAR UINT64_C(0x10000000)
#define BLOCKS UINT64_C(0x550000000000)
#define PAGE UINT64_C(4096)

static void save(MadeHeap *heap, const char *folder, const char *name)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s.zst", folder, name);
    made_heap_write(heap, path);
    made_heap_free(heap);
}

// `count` objects in pages from `address` on; the caller frees the addresses.
static uint64_t *make_objects(MadeHeap *heap, uint64_t address, uint32_t block_size, uint32_t count)
{
    uint64_t *objects = calloc(count, sizeof *objects);
    uint64_t page = address;
    uint32_t slot = 0;

    if (objects == NULL)
        abort();
    made_heap_page(heap, page, block_size, 1);
    for (uint32_t i = 0; i < count; i++) {
        if (slot == made_heap_slots(heap, page)) {
            page = made_heap_page(heap, page + PAGE, block_size, 1 + i / 64 % 5);
            slot = 0;
        }
        objects[i] = made_heap_object(heap, page, slot++);
    }
    return objects;
}

// A list through all pages, there and back again, whose end has a second way to the start.
static void make_chain(const char *folder)
{
    MadeHeap *heap = made_heap_new(NULL);
    const uint32_t count = 3000;
    uint64_t *objects = make_objects(heap, BASE, 64, count);

    for (uint32_t i = 0; i < count; i++)
        made_heap_refer(heap, objects[i], i % 2, objects[(i * UINT64_C(1021) + 1021) % count]);
    made_heap_root(heap, ROOT_STACK, objects[0]);
    free(objects);
    save(heap, folder, "chain");
}

// More roots than a worker's stack has room for, each to an object of its own.
static void make_many_roots(const char *folder)
{
    MadeHeap *heap = made_heap_new(NULL);
    const uint32_t count = 20000;
    uint64_t *objects = make_objects(heap, BASE, 64, count);

    for (uint32_t i = 0; i < count; i++)
        if (i % 16 != 7)
            made_heap_root(heap, ROOT_GLOBAL, objects[i]);
    free(objects);
    save(heap, folder, "many-roots");
}

// Small objects that refer to pages far outside the window, without malloc'd blocks.
static void make_far_pages(const char *folder)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t *near_objects = make_objects(heap, BASE, 64, 600);
    uint64_t *low = make_objects(heap, FAR, 64, 40),
             *high = make_objects(heap, BASE + (UINT64_C(1) << 40), 64, 40);

    for (uint32_t i = 0; i < 40; i++) {
        made_heap_refer(heap, near_objects[15 * i], 0, low[i]);
        made_heap_refer(heap, low[i], 1, high[39 - i]);
        made_heap_refer(heap, high[i], 0, near_objects[15 * i + 1]);
    }
    for (uint32_t i = 0; i < 10; i++)
        made_heap_root(heap, ROOT_GLOBAL, near_objects[60 * i]);
    free(near_objects);
    free(low);
    free(high);
    save(heap, folder, "far-pages");
}

// Objects of many pages, whose scan is divided, and blocks as long: their words refer to small
// objects.
static void make_spans(const char *folder)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t *objects = make_objects(heap, BASE + 64 * PAGE, 64, 2500);
    uint64_t large = made_heap_page(heap, BASE, 100000, 1),
             block = made_heap_block(heap, BLOCKS, 70000);
    uint64_t whole = made_heap_object(heap, large, 0);

    for (uint32_t i = 0; i < 1200; i++)
        made_heap_refer(heap, whole, 10 * i, objects[i]);
    made_heap_refer(heap, whole, (100000 - 48) / 8 - 1, block);
    for (uint32_t i = 0; i < 1200; i++)
        made_heap_block_word(heap, block, 56 * (uint64_t)i, objects[1200 + i]);
    made_heap_block_word(heap, block, 70000 - 8, objects[2450]);
    made_heap_root(heap, ROOT_STACK, whole + 99000);
    free(objects);
    save(heap, folder, "spans");
}

// Pages of generation 1: their dirty objects are the roots of a minor mark.
static void make_generations(const char *folder)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t *old = make_objects(heap, BASE, 32, 400),
             *young = make_objects(heap, BASE + 32 * PAGE, 64, 900);

    for (uint32_t i = 0; i < 400; i++) {
        made_heap_refer(heap, old[i], 0, young[2 * i]);
        if (i % 3 == 0)
            made_heap_set_dirty(heap, old[i]);
        if (i % 9 == 0)
            made_heap_set_weak(heap, old[i],
                               i % 2 == 0 ? heap_layout_rudo_gc_0_8()->dead_bit
                                          : heap_layout_rudo_gc_0_8()->under_construction_bit);
        made_heap_refer(heap, young[2 * i], 0, young[2 * i + 1]);
        made_heap_refer(heap, young[2 * i + 1], 1, old[(i * 7) % 400]);
    }
    for (uint64_t page = BASE; page <= old[399]; page += PAGE)
        if (page / PAGE % 4 != 3)
            made_heap_set_generation(heap, page, 1);
    for (uint32_t i = 0; i < 30; i++)
        made_heap_root(heap, ROOT_GLOBAL, i % 2 == 0 ? old[i * 13] : young[i * 29]);
    free(old);
    free(young);
    save(heap, folder, "generations");
}

// A heap of random shape, but for what `options` decide.
static void save_random(const char *folder, const char *name, const RandomHeapOptions *options)
{
    RandomHeap *heap = random_heap_new(options);
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s.zst", folder, name);
    snapshot_write_made(random_heap_contents(heap), path);
    random_heap_free(heap);
}

// Every layout and every mixture that the generator draws.
static void make_mixtures(const char *folder)
{
    for (uint64_t seed = 1; seed <= 16; seed++) {
        RandomHeapOptions options = random_heap_options_any(seed, 250);
        char name[32];

        (void)snprintf(name, sizeof name, "mixture-%02" PRIu64, seed);
        save_random(folder, name, &options);
    }
}

// Pages of all other sizes, and slots of any size.
static void make_layouts(const char *folder)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        Xorshift random = xorshift_seeded(seed + 700);
        HeapLayout layout = random_heap_layout(&random);
        char name[32];
        const RandomHeapOptions options = {.seed = seed,
                                           .layout = &layout,
                                           .objects = 250,
                                           .blocks = 20,
                                           .roots = 30,
                                           .owners = 6,
                                           .occupancy = 90,
                                           .dead = 5,
                                           .under_construction = 5,
                                           .old = 30,
                                           .dirty = 40,
                                           .holes = 20,
                                           .reference = 30,
                                           .broken = 10,
                                           .chain = 60,
                                           .local = 50,
                                           .has_far_page = seed % 2 == 0};

        (void)snprintf(name, sizeof name, "layout-%02" PRIu64, seed);
        save_random(folder, name, &options);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_marked_heaps FOLDER\n");
        return 2;
    }
    make_chain(argv[1]);
    make_many_roots(argv[1]);
    make_far_pages(argv[1]);
    make_spans(argv[1]);
    make_generations(argv[1]);
    make_mixtures(argv[1]);
    make_layouts(argv[1]);
    return 0;
}
