// A heap whose slots have sizes that are not powers of two, and begin anywhere: 48 bytes from +40
// on, 80 bytes from +72 on, 336 bytes from +56 on, and 64 bytes from +64 on, as in a heap of powers
// of two. odd_slots.json describes it.
//
//     odd_slots HEARTBEAT [LAYOUT SNAPSHOT]
//
// Prints how many objects there are and how many of them are reachable, then "ready". With LAYOUT
// (odd_slots.json) the program captures itself, too.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embed/rudo_snap.h"
#include "tests/support/target.h"
#include "tests/support/xorshift.h"

#define PAGE_BYTES 4096u
#define MAX_PAGES 4096u
#define OBJECTS 20000u
#define LARGE_BYTES 9016u
#define MAGIC UINT64_C(0x53544f4c5344444f) // "ODDSLOTS"

typedef struct Page {
    uint64_t magic;
    uint32_t slot_bytes; // of a large object: its exact size
    uint16_t slots;
    uint16_t first_slot; // offset
    uint8_t flags;       // 1: a large object
    uint8_t padding[7];
    uint64_t allocated[2]; // bit i: slot i
} Page;
_Static_assert(sizeof(Page) == 40, "odd_slots.json says so");

typedef struct Object {
    uint64_t kind; // its class; no reference
    uint64_t words[];
} Object;

static const struct {
    uint16_t bytes;
    uint16_t first;
} classes[] = {{48, 40}, {80, 72}, {336, 56}, {64, 64}};
#define CLASS_COUNT (sizeof classes / sizeof classes[0])

static uint8_t *arena;
static uint32_t page_count;
static Page *open_pages[CLASS_COUNT];
static Object *objects[OBJECTS];
static uint32_t words_of[OBJECTS];
static Object *volatile root;

static Page *new_page(uint32_t slot_bytes, uint32_t first, uint32_t slots, uint32_t pages)
{
    Page *page = (Page *)(void *)(arena + (size_t)page_count * PAGE_BYTES);

    page_count += pages;
    if (page_count > MAX_PAGES)
        target_fail("the arena is full");
    page->magic = MAGIC;
    page->slot_bytes = slot_bytes;
    page->slots = (uint16_t)slots;
    page->first_slot = (uint16_t)first;
    page->flags = pages > 1;
    return page;
}

static Object *take_slot(Page *page, uint32_t slot)
{
    page->allocated[slot / 64] |= UINT64_C(1) << slot % 64;
    return (Object *)(void *)((uint8_t *)page + page->first_slot + slot * page->slot_bytes);
}

// Leaves every seventh slot free.
static Object *allocate(uint32_t class)
{
    uint32_t bytes = classes[class].bytes, first = classes[class].first;
    Page *page = open_pages[class];
    uint32_t slot = 0;

    if (page == NULL)
        page = open_pages[class] = new_page(bytes, first, (PAGE_BYTES - first) / bytes, 1);
    while (slot % 7 == 3 || (page->allocated[slot / 64] >> slot % 64 & 1) != 0)
        slot++;
    if (slot + 2 >= page->slots)
        open_pages[class] = NULL;
    return take_slot(page, slot);
}

static void build(void)
{
    Xorshift random = xorshift_seeded(7);

    for (uint32_t i = 0; i < OBJECTS; i++) {
        uint32_t class = (uint32_t)xorshift_below(&random, CLASS_COUNT);

        if (i % 500 == 7) {
            objects[i] = take_slot(new_page(LARGE_BYTES, 40, 1, 3), 0);
            words_of[i] = (LARGE_BYTES - 8) / 8;
        } else {
            objects[i] = allocate(class);
            words_of[i] = (classes[class].bytes - 8u) / 8;
        }
        objects[i]->kind = 2 * class + 1;
    }
    // Odd numbers do not refer to anything; of the others some are to the inside of an object.
    for (uint32_t i = 0; i < OBJECTS; i++)
        for (uint32_t w = 0; w < words_of[i]; w++) {
            uint64_t to = xorshift_below(&random, OBJECTS);
            uint64_t word = (uint64_t)(uintptr_t)objects[to];
            objects[i]->words[w] = w > 1 || i % 3 == 0             ? 2 * to + 1
                                   : xorshift_percent(&random, 90) ? word
                                                                   : word + 8;
        }
    root = objects[0];
    objects[0]->words[0] = (uint64_t)(uintptr_t)objects[1];
    objects[1]->words[0] = (uint64_t)(uintptr_t)objects[2];
    objects[1]->words[1] = (uint64_t)(uintptr_t)objects[7];
}

static int compare_addresses(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t) * (Object *const *)left, b = (uintptr_t) * (Object *const *)right;

    return a < b ? -1 : a > b;
}

// What words of objects refer to the starts of objects, breadth first.
static uint32_t count_reachable(void)
{
    Object **sorted = malloc(sizeof objects);
    uint32_t *queue = malloc(OBJECTS * sizeof *queue), count = 0;
    uint8_t *is_seen = calloc(OBJECTS, 1);

    if (sorted == NULL || queue == NULL || is_seen == NULL)
        target_fail("malloc");
    memcpy(sorted, objects, sizeof objects);
    qsort(sorted, OBJECTS, sizeof *sorted, compare_addresses);
    for (uint32_t i = 0; i < OBJECTS; i++)
        if (sorted[i] == root) {
            is_seen[i] = 1;
            queue[count++] = i;
        }
    for (uint32_t next = 0; next < count; next++) {
        const Object *object = sorted[queue[next]];
        const Page *page =
            (const Page *)(const void *)((uintptr_t)object / PAGE_BYTES * PAGE_BYTES + (char *)0);
        for (uint32_t w = 0; w < (page->slot_bytes - 8) / 8; w++) {
            Object *to = (Object *)(uintptr_t)object->words[w];
            Object **found = bsearch(&to, sorted, OBJECTS, sizeof *sorted, compare_addresses);
            if (found != NULL && !is_seen[found - sorted]) {
                is_seen[found - sorted] = 1;
                queue[count++] = (uint32_t)(found - sorted);
            }
        }
    }
    // No list of the objects stays behind, in memory that is searched for roots.
    memset(sorted, 0, sizeof objects);
    memset(objects, 0, sizeof objects);
    free(sorted);
    free(queue);
    free(is_seen);
    return count;
}

static char *read_text(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "re");

    if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0)
        target_fail(path);
    (void)fclose(file);
    return text;
}

static void capture_self(const char *layout, const char *path)
{
    rudo_snap_pages pages = {arena, (size_t)page_count * PAGE_BYTES};
    rudo_snap_root named = {"root", (const void *)(uintptr_t)&root};
    rudo_snap_options options;
    rudo_snap_result result;

    rudo_snap_options_init(&options);
    options.layout = read_text(layout);
    options.pages = &pages;
    options.page_count = 1;
    options.roots = &named;
    options.root_count = 1;
    if (rudo_snap_wait(rudo_snap_capture(path, &options), &result) != RUDO_SNAP_DONE)
        target_fail(result.message);
}

int main(int argument_count, char **arguments)
{
    uint32_t reachable;

    if (argument_count < 2)
        return 2;
    arena = mmap(NULL, (size_t)MAX_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        target_fail("mmap");
    build();
    reachable = count_reachable();
    if (argument_count > 3)
        capture_self(arguments[2], arguments[3]);
    printf("objects %u reachable %u\n", OBJECTS, reachable);
    target_start_heartbeat(arguments[1]);
    target_announce();
    for (;;)
        (void)pause();
}
