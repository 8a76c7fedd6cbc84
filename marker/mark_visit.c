// Visiting references: see marker/mark_visit.h.
//
// Nearly every reference takes the short way through visit_references(): tag, slot, white bit. The
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
        per_thread_mark_queue_push(worker->queue, mark_item_object(bytes + payload, tag));
    } else if (block_size - payload >= 8 && !heap_image_is_under_construction(image, page, slot)) {
        per_thread_mark_queue_push(
            worker->queue, mark_item_span(heap_image_object_address(image, page, slot) + payload));
    }
}

static void visit_block(MarkWorker *worker, uint32_t block)
{
    // Words are 8-aligned; a block need not be.
    uint64_t address = (worker->image->blocks[block].address + 7) & ~UINT64_C(7);
    uint64_t end = worker->image->blocks[block].address + worker->image->blocks[block].bytes;

    if (claim(worker, &worker->white_blocks[block / 64], UINT64_C(1) << (block % 64)) &&
        address + 8 <= end)
        per_thread_mark_queue_push(worker->queue, mark_item_span(address));
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

// What references into pages with one tag have in common.
typedef struct TagState {
    uint32_t tag;        // with PAGE_TAG_WHOLE
    uint32_t slot_shift; // log2 of the words of a slot
    uint32_t first_slot;
    uint32_t slot_mask; // words of a slot, less one
    uint64_t slots;
    uint64_t sure_slots; // slots that hold live objects in all pages with this tag
    uint64_t item_base;  // of the item for place 0, in a flat image
} TagState;

#define NO_TAG UINT32_MAX

static inline __attribute__((always_inline)) void set_tag(TagState *state, const MarkView *view,
                                                          uint64_t base, uint32_t tag)
{
    const SlotClass *class = &view->classes[tag & PAGE_TAG_CLASS];

    state->tag = tag;
    state->slot_shift = class->shift - 3u;
    state->first_slot = class->first_slot;
    state->slot_mask = class->block_size / 8 - 1;
    state->slots = class->slots;
    state->sure_slots = (tag & PAGE_TAG_WHOLE) != 0 ? class->slots : 0;
    state->item_base = mark_item_object(
        view->window_start + view->delta + 8 * base + class->payload_offset, tag & PAGE_TAG_CLASS);
}

// The item of the object at a place of the window.
static inline __attribute__((always_inline)) uint64_t item_at(const MarkWorker *worker,
                                                              VisitShape shape,
                                                              const TagState *state, uint64_t base,
                                                              uint32_t reference)
{
    const MarkView *view = &worker->view;

    if (shape.is_flat)
        return state->item_base + 8 * (uint64_t)reference;
    uint64_t address = view->window_start + 8 * (base | reference);
    uint32_t page = heap_image_find_page(worker->image, address);
    return mark_item_object((uint64_t)(uintptr_t)heap_image_page_bytes(worker->image, page) +
                                (address & view->page_mask) +
                                view->classes[state->tag & PAGE_TAG_CLASS].payload_offset,
                            state->tag & PAGE_TAG_CLASS);
}

static inline __attribute__((always_inline)) uint32_t
visit_references(MarkWorker *worker, VisitShape shape, uint64_t base, const uint32_t *references,
                 uint32_t count, uint64_t *claimed)
{
    const MarkView *view = &worker->view;
    // In locals: `claimed` holds u64, as the view does, so stores to it look like changes there.
    const uint32_t page_shift = view->range.page_shift - 3;
    const uint32_t page_mask = (uint32_t)(view->page_mask >> 3);
    const uint8_t *const tags = view->tags;
    SharedU64 *const white = view->white;
    const uint64_t base_bucket = base >> page_shift;
    TagState state = {.tag = NO_TAG};
    uint32_t marked = 0;
    uint32_t edges = count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t reference = references[i];
        uint64_t index = base_bucket + (reference >> page_shift);
        uint32_t tag;

        if (!shape.is_flat && view->pages != NULL)
            index = view->pages[index];
        tag = shape.is_flat || index != NO_INDEX ? tags[index] : PAGE_TAG_NONE;
        // Neighbours mostly have one tag, so what depends on it stays where it is.
        if (tag != state.tag) {
            if (UNLIKELY((tag & PAGE_TAG_CLASS) <= PAGE_TAG_COMPLEX)) {
                edges -= !visit_complex(worker, view->window_start + 8 * (base | reference));
                continue;
            }
            set_tag(&state, view, base, tag);
        }
        uint32_t offset = reference & page_mask;
        uint32_t slot = (offset >> state.slot_shift) - state.first_slot;
        uint64_t is_start = (offset & state.slot_mask) == 0;
        // Slots that the page does not have never have a white bit: see SlotClass.
        uint64_t bit = is_start << (slot & 63);
        bool is_claimed = shape.mode == MARK_SHARED ? try_mark(&white[index], bit)
                                                    : try_mark_alone(&white[index], bit);
        claimed[marked] = item_at(worker, shape, &state, base, reference);
        marked += is_claimed;
        // In a page full of live objects the start of a slot is an edge, claimed or not.
        if (UNLIKELY(((bit & state.sure_slots) | is_claimed) == 0))
            edges -= !is_edge_without_claim(worker, view->window_start + 8 * (base | reference),
                                            view->live[index] & bit & state.slots);
    }
    worker->statistics.marked += marked;
    worker->statistics.edges += edges;
    return marked;
}

uint32_t mark_visit_references(MarkWorker *worker, uint32_t region, const uint32_t *references,
                               uint32_t count, uint64_t *claimed)
{
    uint64_t base = reference_regions_base(&worker->regions, region);
    bool is_flat = worker->image->is_flat;

    // One copy of the loop for each shape that a mark can have.
    if (worker->mode == MARK_SHARED)
        return is_flat ? visit_references(worker, (VisitShape){MARK_SHARED, true}, base, references,
                                          count, claimed)
                       : visit_references(worker, (VisitShape){MARK_SHARED, false}, base,
                                          references, count, claimed);
    return is_flat ? visit_references(worker, (VisitShape){MARK_ALONE, true}, base, references,
                                      count, claimed)
                   : visit_references(worker, (VisitShape){MARK_ALONE, false}, base, references,
                                      count, claimed);
}

void mark_visit_word(MarkWorker *worker, uint64_t word)
{
    if (word_is_in_range(&worker->view.range, word))
        worker->statistics.edges += visit_complex(worker, word);
}

void mark_visit_root(MarkWorker *worker, uint64_t root_index)
{
    const HeapImage *image = worker->image;
    const Root *root = &image->roots[root_index];
    Reference reference;

    // Roots go to the owner of their page, the others to the workers in turn.
    uint32_t page = heap_image_find_page(image, root->value);
    uint32_t owner = page == NO_INDEX ? (uint32_t)(root_index % worker->worker_count)
                     : worker->ownership == NULL
                         ? 0
                         : page_ownership_worker(worker->ownership, image->pages[page].address);
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
