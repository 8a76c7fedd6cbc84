// toy-heap: a runtime with a heap layout of its own, which rudo-snap knows from toy-heap.json
// alone.
//
// Pages of 8 KiB hold slots of one size, 32 to 1024 bytes; a larger object has pages of its own.
// An object begins with a pointer to its type, which says how many of its words are references.
// There are no mark bits, generations or reference counts, and nothing in here is about being
// captured. The program builds a few graphs, prints what is reachable in them as one line of
// JSON, and waits.
//
//     toy-heap [SECONDS]

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 8192u
#define ARENA_BYTES (UINT64_C(16) << 20)
#define SMALLEST_SLOT 32u
#define LARGEST_SLOT 1024u
#define CLASSES 6u                         // 32, 64, ... 1024
#define MAGIC UINT64_C(0x3150414548594f54) // "TOYHEAP1"
#define LARGE 1u

typedef struct ToyPage {
    uint64_t magic;
    uint32_t slot_bytes; // of a large object: its exact size
    uint16_t slots;
    uint16_t first_slot; // offset
    uint8_t flags;
    uint8_t padding[7];
    uint64_t allocated[4]; // bit i: slot i
} ToyPage;
_Static_assert(sizeof(ToyPage) == 56, "toy-heap.json says so");

typedef struct ToyType {
    const char *name;
    uint32_t references; // the first words of an object
} ToyType;

typedef struct ToyObject {
    const ToyType *type;
    uint64_t words[];
} ToyObject;

// What type words point at; not static, so that they have symbols to be named by.
extern const ToyType toy_pair, toy_tree, toy_number, toy_vector;
const ToyType toy_pair = {"pair", 2};
const ToyType toy_tree = {"tree", 3};
const ToyType toy_number = {"number", 0};
const ToyType toy_vector = {"vector", 3000};

// The roots: what is reachable is reachable from here.
static ToyObject *volatile list_root, *volatile tree_root, *volatile vector_root;

static uint8_t *arena, *arena_end;
static ToyPage *open_pages[CLASSES]; // the page of each class that still has room
static uint64_t allocated_objects, large_objects;

static ToyPage *new_pages(uint64_t bytes)
{
    ToyPage *page = (ToyPage *)(void *)arena;

    bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (bytes > (uint64_t)(arena_end - arena)) {
        fputs("toy-heap: the arena is full\n", stderr);
        exit(1);
    }
    arena += bytes;
    page->magic = MAGIC;
    return page;
}

static ToyObject *allocate_large(uint32_t bytes)
{
    ToyPage *page = new_pages(sizeof(ToyPage) + bytes);

    page->slot_bytes = bytes;
    page->slots = 1;
    page->first_slot = sizeof(ToyPage);
    page->flags = LARGE;
    page->allocated[0] = 1;
    large_objects++;
    return (ToyObject *)(void *)((uint8_t *)page + page->first_slot);
}

static ToyObject *allocate_small(unsigned class)
{
    uint32_t slot_bytes = SMALLEST_SLOT << class;
    ToyPage *page = open_pages[class];
    unsigned slot = 0;

    if (page == NULL) {
        page = open_pages[class] = new_pages(PAGE_BYTES);
        page->slot_bytes = slot_bytes;
        page->first_slot = (uint16_t)((sizeof(ToyPage) + slot_bytes - 1) / slot_bytes * slot_bytes);
        page->slots = (uint16_t)((PAGE_BYTES - page->first_slot) / slot_bytes);
    }
    while (page->allocated[slot / 64] >> (slot % 64) & 1)
        slot++;
    page->allocated[slot / 64] |= UINT64_C(1) << (slot % 64);
    if (slot + 1 == page->slots)
        open_pages[class] = NULL;
    return (ToyObject *)(void *)((uint8_t *)page + page->first_slot + slot * slot_bytes);
}

static ToyObject *allocate(const ToyType *type, uint32_t words)
{
    uint32_t bytes = (uint32_t)sizeof(ToyObject) + 8 * words;
    unsigned class = 0;
    ToyObject *object;

    while (class < CLASSES && SMALLEST_SLOT << class < bytes)
        class ++;
    object = class < CLASSES ? allocate_small(class) : allocate_large(bytes);
    object->type = type;
    allocated_objects++;
    return object;
}

// ---- graphs ----

static uint64_t reference_to(ToyObject *object)
{
    return (uint64_t)(uintptr_t)object;
}

// A list of numbers. The numbers are odd, so that none is the address of an object.
static ToyObject *make_list(unsigned length)
{
    ToyObject *list = NULL;

    for (unsigned i = 0; i < length; i++) {
        ToyObject *pair = allocate(&toy_pair, 2), *number = allocate(&toy_number, 1);

        number->words[0] = 2 * i + 1;
        pair->words[0] = reference_to(number);
        pair->words[1] = reference_to(list);
        list = pair;
    }
    return list;
}

// A tree whose nodes know their parents: a graph with cycles. 60 words make it 512 bytes large.
static ToyObject *make_tree(unsigned depth, ToyObject *parent)
{
    ToyObject *node = allocate(&toy_tree, 60);

    node->words[2] = reference_to(parent);
    if (depth > 0) {
        node->words[0] = reference_to(make_tree(depth - 1, node));
        node->words[1] = reference_to(make_tree(depth - 1, node));
    }
    return node;
}

static ToyObject *make_vector(void)
{
    ToyObject *vector = allocate(&toy_vector, toy_vector.references);

    for (unsigned i = 0; i < toy_vector.references; i += 100)
        vector->words[i] = reference_to(make_list(3));
    return vector;
}

// ---- the truth ----

typedef struct Reached {
    ToyObject **objects;
    uint64_t count;
} Reached;

static void reach(Reached *reached, ToyObject *object)
{
    for (uint64_t i = 0; i < reached->count; i++)
        if (reached->objects[i] == object)
            return;
    if (object != NULL)
        reached->objects[reached->count++] = object;
}

// In a frame of its own, which is gone when the program waits.
static __attribute__((noinline)) uint64_t count_reachable(void)
{
    Reached reached = {.objects = calloc(allocated_objects, sizeof(ToyObject *))};

    if (reached.objects == NULL)
        exit(1);
    reach(&reached, list_root);
    reach(&reached, tree_root);
    reach(&reached, vector_root);
    for (uint64_t next = 0; next < reached.count; next++)
        for (uint32_t i = 0; i < reached.objects[next]->type->references; i++)
            reach(&reached, (ToyObject *)(uintptr_t)reached.objects[next]->words[i]);
    memset(reached.objects, 0, allocated_objects * sizeof(ToyObject *));
    free(reached.objects);
    return reached.count;
}

static __attribute__((noinline)) void build(void)
{
    list_root = make_list(500);
    tree_root = make_tree(6, NULL);
    vector_root = make_vector();
    // Garbage: no root refers to them.
    (void)make_list(300);
    (void)make_tree(4, NULL);
}

// Overwrites what the building functions left on the stack, which would hold the garbage.
static __attribute__((noinline)) void scrub_stack(void)
{
    char area[65536];

    memset(area, 0, sizeof area);
    __asm__ volatile("" : : "r"(area) : "memory");
}

int main(int argc, char **argv)
{
    struct timespec left = {.tv_sec = argc > 1 ? strtol(argv[1], NULL, 10) : 3600};
    uint8_t *mapped = mmap(NULL, ARENA_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t reachable;

    if (mapped == MAP_FAILED) {
        perror("toy-heap: mmap");
        return 1;
    }
    arena = mapped + (PAGE_BYTES - (uintptr_t)mapped % PAGE_BYTES) % PAGE_BYTES;
    arena_end = arena + ARENA_BYTES;
    // Lets all programs of the same user trace this one, where otherwise only its ancestors may.
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    build();
    reachable = count_reachable();
    scrub_stack();
    printf("{\"program\":\"toy-heap\",\"pid\":%d,\"objects\":%llu,\"reachable\":%llu,"
           "\"garbage\":%llu,\"large_objects\":%llu}\n",
           (int)getpid(), (unsigned long long)allocated_objects, (unsigned long long)reachable,
           (unsigned long long)(allocated_objects - reachable), (unsigned long long)large_objects);
    (void)fflush(stdout);
    scrub_stack();
    while (nanosleep(&left, &left) != 0)
        continue;
    return 0;
}
