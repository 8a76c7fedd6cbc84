// The object types and the shapes made of them.
//
// Garbage is made in small rings. A stray word on a stack that still refers to
// one then keeps a handful of objects, not thousands.

#include "graph_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// --- Types ---

// A value. Size class 64.
typedef struct Leaf {
    CHeapObject object;
    uint64_t value;
} Leaf;

// Children in a block from malloc. `children` points behind the block's own
// head, so nothing refers to the start of the block. Size class 128.
typedef struct Folder {
    CHeapObject object;
    uint64_t id;
    uint64_t count;
    void **children;
} Folder;

// References at the start, bytes behind them: size classes 256 to 2048, and large.
typedef struct Record {
    CHeapObject object;
    void *subject;
    uint64_t bytes; // of the object, its header included
    unsigned char data[];
} Record;

// Bare slots: a pair of references (class 16), and four of them (class 32).
typedef struct Pair {
    void *first;
    void *second;
} Pair;

typedef struct Quad {
    void *items[3];
    uintptr_t odd; // a number, told from a reference by its lowest bit
} Quad;

static void trace_leaf(CHeapObject *object, CHeapVisitor *visitor)
{
    (void)object;
    (void)visitor;
}

static void trace_node(CHeapObject *object, CHeapVisitor *visitor)
{
    Node *node = (Node *)object;
    c_heap_visit(visitor, node->left);
    c_heap_visit(visitor, node->right);
    c_heap_visit(visitor, node->extra);
    c_heap_visit(visitor, node->peer);
}

static void drop_node(CHeapObject *object)
{
    Node *node = (Node *)object;
    c_heap_release(node->left);
    c_heap_release(node->right);
    c_heap_release(node->extra);
    c_heap_release(node->peer);
}

static void trace_folder(CHeapObject *object, CHeapVisitor *visitor)
{
    Folder *folder = (Folder *)object;
    for (uint64_t i = 0; i < folder->count; i++)
        c_heap_visit(visitor, folder->children[i]);
}

#define FOLDER_BLOCK_HEAD 2 // words in front of the children

static void drop_folder(CHeapObject *object)
{
    Folder *folder = (Folder *)object;
    for (uint64_t i = 0; i < folder->count; i++)
        c_heap_release(folder->children[i]);
    free(folder->children - FOLDER_BLOCK_HEAD);
}

static void trace_record(CHeapObject *object, CHeapVisitor *visitor)
{
    c_heap_visit(visitor, ((Record *)object)->subject);
}

static void drop_record(CHeapObject *object)
{
    c_heap_release(((Record *)object)->subject);
}

static const CHeapType leaf_type = {.trace = trace_leaf};
static const CHeapType node_type = {.trace = trace_node, .drop = drop_node};
static const CHeapType folder_type = {.trace = trace_folder, .drop = drop_folder};
static const CHeapType record_type = {.trace = trace_record, .drop = drop_record};

const GraphType *graph_types(size_t *count)
{
    static const GraphType types[] = {
        {"Leaf", trace_leaf, {0}, 0},
        {"Node",
         trace_node,
         {offsetof(Node, left), offsetof(Node, right), offsetof(Node, extra), offsetof(Node, peer)},
         4},
        {"Folder", trace_folder, {offsetof(Folder, children)}, 1},
        {"Record", trace_record, {offsetof(Record, subject)}, 1},
    };
    *count = sizeof types / sizeof types[0];
    return types;
}

void *graph_block_of(const CHeapObject *object, size_t *bytes)
{
    const Folder *folder = (const Folder *)object;
    if (object->trace != trace_folder)
        return NULL;
    *bytes = (FOLDER_BLOCK_HEAD + folder->count) * sizeof(void *);
    return folder->children - FOLDER_BLOCK_HEAD;
}

// --- The builder ---

typedef enum Fate { FATE_LIVE, FATE_GARBAGE } Fate;

typedef struct GraphBuilder {
    CHeap *heap;
    GraphTally *tally;
    uint64_t random;
    Node **nodes; // all live tree nodes; the builder has a reference to each
    size_t node_count;
    size_t nodes_bytes;
    Node *old_garbage; // a ring that is old by the time young objects are made, or NULL
} GraphBuilder;

static uint64_t random_below(GraphBuilder *builder, uint64_t bound)
{
    builder->random ^= builder->random >> 12;
    builder->random ^= builder->random << 25;
    builder->random ^= builder->random >> 27;
    return (builder->random * UINT64_C(0x2545f4914f6cdd1d) >> 32) % bound;
}

static void count(GraphBuilder *builder, Fate fate)
{
    if (fate == FATE_LIVE)
        builder->tally->live++;
    else
        builder->tally->garbage++;
}

static Leaf *leaf_new(GraphBuilder *builder, Fate fate)
{
    Leaf *leaf = c_heap_alloc(builder->heap, sizeof *leaf, &leaf_type);
    leaf->value = random_below(builder, 1000);
    count(builder, fate);
    return leaf;
}

static Node *node_new(GraphBuilder *builder, Fate fate)
{
    Node *node = c_heap_alloc(builder->heap, sizeof *node, &node_type);
    node->id = builder->node_count;
    count(builder, fate);
    return node;
}

static Folder *folder_new(GraphBuilder *builder, Fate fate, uint64_t capacity)
{
    void **block = calloc(FOLDER_BLOCK_HEAD + capacity, sizeof *block);
    if (block == NULL) {
        fputs("c-heap: out of memory\n", stderr);
        exit(1);
    }
    Folder *folder = c_heap_alloc(builder->heap, sizeof *folder, &folder_type);
    folder->children = block + FOLDER_BLOCK_HEAD;
    count(builder, fate);
    return folder;
}

static void folder_add(Folder *folder, void *child)
{
    c_heap_set(folder, &folder->children[folder->count], child);
    folder->count++;
}

static Record *record_new(GraphBuilder *builder, Fate fate, uint64_t bytes)
{
    Record *record = c_heap_alloc(builder->heap, bytes, &record_type);
    record->bytes = bytes;
    count(builder, fate);
    return record;
}

// Moves the caller's reference into a field.
static void give(void *holder, void *field, void *value)
{
    c_heap_set(holder, field, value);
    c_heap_release(value);
}

static Node *any_live_node(GraphBuilder *builder)
{
    return builder->nodes[random_below(builder, builder->node_count)];
}

// --- Objects that hang on the nodes of the tree ---

static void *live_folder(GraphBuilder *builder)
{
    uint64_t children = 1 + random_below(builder, 6);
    Folder *folder = folder_new(builder, FATE_LIVE, children + 1);
    for (uint64_t i = 0; i < children; i++) {
        Leaf *leaf = leaf_new(builder, FATE_LIVE);
        folder_add(folder, leaf);
        c_heap_release(leaf);
    }
    folder_add(folder, any_live_node(builder));
    return folder;
}

static void *live_pair(GraphBuilder *builder)
{
    Pair *pair = c_heap_alloc_bare(builder->heap, sizeof *pair);
    count(builder, FATE_LIVE);
    give(pair, &pair->first, leaf_new(builder, FATE_LIVE));
    c_heap_set(pair, &pair->second, any_live_node(builder));
    return pair;
}

static void *live_quad(GraphBuilder *builder)
{
    Quad *quad = c_heap_alloc_bare(builder->heap, sizeof *quad);
    count(builder, FATE_LIVE);
    give(quad, &quad->items[0], live_pair(builder));
    give(quad, &quad->items[2], leaf_new(builder, FATE_LIVE));
    quad->odd = random_below(builder, 1000) * 2 + 1;
    return quad;
}

static void *live_record(GraphBuilder *builder)
{
    uint64_t shift = random_below(builder, 4); // classes 256, 512, 1024, 2048
    Record *record = record_new(builder, FATE_LIVE, UINT64_C(200) << shift);
    give(record, &record->subject, leaf_new(builder, FATE_LIVE));
    memset(record->data, 'x', record->bytes - sizeof *record);
    return record;
}

// A large object whose further pages all begin with a page's magic, as far as a
// look at the first word can tell.
static void *live_large(GraphBuilder *builder)
{
    uint64_t words = 1000 + random_below(builder, 3000);
    uint64_t bytes = sizeof(Record) + words * sizeof(uint64_t);
    Record *record = record_new(builder, FATE_LIVE, bytes);
    uint64_t *data = (uint64_t *)(void *)record->data;
    for (uint64_t i = 0; i < words; i++)
        data[i] = C_HEAP_MAGIC;
    give(record, &record->subject, leaf_new(builder, FATE_LIVE));
    return record;
}

static void *extra_for(GraphBuilder *builder)
{
    uint64_t choice = random_below(builder, 64);
    if (choice < 20)
        return leaf_new(builder, FATE_LIVE);
    if (choice < 28)
        return live_folder(builder);
    if (choice < 32)
        return live_pair(builder);
    if (choice < 36)
        return live_quad(builder);
    if (choice < 38)
        return live_record(builder);
    if (random_below(builder, 500) == 0)
        return live_large(builder);
    return NULL;
}

// Adds a node to the tree, in the order of a binary heap, with something on it.
static void grow_tree(GraphBuilder *builder)
{
    size_t index = builder->node_count;
    Node *node = node_new(builder, FATE_LIVE);
    builder->nodes[builder->node_count++] = node;
    if (index > 0) {
        Node *parent = builder->nodes[(index - 1) / 2];
        c_heap_set(parent, index % 2 == 1 ? &parent->left : &parent->right, node);
    }
    void *extra = extra_for(builder);
    if (extra != NULL)
        give(node, &node->extra, extra);
    c_heap_set(node, &node->peer, any_live_node(builder));
}

// --- Garbage: rings that refer to the living ---

static void leave_node_ring(GraphBuilder *builder, uint64_t length)
{
    Node *first = node_new(builder, FATE_GARBAGE);
    Node *last = first;
    for (uint64_t i = 1; i < length; i++) {
        Node *next = node_new(builder, FATE_GARBAGE);
        give(last, &last->left, next);
        last = next;
    }
    c_heap_set(last, &last->left, first);
    c_heap_set(last, &last->right, any_live_node(builder));
    if (builder->old_garbage == NULL)
        builder->old_garbage = first;
    c_heap_release(first);
}

static void leave_folder_ring(GraphBuilder *builder, uint64_t length)
{
    Folder *first = folder_new(builder, FATE_GARBAGE, 2);
    Folder *last = first;
    for (uint64_t i = 1; i < length; i++) {
        Folder *next = folder_new(builder, FATE_GARBAGE, 2);
        folder_add(last, next);
        c_heap_release(next);
        last = next;
    }
    folder_add(last, any_live_node(builder));
    folder_add(last, first);
    c_heap_release(first);
}

// Pairs are not counted, so these would not even need to be a ring.
static void leave_pair_ring(GraphBuilder *builder, uint64_t length)
{
    Pair *first = c_heap_alloc_bare(builder->heap, sizeof *first);
    Pair *last = first;
    count(builder, FATE_GARBAGE);
    for (uint64_t i = 1; i < length; i++) {
        Pair *next = c_heap_alloc_bare(builder->heap, sizeof *next);
        count(builder, FATE_GARBAGE);
        c_heap_set(last, &last->second, next);
        last = next;
    }
    c_heap_set(last, &last->second, first);
}

static void leave_garbage(GraphBuilder *builder, uint64_t missing)
{
    uint64_t length = 1 + random_below(builder, 8);
    if (length > missing)
        length = missing;
    switch (random_below(builder, 3)) {
    case 0:
        leave_node_ring(builder, length);
        break;
    case 1:
        leave_folder_ring(builder, length);
        break;
    default:
        leave_pair_ring(builder, length);
        break;
    }
}

// Hangs a young leaf on an old ring. A minor collection keeps it, a major does not.
static void feed_old_garbage(GraphBuilder *builder)
{
    Node *ring = builder->old_garbage;
    if (ring == NULL)
        return;
    give(ring, &ring->extra, leaf_new(builder, FATE_GARBAGE));
    builder->tally->held_by_old_garbage++;
}

// --- Dead objects, and the slots they leave ---

// One object that dies at once, sometimes with a block from malloc. It knew only the living.
static void leave_zombie(GraphBuilder *builder)
{
    if (random_below(builder, 2) == 0) {
        Node *node = c_heap_alloc(builder->heap, sizeof *node, &node_type);
        c_heap_set(node, &node->left, any_live_node(builder));
        c_heap_release(node);
    } else {
        Leaf *leaf = c_heap_alloc(builder->heap, sizeof *leaf, &leaf_type);
        c_heap_release(leaf);
    }
    builder->tally->zombies++;
}

// Free slots for the next objects to be made in, and some that stay free.
static void leave_free_slots(GraphBuilder *builder, uint64_t slots)
{
    for (uint64_t i = 0; i < slots; i++) {
        leave_zombie(builder);
        Quad *quad = c_heap_alloc_bare(builder->heap, sizeof *quad);
        c_heap_free_bare(builder->heap, quad);
    }
    c_heap_sweep(builder->heap);
    builder->tally->zombies = 0;
}

// Makes live objects until there are `live_due`, with the others spread among them,
// so that they share pages.
static void build_until(GraphBuilder *builder, const GraphSizes *sizes, uint64_t live_due)
{
    while (builder->tally->live < live_due) {
        grow_tree(builder);
        uint64_t done = builder->tally->live;
        if (done > sizes->live)
            done = sizes->live;
        uint64_t garbage_due = done * sizes->garbage / sizes->live;
        while (builder->tally->garbage < garbage_due)
            leave_garbage(builder, garbage_due - builder->tally->garbage);
        while (builder->tally->zombies < done * sizes->zombies / sizes->live)
            leave_zombie(builder);
    }
}

static void node_list_new(GraphBuilder *builder, uint64_t capacity)
{
    // A mapping of its own: a list that malloc takes back would keep its words.
    builder->nodes_bytes = capacity * sizeof(Node *);
    builder->nodes = mmap(NULL, builder->nodes_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)builder->nodes == MAP_FAILED) {
        fputs("c-heap: out of memory\n", stderr);
        exit(1);
    }
}

static void node_list_free(GraphBuilder *builder)
{
    // Not the root: its reference is the graph's.
    for (size_t i = 1; i < builder->node_count; i++)
        c_heap_release(builder->nodes[i]);
    munmap(builder->nodes, builder->nodes_bytes);
}

Graph graph_build(CHeap *heap, const GraphSizes *sizes, GraphTally *tally)
{
    GraphBuilder builder = {.heap = heap, .tally = tally};
    builder.random = sizes->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    node_list_new(&builder, sizes->live + 1);
    build_until(&builder, sizes, sizes->live / 4);
    if (builder.node_count > 0)
        leave_free_slots(&builder, sizes->live / 8);
    build_until(&builder, sizes, sizes->live / 2);
    c_heap_promote(heap);
    feed_old_garbage(&builder);
    build_until(&builder, sizes, sizes->live);

    Graph graph = {.root = builder.nodes[0]};
    graph.cursor_target = live_large(&builder);
    graph.parcel = node_new(&builder, FATE_LIVE);
    give(graph.parcel, &graph.parcel->extra, leaf_new(&builder, FATE_LIVE));
    node_list_free(&builder);
    return graph;
}
