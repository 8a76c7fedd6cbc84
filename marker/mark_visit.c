// Visiting references: see marker/mark_visit.h.
//
// mark_batch.c visits nearly every reference: tag, granule, white bit; it collects those into pages
// of odd classes for mark_visit_odd(). The rest (large objects, pages far from the others, foreign
// blocks, broken references) goes through mark_visit_complex(), which calls heap_image_resolve().

#include "marker/mark_visit.h"

#include "marker/mark_item.h"
#include "marker/mark_words.h"

static bool claim(const MarkWorker *worker, SharedU64 *word, uint64_t bit)
{
    uint64_t white = shared_u64_load(word, SHARED_RELAXED);

    if (worker->mode == MARK_ALONE)
        return try_mark_alone(word, white, bit);
    return (white & bit) != 0 && try_mark(word, bit, &white);
}

// Claims an object, whichever page it is in, and pushes it if it has words to scan.
static void visit_object(MarkWorker *worker, uint32_t page, uint32_t slot)
{
    const HeapImage *image = worker->image;
    uint64_t bit, index = mark_words_place(image, page, slot, &bit);
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);
    uint32_t tag;

    if (!claim(worker, &worker->view.white[index], bit))
        return;
    worker->statistics.marked++;
    tag = index < image->tag_count ? image->page_tags[index] & PAGE_TAG_CLASS : PAGE_TAG_COMPLEX;
    if (tag > PAGE_TAG_COMPLEX) {
        uint64_t bytes = (uint64_t)(uintptr_t)heap_image_object_bytes(image, page, slot);
        per_thread_mark_queue_push(worker->queue, mark_item_object(bytes + payload, tag));
    } else if (block_size - payload >= 8 && !heap_image_is_under_construction(image, page, slot)) {
        per_thread_mark_queue_push(
            worker->queue,
            mark_item_whole_span(heap_image_object_address(image, page, slot) + payload,
                                 (block_size - payload) / 8));
    }
}

static void visit_block(MarkWorker *worker, uint32_t block)
{
    // The words are 8-aligned, the block may not be.
    uint64_t address = (worker->image->blocks[block].address + 7) & ~UINT64_C(7);
    uint64_t end = worker->image->blocks[block].address + worker->image->blocks[block].bytes;

    if (claim(worker, &worker->white_blocks[block / 64], UINT64_C(1) << (block % 64)) &&
        address + 8 <= end) {
        // The place is known here, and would be looked up again before it could be fetched.
        __builtin_prefetch(worker->image->foreign_bytes + worker->image->blocks[block].offset);
        per_thread_mark_queue_push(worker->queue,
                                   mark_item_whole_span(address, (end - address) / 8));
    }
}

bool mark_visit_complex(MarkWorker *worker, uint64_t word)
{
    Reference reference = heap_image_resolve(worker->image, word, false);

    worker->complex_references++;
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

// The item of an object of an odd class that begins at `word`.
static uint64_t odd_item(const MarkWorker *worker, uint64_t word, uint32_t class)
{
    const MarkView *view = &worker->view;
    const HeapImage *image = worker->image;
    uint64_t bytes = word + view->delta;

    if (!view->has_delta)
        bytes =
            (uint64_t)(uintptr_t)heap_image_page_bytes(image, heap_image_find_page(image, word)) +
            (word & view->page_mask);
    return mark_item_object(bytes + view->odd_classes[class].payload_offset,
                            MARK_ITEM_ODD_TAG + class);
}

uint32_t mark_visit_odd(MarkWorker *worker, uint32_t count)
{
    const MarkView *view = &worker->view;
    uint32_t broken = 0;

    for (uint32_t i = 0; i < count; i++) {
        const OddReference *reference = &worker->odd[i];
        uint64_t bit = UINT64_C(1) << reference->bit;

        if (!claim(worker, &view->white[reference->index], bit)) {
            // Marked before, or not live.
            if (reference->is_sure || (view->live[reference->index] & bit) != 0)
                worker->complex_references++;
            else
                broken += !mark_visit_complex(worker, reference->word);
            continue;
        }
        worker->complex_references++;
        worker->statistics.marked++;
        if (view->odd_classes[reference->class].payload_words > 0)
            per_thread_mark_queue_push(worker->queue,
                                       odd_item(worker, reference->word, reference->class));
    }
    return broken;
}

bool mark_is_edge_without_claim(MarkWorker *worker, uint64_t index, uint64_t word)
{
    const MarkView *view = &worker->view;
    const SlotClass *class =
        &view->classes[shared_u64_load(&view->white[index], SHARED_RELAXED) & PAGE_TAG_CLASS];
    uint64_t offset = word & view->page_mask;
    uint64_t slot = (offset >> class->shift) - class->first_slot;

    worker->complex_references++;
    if ((offset & (class->block_size - 1)) == 0 && slot < class->slot_count &&
        (view->live[index] >> slot & 1) != 0)
        return true;
    if (heap_image_resolve(worker->image, word, false).kind == REFERENCE_DEAD)
        return true;
    worker->invalid_references++;
    return false;
}

bool mark_is_wide_edge_without_claim(MarkWorker *worker, uint64_t word)
{
    Reference reference = heap_image_resolve(worker->image, word, false);

    worker->complex_references++;
    // In a minor mark, objects of old pages are not white.
    if (reference.kind == REFERENCE_OBJECT || reference.kind == REFERENCE_DEAD)
        return true;
    worker->invalid_references++;
    return false;
}

void mark_visit_root(MarkWorker *worker, uint64_t root_index)
{
    const HeapImage *image = worker->image;
    const Root *root = &image->roots[root_index];
    Reference reference;

    // A root that refers into a page goes to the page's owner, all others to the workers in turn.
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
