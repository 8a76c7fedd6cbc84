// The heap itself: pages, slots, counts, and a plain marker that knows the truth.
//
// A page's header is found by rounding an object's address down, large objects
// included: their header is on their first page, and so is their start.

#include "c_heap.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// rudo-gc asks for this address too. The kernel grants it to the first page.
#define PAGE_HINT ((void *)0x600000000000)
#define DROPPED 2u

typedef struct PageList {
    CHeapPage **pages;
    size_t count;
    size_t capacity;
} PageList;

typedef struct SizeClass {
    CHeapPage *bump_page; // or NULL
    uint32_t bump_next;   // its first slot that was never used
    PageList with_free;   // pages whose free list is not empty
} SizeClass;

struct CHeap {
    uint64_t owner_thread;
    SizeClass classes[C_HEAP_CLASSES];
    PageList pages;
};

static void die(const char *what)
{
    fprintf(stderr, "c-heap: %s\n", what);
    exit(1);
}

static void page_list_push(PageList *list, CHeapPage *page)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        list->pages = realloc(list->pages, list->capacity * sizeof *list->pages);
        if (list->pages == NULL)
            die("out of memory");
    }
    list->pages[list->count++] = page;
}

static void bit_set(uint64_t *bitmap, uint32_t index)
{
    bitmap[index / 64] |= UINT64_C(1) << (index % 64);
}

static void bit_clear(uint64_t *bitmap, uint32_t index)
{
    bitmap[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

static bool bit_is_set(const uint64_t *bitmap, uint32_t index)
{
    return (bitmap[index / 64] >> (index % 64) & 1) != 0;
}

// The page that an object starts on.
static CHeapPage *page_of(void *object)
{
    return (CHeapPage *)((char *)object - (uintptr_t)object % C_HEAP_PAGE_BYTES);
}

static void *slot_at(CHeapPage *page, uint32_t index)
{
    return (char *)page + page->header_size + (size_t)index * page->block_size;
}

static uint32_t slot_of(const CHeapPage *page, const void *object)
{
    size_t offset = (size_t)((const char *)object - (const char *)page) - page->header_size;
    return (uint32_t)(offset / page->block_size);
}

static bool has_header(const CHeapPage *page)
{
    return page->block_size >= sizeof(CHeapObject);
}

static bool is_dead(CHeapPage *page, uint32_t index)
{
    return has_header(page) && (((CHeapObject *)slot_at(page, index))->weak_word & C_HEAP_DEAD);
}

static void drop_nothing(CHeapObject *object)
{
    (void)object;
}

static void trace_nothing(CHeapObject *object, CHeapVisitor *visitor)
{
    (void)object;
    (void)visitor;
}

CHeap *c_heap_new(void)
{
    static _Atomic uint64_t last_owner;
    CHeap *heap = calloc(1, sizeof *heap);
    if (heap == NULL)
        die("out of memory");
    // Relaxed: the numbers only have to differ.
    heap->owner_thread = 1 + atomic_fetch_add_explicit(&last_owner, 1, memory_order_relaxed);
    return heap;
}

// --- Pages ---

static CHeapPage *page_new(CHeap *heap, uint32_t block_size, uint32_t header_size, uint32_t slots,
                           size_t bytes)
{
    CHeapPage *page =
        mmap(PAGE_HINT, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        die("out of memory");
    page->magic = C_HEAP_MAGIC;
    page->block_size = block_size;
    page->object_count = (uint16_t)slots;
    page->header_size = (uint16_t)header_size;
    page->owner_thread = heap->owner_thread;
    page->free_list_head = C_HEAP_NO_SLOT;
    page_list_push(&heap->pages, page);
    return page;
}

static CHeapPage *small_page_new(CHeap *heap, uint32_t block_size)
{
    uint32_t header = (uint32_t)(sizeof(CHeapPage) + block_size - 1) / block_size * block_size;
    uint32_t slots = (C_HEAP_PAGE_BYTES - header) / block_size;
    CHeapPage *page = page_new(heap, block_size, header, slots, C_HEAP_PAGE_BYTES);
    // Like rudo-gc: a slot has harmless functions before its first object has others.
    for (uint32_t i = 0; i < slots && has_header(page); i++) {
        CHeapObject *object = slot_at(page, i);
        object->drop = drop_nothing;
        object->trace = trace_nothing;
    }
    return page;
}

// --- Slots ---

// A free slot begins with its link: whether there is a next one, and its index.
typedef struct FreeLink {
    uint16_t has_next;
    uint16_t next;
} FreeLink;

static void *slot_from_free_list(SizeClass *class)
{
    CHeapPage *page = class->with_free.pages[class->with_free.count - 1];
    uint32_t index = page->free_list_head;
    FreeLink link;
    memcpy(&link, slot_at(page, index), sizeof link);
    page->free_list_head = link.has_next ? link.next : C_HEAP_NO_SLOT;
    if (!link.has_next)
        class->with_free.count--;
    bit_set(page->allocated, index);
    return slot_at(page, index);
}

static void *slot_from_bump(CHeap *heap, SizeClass *class, uint32_t block_size)
{
    if (class->bump_page == NULL || class->bump_next == class->bump_page->object_count) {
        class->bump_page = small_page_new(heap, block_size);
        class->bump_next = 0;
    }
    uint32_t index = class->bump_next++;
    bit_set(class->bump_page->allocated, index);
    return slot_at(class->bump_page, index);
}

static SizeClass *class_for(CHeap *heap, size_t bytes, uint32_t *block_size)
{
    uint32_t index = 0;
    *block_size = C_HEAP_SMALLEST_CLASS;
    while (*block_size < bytes) {
        *block_size *= 2;
        index++;
    }
    return &heap->classes[index];
}

static void *slot_new(CHeap *heap, size_t bytes)
{
    if (bytes > C_HEAP_LARGEST_CLASS) {
        uint32_t header = (sizeof(CHeapPage) + 15) / 16 * 16;
        size_t run = (header + bytes + C_HEAP_PAGE_BYTES - 1) / C_HEAP_PAGE_BYTES;
        CHeapPage *page = page_new(heap, (uint32_t)bytes, header, 1, run * C_HEAP_PAGE_BYTES);
        page->flags = C_HEAP_FLAG_LARGE;
        bit_set(page->allocated, 0);
        return slot_at(page, 0);
    }
    uint32_t block_size;
    SizeClass *class = class_for(heap, bytes, &block_size);
    void *slot = class->with_free.count > 0 ? slot_from_free_list(class)
                                            : slot_from_bump(heap, class, block_size);
    return memset(slot, 0, block_size);
}

static void slot_free(CHeap *heap, CHeapPage *page, uint32_t index)
{
    bit_clear(page->allocated, index);
    bit_clear(page->marked, index);
    bit_clear(page->dirty, index);
    // No slot of an old page is reused: a new object must be young.
    if (page->free_list_head == C_HEAP_NO_SLOT && page->generation == 0) {
        uint32_t block_size;
        page_list_push(&class_for(heap, page->block_size, &block_size)->with_free, page);
    }
    FreeLink link = {0};
    if (page->free_list_head != C_HEAP_NO_SLOT)
        link = (FreeLink){.has_next = 1, .next = page->free_list_head};
    memcpy(slot_at(page, index), &link, sizeof link);
    page->free_list_head = (uint16_t)index;
}

void *c_heap_alloc(CHeap *heap, size_t bytes, const CHeapType *type)
{
    CHeapObject *object = slot_new(heap, bytes);
    object->reference_count = 1;
    object->drop = type->drop != NULL ? type->drop : drop_nothing;
    object->trace = type->trace;
    object->generation = 1;
    return object;
}

void *c_heap_alloc_bare(CHeap *heap, size_t bytes)
{
    return slot_new(heap, bytes);
}

void c_heap_free_bare(CHeap *heap, void *slot)
{
    CHeapPage *page = page_of(slot);
    slot_free(heap, page, slot_of(page, slot));
}

// --- References ---

void c_heap_retain(void *object)
{
    if (object != NULL && has_header(page_of(object)))
        ((CHeapObject *)object)->reference_count++;
}

void c_heap_release(void *reference)
{
    if (reference == NULL || !has_header(page_of(reference)))
        return;
    CHeapObject *object = reference;
    // A dead object can be released once more by a cycle that dies with it.
    if ((object->weak_word & C_HEAP_DEAD) != 0 || --object->reference_count > 0)
        return;
    object->weak_word |= C_HEAP_DEAD;
    object->drop(object);
    object->dropping = DROPPED;
    object->drop = drop_nothing;
    object->trace = trace_nothing;
}

void c_heap_set(void *holder, void *field, void *value)
{
    CHeapPage *page = page_of(holder);
    if (page->generation > 0) {
        bit_set(page->dirty, slot_of(page, holder));
        page->flags |= C_HEAP_FLAG_DIRTY_LISTED;
    }
    void *old;
    memcpy(&old, field, sizeof old);
    c_heap_retain(value);
    memcpy(field, &value, sizeof value);
    c_heap_release(old);
}

// --- Sweep, promotion, counts ---

static size_t run_bytes(const CHeapPage *page)
{
    size_t end = (size_t)page->header_size + (size_t)page->object_count * page->block_size;
    return (end + C_HEAP_PAGE_BYTES - 1) / C_HEAP_PAGE_BYTES * C_HEAP_PAGE_BYTES;
}

void c_heap_sweep(CHeap *heap)
{
    for (size_t p = 0; p < heap->pages.count;) {
        CHeapPage *page = heap->pages.pages[p];
        bool is_large = (page->flags & C_HEAP_FLAG_LARGE) != 0;
        if (is_large && is_dead(page, 0)) {
            heap->pages.pages[p] = heap->pages.pages[--heap->pages.count];
            munmap(page, run_bytes(page));
            continue;
        }
        for (uint32_t i = 0; !is_large && i < page->object_count; i++) {
            if (bit_is_set(page->allocated, i) && is_dead(page, i))
                slot_free(heap, page, i);
        }
        p++;
    }
}

void c_heap_promote(CHeap *heap)
{
    for (size_t p = 0; p < heap->pages.count; p++) {
        CHeapPage *page = heap->pages.pages[p];
        page->generation = 1;
        for (uint32_t i = 0; i < page->object_count && has_header(page); i++) {
            if (bit_is_set(page->allocated, i))
                ((CHeapObject *)slot_at(page, i))->weak_word |= C_HEAP_OLD;
        }
    }
    for (size_t c = 0; c < C_HEAP_CLASSES; c++) {
        heap->classes[c].bump_page = NULL;
        heap->classes[c].with_free.count = 0;
    }
}

void c_heap_count(const CHeap *heap, CHeapCounts *counts)
{
    for (size_t p = 0; p < heap->pages.count; p++) {
        CHeapPage *page = heap->pages.pages[p];
        for (uint32_t i = 0; i < page->object_count; i++) {
            if (!bit_is_set(page->allocated, i))
                continue;
            counts->allocated++;
            counts->large += (page->flags & C_HEAP_FLAG_LARGE) != 0;
            if (is_dead(page, i)) {
                counts->dead++;
            } else {
                counts->young += page->generation == 0;
                counts->bytes += page->block_size;
            }
        }
    }
}

CHeapPage *c_heap_page(const CHeap *heap, size_t index, size_t *bytes)
{
    if (index >= heap->pages.count)
        return NULL;
    *bytes = run_bytes(heap->pages.pages[index]);
    return heap->pages.pages[index];
}

void *c_heap_object(CHeapPage *page, uint32_t slot)
{
    if (!bit_is_set(page->allocated, slot) || is_dead(page, slot))
        return NULL;
    return slot_at(page, slot);
}

// --- The truth ---

// The objects that are marked and not yet traced. Each enters once, so the list
// has room for all; it is a mapping of its own, which leaves nothing behind.
struct CHeapVisitor {
    void **pending;
    size_t count;
    uint64_t marked_objects;
    bool minor;
};

void c_heap_visit(CHeapVisitor *visitor, void *reference)
{
    if (reference == NULL)
        return;
    CHeapPage *page = page_of(reference);
    uint32_t index = slot_of(page, reference);
    if (bit_is_set(page->marked, index) || (visitor->minor && page->generation > 0))
        return;
    bit_set(page->marked, index);
    visitor->marked_objects++;
    visitor->pending[visitor->count++] = reference;
}

static void trace_slot(CHeapVisitor *visitor, void *slot)
{
    CHeapPage *page = page_of(slot);
    if (has_header(page)) {
        ((CHeapObject *)slot)->trace(slot, visitor);
        return;
    }
    uintptr_t *words = slot;
    for (uint32_t i = 0; i < page->block_size / sizeof *words; i++) {
        if (words[i] % 2 == 0)
            c_heap_visit(visitor, (void *)words[i]);
    }
}

static void trace_dirty(CHeapVisitor *visitor, const CHeap *heap)
{
    for (size_t p = 0; p < heap->pages.count; p++) {
        CHeapPage *page = heap->pages.pages[p];
        for (uint32_t i = 0; i < page->object_count; i++) {
            if (bit_is_set(page->dirty, i) && bit_is_set(page->allocated, i) && !is_dead(page, i))
                trace_slot(visitor, slot_at(page, i));
        }
    }
}

uint64_t c_heap_mark(CHeap *const *heaps, size_t heap_count, void *const *roots, size_t root_count,
                     bool minor)
{
    CHeapCounts counts = {0};
    for (size_t h = 0; h < heap_count; h++) {
        c_heap_count(heaps[h], &counts);
        for (size_t p = 0; p < heaps[h]->pages.count; p++)
            memset(heaps[h]->pages.pages[p]->marked, 0, sizeof(((CHeapPage *)NULL)->marked));
    }
    size_t bytes = (counts.allocated + 1) * sizeof(void *);
    CHeapVisitor visitor = {.minor = minor};
    visitor.pending = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)visitor.pending == MAP_FAILED)
        die("out of memory");
    for (size_t r = 0; r < root_count; r++)
        c_heap_visit(&visitor, roots[r]);
    for (size_t h = 0; minor && h < heap_count; h++)
        trace_dirty(&visitor, heaps[h]);
    while (visitor.count > 0)
        trace_slot(&visitor, visitor.pending[--visitor.count]);
    munmap(visitor.pending, bytes);
    return visitor.marked_objects;
}
