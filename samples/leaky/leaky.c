// leaky: a program with a leak to be found, on the heap of samples/c-heap.
//
// A server answers requests. Its catalogue is large and stays as it is, its cache evicts, and
// every request makes a session that is dropped when the request is done. But each request also
// registers a listener with the hub, which never removes one: the listeners pile up, each with the
// buffer that it writes to.
//
// After a thousand requests the program says so in one line of JSON and waits. Every line on its
// standard input makes it answer a thousand more and say so again; so it can be captured in
// between. It ends at the end of its input, or after --seconds.

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c_heap.h"

#define PRODUCTS 3000u
#define CACHED 400u
#define REQUESTS 1000u

typedef struct Product {
    CHeapObject object;
    uint64_t price;
} Product;

typedef struct Catalogue {
    CHeapObject object;
    Product *products[PRODUCTS];
} Catalogue;

typedef struct Entry {
    CHeapObject object;
    Product *product;
    uint64_t hits;
} Entry;

typedef struct Cache {
    CHeapObject object;
    Entry *entries[CACHED];
} Cache;

typedef struct Buffer {
    CHeapObject object;
    char bytes[400];
} Buffer;

typedef struct Listener {
    CHeapObject object;
    Buffer *buffer;
    uint64_t request;
} Listener;

// The listeners are in a block of malloc's that grows.
typedef struct Hub {
    CHeapObject object;
    Listener **listeners;
    uint64_t count;
    uint64_t room;
} Hub;

typedef struct Session {
    CHeapObject object;
    Entry *entry;
} Session;

// ---- what each type refers to ----

static void trace_product(CHeapObject *object, CHeapVisitor *visitor)
{
    (void)object, (void)visitor;
}

static void trace_buffer(CHeapObject *object, CHeapVisitor *visitor)
{
    (void)object, (void)visitor;
}

static void trace_catalogue(CHeapObject *object, CHeapVisitor *visitor)
{
    for (uint32_t i = 0; i < PRODUCTS; i++)
        c_heap_visit(visitor, ((Catalogue *)object)->products[i]);
}

static void trace_entry(CHeapObject *object, CHeapVisitor *visitor)
{
    c_heap_visit(visitor, ((Entry *)object)->product);
}

static void drop_entry(CHeapObject *object)
{
    c_heap_release(((Entry *)object)->product);
}

static void trace_cache(CHeapObject *object, CHeapVisitor *visitor)
{
    for (uint32_t i = 0; i < CACHED; i++)
        c_heap_visit(visitor, ((Cache *)object)->entries[i]);
}

static void trace_listener(CHeapObject *object, CHeapVisitor *visitor)
{
    c_heap_visit(visitor, ((Listener *)object)->buffer);
}

static void trace_hub(CHeapObject *object, CHeapVisitor *visitor)
{
    Hub *all = (Hub *)object;

    for (uint64_t i = 0; i < all->count; i++)
        c_heap_visit(visitor, all->listeners[i]);
}

static void trace_session(CHeapObject *object, CHeapVisitor *visitor)
{
    c_heap_visit(visitor, ((Session *)object)->entry);
}

static void drop_session(CHeapObject *object)
{
    c_heap_release(((Session *)object)->entry);
}

static const CHeapType product_type = {.trace = trace_product};
static const CHeapType buffer_type = {.trace = trace_buffer};
static const CHeapType catalogue_type = {.trace = trace_catalogue};
static const CHeapType entry_type = {.trace = trace_entry, .drop = drop_entry};
static const CHeapType cache_type = {.trace = trace_cache};
static const CHeapType listener_type = {.trace = trace_listener};
static const CHeapType hub_type = {.trace = trace_hub};
static const CHeapType session_type = {.trace = trace_session, .drop = drop_session};

// ---- the server ----

// What the program holds. Volatile, because nothing else keeps the compiler from leaving them out.
static Catalogue *volatile catalogue;
static Cache *volatile cache;
static Hub *volatile hub;

// Gives what was just made to a field of another object.
static void give(void *holder, void *field, void *value)
{
    c_heap_set(holder, field, value);
    c_heap_release(value);
}

static void start(CHeap *heap)
{
    catalogue = c_heap_alloc(heap, sizeof *catalogue, &catalogue_type);
    cache = c_heap_alloc(heap, sizeof *cache, &cache_type);
    hub = c_heap_alloc(heap, sizeof *hub, &hub_type);
    for (uint32_t i = 0; i < PRODUCTS; i++) {
        Product *product = c_heap_alloc(heap, sizeof *product, &product_type);

        product->price = i;
        give(catalogue, &catalogue->products[i], product);
    }
}

static void register_listener(CHeap *heap, uint64_t request)
{
    Listener *listener = c_heap_alloc(heap, sizeof *listener, &listener_type);
    Hub *all = hub;

    if (all->count == all->room) {
        all->room = 2 * all->room + 64;
        all->listeners = realloc(all->listeners, all->room * sizeof(Listener *));
        if (all->listeners == NULL) {
            fputs("leaky: out of memory\n", stderr);
            exit(1);
        }
        memset(all->listeners + all->count, 0, (all->room - all->count) * sizeof(Listener *));
    }
    listener->request = request;
    give(listener, &listener->buffer, c_heap_alloc(heap, sizeof(Buffer), &buffer_type));
    give(all, &all->listeners[all->count++], listener);
}

static void answer(CHeap *heap, uint64_t request)
{
    Entry *entry = c_heap_alloc(heap, sizeof *entry, &entry_type);
    Session *session = c_heap_alloc(heap, sizeof *session, &session_type);

    c_heap_set(entry, &entry->product, catalogue->products[request * 7919 % PRODUCTS]);
    c_heap_set(session, &session->entry, entry);
    register_listener(heap, request);
    // The entry that the cache held there is dropped.
    give(cache, &cache->entries[request % CACHED], entry);
    c_heap_release(session);
}

static void tell(const CHeap *heap)
{
    CHeapCounts counts = {0};

    c_heap_count(heap, &counts);
    // Everything that is not dropped is held: nothing is garbage here.
    printf("{\"program\":\"leaky\",\"pid\":%ld,\"leaking_type\":\"trace_listener\","
           "\"held_by\":\"trace_hub\",\"leaked\":%" PRIu64 ",\"allocated\":%" PRIu64
           ",\"zombies\":%" PRIu64 ",\"objects\":%" PRIu64 ",\"reachable\":%" PRIu64
           ",\"garbage\":0}\n",
           (long)getpid(), hub->count, counts.allocated, counts.dead,
           counts.allocated - counts.dead, counts.allocated - counts.dead);
    (void)fflush(stdout);
}

int main(int argument_count, char **arguments)
{
    CHeap *heap = c_heap_new();
    static char output[512];
    uint64_t request = 0;
    char line[64];

    if (argument_count == 3 && strcmp(arguments[1], "--seconds") == 0) {
        (void)alarm((unsigned)strtoul(arguments[2], NULL, 10));
    } else if (argument_count != 1) {
        fputs("usage: leaky [--seconds N]\n", stderr);
        return 2;
    }
    // The buffers of the C library would be malloc'd where an earlier array of listeners was, with
    // its references still in them.
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    (void)setvbuf(stdout, output, _IOLBF, sizeof output);
    start(heap);
    do {
        for (uint64_t end = request + REQUESTS; request < end; request++)
            answer(heap, request);
        c_heap_sweep(heap);
        tell(heap);
    } while (fgets(line, sizeof line, stdin) != NULL);
    return 0;
}
