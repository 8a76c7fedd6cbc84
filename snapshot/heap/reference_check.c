// ReferenceCheck: see snapshot/heap/reference_check.h.
//
// Each thread counts the incoming words of all slots in bytes of its own, which stay at 255 once
// they are there: of an object with more references than that, 255 words must be found.

#include "snapshot/heap/reference_check.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/parallel_for.h"
#include "base/search.h"
#include "base/side_table.h"

// Counting waits for memory; more threads than these gain little, and each needs its own counts.
#define MOST_THREADS REFERENCE_CHECK_THREADS
// Pages and blocks that a thread counts at a time.
#define PART_PAGES 256u
#define PART_BLOCKS 1024u
#define MOST_COUNTED 255u

// A stretch of the address space with pages that lie closely together.
typedef struct Stretch {
    uint64_t first;       // page number
    uint64_t count;       // page numbers
    uint64_t first_entry; // in Check.entries
} Stretch;

// Pages further apart than this are in different stretches, so that tables stay small.
#define MOST_GAP_PAGES 64u

typedef struct Check {
    const ReferenceHeap *heap;
    uint32_t page_shift;
    uint64_t low; // page numbers of all pages with slots are in [low, end)
    uint64_t end;
    Stretch *stretches; // ascending; owned
    uint64_t stretch_count;
    uint64_t stretch_capacity;
    uint32_t *entries; // page number -> index of the page, plus 1; owned
    uint64_t entry_count;
    uint64_t entry_capacity;
    uint64_t *first_slots; // of each page: its slots' counts begin here; owned
    uint64_t slot_count;
    uint32_t thread_count;
    uint8_t *counts[MOST_THREADS]; // owned
    uint64_t part_count;
    uint64_t page_part_count;
} Check;

static bool add_entry(Check *check, uint64_t number, uint32_t page, Error *error)
{
    Stretch *last = check->stretch_count > 0 ? &check->stretches[check->stretch_count - 1] : NULL;
    bool is_near = last != NULL && number - (last->first + last->count) <= MOST_GAP_PAGES;
    uint64_t gap = is_near ? number - (last->first + last->count) : 0;

    if (!array_reserve(&check->entries, &check->entry_capacity, check->entry_count + gap + 1,
                       sizeof *check->entries, "the table of pages", error))
        return false;
    if (!is_near) {
        if (!array_reserve(&check->stretches, &check->stretch_capacity, check->stretch_count + 1,
                           sizeof *check->stretches, "the table of pages", error))
            return false;
        last = &check->stretches[check->stretch_count++];
        *last = (Stretch){number, 0, check->entry_count};
    }
    for (uint64_t i = 0; i < gap; i++)
        check->entries[check->entry_count++] = 0;
    check->entries[check->entry_count++] = page + 1;
    last->count += gap + 1;
    return true;
}

// All pages that its slots lie in: slot 0 of a large object need not be in the first one.
static bool add_page(Check *check, const ReferencePage *page, uint32_t index, Error *error)
{
    uint64_t first = page->address + page->header_size;
    uint64_t last = first + (uint64_t)page->slot_count * page->block_size - 1;

    if (page->slot_count == 0)
        return true;
    for (uint64_t n = first >> check->page_shift; n <= last >> check->page_shift; n++)
        if (!add_entry(check, n, index, error))
            return false;
    return true;
}

static bool build_tables(Check *check, Error *error)
{
    const ReferenceHeap *heap = check->heap;

    check->first_slots = malloc(((size_t)heap->page_count + 1) * sizeof *check->first_slots);
    if (check->first_slots == NULL)
        return error_set_memory(error, heap->page_count * sizeof *check->first_slots,
                                "the table of pages");
    for (uint64_t i = 0; i < heap->page_count; i++) {
        const ReferencePage *page = &heap->pages[i];

        check->first_slots[i] = check->slot_count;
        check->slot_count += page->slot_count;
        if (!add_page(check, page, (uint32_t)i, error))
            return false;
    }
    if (check->stretch_count == 0)
        return true; // no slots; `end` is 0
    check->low = check->stretches[0].first;
    check->end = check->stretches[check->stretch_count - 1].first +
                 check->stretches[check->stretch_count - 1].count;
    return true;
}

static bool make_counts(Check *check, Error *error)
{
    uint32_t wanted = parallel_for_threads(0, check->part_count);

    if (wanted > MOST_THREADS)
        wanted = MOST_THREADS;
    while (check->thread_count < wanted) {
        uint8_t *counts = side_table_new((size_t)check->slot_count + 1);

        if (counts == NULL)
            break;
        check->counts[check->thread_count++] = counts;
    }
    return check->thread_count > 0 ||
           error_set_memory(error, check->slot_count, "counts of references");
}

static void release(Check *check)
{
    for (uint32_t i = 0; i < check->thread_count; i++)
        side_table_free(check->counts[i], (size_t)check->slot_count + 1);
    free(check->stretches);
    free(check->entries);
    free(check->first_slots);
}

// Counts `word` where it is the address of a slot, or of a byte in one where that is enough.
// *hint: the stretch that was looked at last.
static inline void count_word(const Check *check, uint8_t *counts, uint64_t word,
                              bool allows_interior, uint64_t *hint)
{
    uint64_t number = word >> check->page_shift;
    const Stretch *stretch;
    const ReferencePage *page;
    uint64_t offset, slot;
    uint32_t entry;

    if (number - check->low >= check->end - check->low)
        return;
    stretch = &check->stretches[*hint];
    if (number - stretch->first >= stretch->count) {
        // Not before the first stretch, so there is one.
        *hint = search_above(check->stretches, check->stretch_count, first, number) - 1;
        stretch = &check->stretches[*hint];
        if (number - stretch->first >= stretch->count)
            return;
    }
    entry = check->entries[stretch->first_entry + (number - stretch->first)];
    if (entry == 0)
        return;
    page = &check->heap->pages[entry - 1];
    offset = word - page->address - page->header_size;
    slot = offset / page->block_size;
    if (slot >= page->slot_count || (!allows_interior && offset % page->block_size != 0))
        return;
    slot += check->first_slots[entry - 1];
    if (counts[slot] < MOST_COUNTED)
        counts[slot]++;
}

static void count_words(const Check *check, uint8_t *counts, const uint8_t *bytes,
                        uint64_t word_count)
{
    uint64_t hint = 0;

    for (uint64_t i = 0; i < word_count; i++)
        count_word(check, counts, load_u64(bytes + 8 * i), false, &hint);
}

static void count_page(const Check *check, uint8_t *counts, const ReferencePage *page)
{
    uint32_t header = heap_layout_has_object_header(check->heap->layout, page->block_size)
                          ? check->heap->layout->object_header_bytes
                          : 0;

    for (uint32_t first = 0; first < page->slot_count; first += 64)
        for (uint64_t live = page->live[first / 64]; live != 0; live &= live - 1) {
            uint64_t slot = first + (uint32_t)__builtin_ctzll(live);
            const uint8_t *object = page->bytes + page->header_size + slot * page->block_size;

            count_words(check, counts, object + header, (page->block_size - header) / 8);
        }
}

// Part 0 are the roots, then come parts of pages, then parts of blocks.
static bool count_part(void *context, uint32_t worker, uint64_t part, Error *error)
{
    const Check *check = context;
    const ReferenceHeap *heap = check->heap;
    uint8_t *counts = check->counts[worker];
    uint64_t hint = 0;

    (void)error;
    if (part == 0) {
        for (uint64_t i = 0; i < heap->root_count; i++)
            count_word(check, counts, heap->roots[i].value, root_allows_interior(&heap->roots[i]),
                       &hint);
    } else if (part <= check->page_part_count) {
        uint64_t first = (part - 1) * PART_PAGES;
        for (uint64_t i = first; i < first + PART_PAGES && i < heap->page_count; i++) {
            count_page(check, counts, &heap->pages[i]);
            if (heap->visit != NULL)
                heap->visit(heap->visit_context, worker, &heap->pages[i]);
        }
    } else {
        uint64_t first = (part - 1 - check->page_part_count) * PART_BLOCKS;
        for (uint64_t i = first; i < first + PART_BLOCKS && i < heap->block_count; i++)
            count_words(check, counts, heap->blocks[i].bytes, heap->blocks[i].word_count);
    }
    return true;
}

// Compares what was counted with the objects' own counts.
static void compare(const Check *check, ReferenceCheck *out)
{
    const ReferenceHeap *heap = check->heap;

    for (uint64_t i = 0; i < heap->page_count; i++) {
        const ReferencePage *page = &heap->pages[i];

        if (!heap_layout_has_object_header(heap->layout, page->block_size))
            continue;
        for (uint32_t slot = 0; slot < page->slot_count; slot++) {
            uint64_t address =
                page->address + page->header_size + (uint64_t)slot * page->block_size;
            const uint8_t *object = page->bytes + (address - page->address);
            uint64_t references, found = 0;

            if ((page->live[slot / 64] >> (slot % 64) & 1) == 0)
                continue;
            references = heap_layout_read(object, heap->layout->reference_count);
            for (uint32_t thread = 0; thread < check->thread_count; thread++)
                found += check->counts[thread][check->first_slots[i] + slot];
            if (references > MOST_COUNTED)
                references = MOST_COUNTED;
            out->counted += references > 0;
            if (found >= references)
                continue;
            if (out->overlooked++ == 0)
                out->first = address;
        }
    }
}

bool reference_check_run(const ReferenceHeap *heap, ReferenceCheck *out, Error *error)
{
    Check check = {.heap = heap};
    bool ok = true;

    *out = (ReferenceCheck){.is_known = heap->layout->reference_count.width != 0};
    if (!out->is_known || heap->page_count == 0)
        return true;
    check.page_shift = (uint32_t)__builtin_ctz(heap->layout->page_size);
    check.page_part_count = (heap->page_count + PART_PAGES - 1) / PART_PAGES;
    check.part_count =
        1 + check.page_part_count + (heap->block_count + PART_BLOCKS - 1) / PART_BLOCKS;
    ok = build_tables(&check, error) && make_counts(&check, error) &&
         parallel_for(check.part_count, check.thread_count, count_part, &check, error);
    if (ok)
        compare(&check, out);
    release(&check);
    return ok;
}

bool reference_check_image(const HeapImage *image, ReferenceCheck *out, Error *error)
{
    ReferencePage *pages = malloc(((size_t)image->page_count + 1) * sizeof *pages);
    ReferenceWords *blocks = malloc(((size_t)image->block_count + 1) * sizeof *blocks);
    ReferenceHeap heap = {
        .layout = &image->layout,
        .page_count = image->page_count,
        .pages = pages,
        .block_count = image->block_count,
        .blocks = blocks,
        .root_count = image->root_count,
        .roots = image->roots,
    };
    bool ok = pages != NULL && blocks != NULL;

    for (uint32_t i = 0; ok && i < image->page_count; i++)
        pages[i] = (ReferencePage){
            .address = image->pages[i].address,
            .bytes = heap_image_page_bytes(image, i),
            .live = image->live + heap_image_first_word(image, i),
            .block_size = image->pages[i].block_size,
            .header_size = image->pages[i].header_size,
            .slot_count = image->pages[i].slot_count,
        };
    for (uint32_t i = 0; ok && i < image->block_count; i++) {
        const ForeignBlock *block = &image->blocks[i];
        uint64_t skipped = (8 - block->address % 8) % 8;

        blocks[i] = (ReferenceWords){
            .bytes = image->foreign_bytes + block->offset + skipped,
            .word_count = block->bytes < skipped ? 0 : (block->bytes - skipped) / 8,
        };
    }
    ok = ok ? reference_check_run(&heap, out, error)
            : error_set_memory(error, image->page_count * sizeof *pages, "the table of pages");
    free(pages);
    free(blocks);
    return ok;
}
