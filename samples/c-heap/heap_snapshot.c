// The program records its own heap: it describes the heap to librudo-snap-capture.

#include "heap_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph_builder.h"
#include "rudo_snap.h"

#define MAX_TYPES 8

// Where a walk through all heaps has come to.
typedef struct Walk {
    CHeap *const *heaps;
    size_t heap_count;
    size_t heap;
    size_t page; // the next one of this heap
    CHeapPage *current;
    uint32_t slot; // the next one of `current`
} Walk;

static CHeapPage *next_page(Walk *walk, size_t *bytes)
{
    for (; walk->heap < walk->heap_count; walk->heap++, walk->page = 0) {
        CHeapPage *page = c_heap_page(walk->heaps[walk->heap], walk->page, bytes);
        if (page != NULL) {
            walk->page++;
            return page;
        }
    }
    return NULL;
}

static int next_pages(void *context, rudo_snap_pages *out)
{
    out->address = next_page(context, &out->bytes);
    return out->address != NULL;
}

// Blocks belong to objects: each object is asked for its own.
static int next_block(void *context, rudo_snap_block *out)
{
    Walk *walk = context;
    size_t bytes;
    for (;;) {
        while (walk->current != NULL && walk->slot < walk->current->object_count) {
            CHeapObject *object = c_heap_object(walk->current, walk->slot++);
            if (object == NULL || walk->current->block_size < sizeof *object)
                continue;
            out->address = graph_block_of(object, &out->bytes);
            if (out->address != NULL)
                return 1;
        }
        walk->current = next_page(walk, &bytes);
        walk->slot = 0;
        if (walk->current == NULL)
            return 0;
    }
}

static size_t tell_types(rudo_snap_type types[MAX_TYPES])
{
    size_t count;
    const GraphType *known = graph_types(&count);
    for (size_t i = 0; i < count && i < MAX_TYPES; i++)
        types[i] = (rudo_snap_type){
            .name = known[i].name,
            .type_word = (uintptr_t)known[i].trace,
            .offsets = known[i].offsets,
            .offset_count = known[i].offset_count,
        };
    return count;
}

bool heap_snapshot(const char *path, CHeap *const *heaps, size_t heap_count, void *const *roots,
                   size_t root_count, bool redacts)
{
    Walk pages = {.heaps = heaps, .heap_count = heap_count};
    Walk blocks = pages;
    rudo_snap_root *told = calloc(root_count, sizeof *told);
    rudo_snap_type types[MAX_TYPES];
    rudo_snap_options options;
    rudo_snap_result result;
    char(*names)[48] = calloc(root_count, sizeof *names);
    if (told == NULL || names == NULL)
        return false;
    for (size_t i = 0; i < root_count; i++) {
        snprintf(names[i], sizeof names[i], "%s of thread %zu", i % 2 == 0 ? "graph" : "cursor",
                 i / 2);
        told[i] = (rudo_snap_root){names[i], &roots[i]};
    }
    rudo_snap_options_init(&options);
    options.replaces = 1;
    options.redacts = redacts;
    options.next_pages = next_pages;
    options.pages_context = &pages;
    options.next_block = next_block;
    options.blocks_context = &blocks;
    options.roots = told;
    options.root_count = root_count;
    options.types = types;
    options.type_count = tell_types(types);
    bool ok = rudo_snap_wait(rudo_snap_capture(path, &options), &result) == RUDO_SNAP_DONE;
    if (ok)
        fprintf(stderr, "c-heap: wrote %s, %" PRIu64 " objects, stopped for %" PRIu64 " us\n", path,
                result.object_count, result.pause_ns / 1000);
    else
        fprintf(stderr, "c-heap: no snapshot: %s\n", result.message);
    free(told);
    free(names);
    return ok;
}
