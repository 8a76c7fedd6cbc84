// Visiting references: see marker/mark_visit.h.
//
// Nearly every reference takes the short way through visit_words(): tag, slot, white bit. The
// rest (large objects, wide pages, pages far from the others, foreign blocks, broken references)
// goes through visit_complex(), which asks heap_image_resolve(). Which way a page goes depends on
// the page alone, so in MARK_OWNED a mark word is either written by its owner without
// read-modify-writes (short way) or always with them (long way), never both.

#include "marker/mark_visit.h"

#include "marker/mark_item.h"
#include "marker/mark_words.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

// What one copy of the innermost loop is compiled for.
typedef struct VisitShape {
    MarkMode mode;
    bool is_flat; // HeapImage.is_flat
} VisitShape;

static void push(MarkWorker *worker, uint64_t item)
{
    worker->queue->items[worker->queue->top++] = item;
}

static bool claim(const MarkWorker *worker, SharedU64 *word, uint64_t bit)
{
    return worker->mode == MARK_ALONE ? try_mark_alone(word, bit) : try_mark(word, bit);
}

// Claims an object, whichever page it is in, and pushes it if it has words to scan.
static void visit_object(MarkWorker *worker, uint32_t page, uint32_t slot)
{
    const HeapImage *image = worker->image;
    uint64_t index = heap_image_first_word(image, page) + slot / 64;
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);
    uint32_t tag;

    if (!claim(worker, &worker->view.white[index], UINT64_C(1) << (slot % 64)))
        return;
    worker->statistics.marked++;
    tag = index < image->tag_count ? image->page_tags[index] & PAGE_TAG_CLASS : PAGE_TAG_COMPLEX;
    if (tag > PAGE_TAG_COMPLEX) {
        uint64_t bytes = (uint64_t)(uintptr_t)heap_image_object_bytes(image, page, slot);
        push(worker, mark_item_object(bytes, tag));
    } else if (block_size - payload >= 8 && !heap_image_is_under_construction(image, page, slot)) {
        push(worker, mark_item_span(heap_image_object_address(image, page, slot) + payload));
    }
}

static void visit_block(MarkWorker *worker, uint32_t block)
{
    // Words are 8-aligned; a block need not be.
    uint64_t address = (worker->image->blocks[block].address + 7) & ~UINT64_C(7);
    uint64_t end = worker->image->blocks[block].address + worker->image->blocks[block].bytes;

    if (claim(worker, &worker->white_blocks[block / 64], UINT64_C(1) << (block % 64)) &&
        address + 8 <= end)
        push(worker, mark_item_span(address));
}

// The long way. Returns whether the word referred to an object or a block.
static bool visit_complex(MarkWorker *worker, uint64_t word)
{
    Reference reference = heap_image_resolve(worker->image, word, false);

    switch (reference.kind) {
    case REFERENCE_NONE:
        return false;
    case REFERENCE_INVALID:
        worker->invalid_references++;
        return false;
    case REFERENCE_DEAD:
        return true;
    case REFERENCE_BLOCK:
        visit_block(worker, reference.block);
        return true;
    case REFERENCE_OBJECT:
        visit_object(worker, reference.page, reference.slot);
        return true;
    }
    return false;
}

// A reference into a page with a size class of its own whose bit is not white: was it marked
// before, or is there no live object at all?
static __attribute__((noinline)) bool is_edge_without_claim(MarkWorker *worker, uint64_t word,
                                                            uint64_t live_bit)
{
    if (live_bit != 0 || heap_image_resolve(worker->image, word, false).kind == REFERENCE_DEAD)
        return true;
    worker->invalid_references++;
    return false;
}

static inline __attribute__((always_inline)) uint64_t
item_of(const MarkWorker *worker, VisitShape shape, uint64_t word, uint32_t tag)
{
    uint64_t offset = word & worker->view.page_mask;

    if (shape.is_flat)
        return mark_item_object(word + worker->view.delta, tag);
    uint32_t page = heap_image_find_page(worker->image, word);
    return mark_item_object(
        (uint64_t)(uintptr_t)heap_image_page_bytes(worker->image, page) + offset, tag);
}

static inline __attribute__((always_inline)) void visit_words(MarkWorker *worker, VisitShape shape,
                                                              const uint64_t *words, uint32_t count)
{
    const MarkView *view = &worker->view;
    PerThreadMarkQueue *queue = worker->queue;
    uint64_t *items = queue->items;
    uint32_t top = queue->top;
    uint64_t marked = 0;
    uint64_t edges = count;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = words[i];
        uint64_t bucket = (word >> view->range.page_shift) - view->range.window_first;
        uint32_t index = NO_INDEX;
        uint32_t tag = PAGE_TAG_NONE;

        if (LIKELY(bucket < view->range.window_count)) {
            index = shape.is_flat ? (uint32_t)bucket : mark_view_index(view, word);
            if (shape.is_flat || index != NO_INDEX)
                tag = view->tags[index];
        }
        if (UNLIKELY((tag & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
            queue->top = top;
            edges -= !visit_complex(worker, word);
            top = queue->top;
            continue;
        }
        const SlotClass *class = &view->classes[tag & PAGE_TAG_CLASS];
        uint32_t offset = (uint32_t)(word & view->page_mask);
        uint32_t slot = (offset >> class->shift) - class->first_slot;
        uint64_t is_start = (offset & (class->block_size - 1)) == 0;
        // Slots that the page does not have never have a white bit: see SlotClass.
        uint64_t bit = is_start << (slot & 63);
        bool is_claimed = shape.mode == MARK_SHARED ? try_mark(&view->white[index], bit)
                                                    : try_mark_alone(&view->white[index], bit);
        items[top] = item_of(worker, shape, word, tag & PAGE_TAG_CLASS);
        top += is_claimed;
        marked += is_claimed;
        // In a page full of live objects the start of a slot is an edge, claimed or not.
        uint32_t is_sure =
            ((tag & PAGE_TAG_WHOLE) != 0) & (uint32_t)is_start & (slot < class->slot_count);
        if (UNLIKELY(!(is_sure | is_claimed)))
            edges -= !is_edge_without_claim(worker, word,
                                            slot < class->slot_count ? view->live[index] & bit : 0);
    }
    queue->top = top;
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
}

void mark_visit_words(MarkWorker *worker, const uint64_t *words, uint32_t count)
{
    bool is_flat = worker->image->is_flat;

    // One copy of the loop for each shape that a mark can have.
    if (worker->mode == MARK_SHARED && is_flat)
        visit_words(worker, (VisitShape){MARK_SHARED, true}, words, count);
    else if (worker->mode == MARK_SHARED)
        visit_words(worker, (VisitShape){MARK_SHARED, false}, words, count);
    else if (is_flat)
        visit_words(worker, (VisitShape){MARK_ALONE, true}, words, count);
    else
        visit_words(worker, (VisitShape){MARK_ALONE, false}, words, count);
}

void mark_visit_root(MarkWorker *worker, uint64_t root_index)
{
    const HeapImage *image = worker->image;
    const Root *root = &image->roots[root_index];
    Reference reference;

    // Roots go to the owner of their page, the others to the workers in turn.
    uint32_t page = heap_image_find_page(image, root->value);
    uint32_t owner = page == NO_INDEX ? (uint32_t)(root_index % worker->worker_count)
                     : worker->view.owners == NULL
                         ? 0
                         : worker->view.owners[heap_image_first_word(image, page)];
    if (owner != worker->index)
        return;
    reference = heap_image_resolve(image, root->value, root_allows_interior(root));
    if (reference.kind == REFERENCE_INVALID)
        worker->invalid_references++;
    else if (reference.kind != REFERENCE_NONE)
        worker->roots[root->kind]++;
    if (reference.kind == REFERENCE_BLOCK)
        visit_block(worker, reference.block);
    else if (reference.kind == REFERENCE_OBJECT)
        visit_object(worker, reference.page, reference.slot);
}
