// InvalidReferences: see analysis/invalid_references.h.

#include "analysis/invalid_references.h"

#include <stdlib.h>

#include "analysis/heap_place.h"
#include "base/parallel_for.h"

#define PIECE_PAGES 1024u
#define PIECE_BLOCKS 4096u

const char *invalid_kind_name(InvalidKind kind)
{
    static const char *const names[INVALID_KIND_COUNT] = {"free slot", "interior", "page header",
                                                          "unused end"};

    return names[kind];
}

uint64_t invalid_counts_sum(const uint64_t counts[INVALID_KIND_COUNT])
{
    uint64_t sum = 0;

    for (int kind = 0; kind < INVALID_KIND_COUNT; kind++)
        sum += counts[kind];
    return sum;
}

static InvalidKind kind_of(const HeapImage *image, uint64_t word)
{
    switch (heap_place_at(image, word).kind) {
    case HEAP_PLACE_FREE_SLOT:
        return INVALID_FREE_SLOT;
    case HEAP_PLACE_PAGE_HEADER:
        return INVALID_PAGE_HEADER;
    case HEAP_PLACE_PAGE_END:
        return INVALID_UNUSED_END;
    default:
        return INVALID_INTERIOR;
    }
}

// The addresses between the first page and the end of the last one.
typedef struct HeapRange {
    uint64_t first;
    uint64_t bytes;
} HeapRange;

static HeapRange heap_range(const HeapImage *image)
{
    HeapRange range = {0, 0};

    if (image->page_count > 0) {
        uint32_t last = image->page_count - 1;

        range.first = image->pages[0].address;
        range.bytes = image->pages[last].address - range.first +
                      (heap_image_run_pages(image, last) << image->page_shift);
    }
    return range;
}

// Most words lie outside of the heap, and most others refer to live objects.
static inline bool is_invalid(const HeapImage *image, uint64_t word)
{
    uint32_t page = heap_image_find_page(image, word);
    const HeapPage *record;
    uint64_t offset, slot;

    if (page == NO_INDEX)
        return false;
    record = &image->pages[page];
    offset = word - record->address - record->header_size; // wraps before slot 0
    slot = heap_image_is_large(image, page) || offset >> 32 != 0
               ? 0
               : (uint32_t)offset / record->block_size;
    if (offset - slot * record->block_size == 0 && slot < record->slot_count &&
        heap_image_is_live(image, page, (uint32_t)slot))
        return false;
    return heap_image_resolve(image, word, false).kind == REFERENCE_INVALID;
}

typedef bool (*VisitInvalid)(void *context, const InvalidReference *reference);

static bool visit_words(const HeapImage *image, PlaceWords words, InvalidReference place,
                        VisitInvalid visit, void *context)
{
    HeapRange range = heap_range(image);

    for (uint64_t i = 0; i < words.count; i++) {
        place.target = load_u64(words.bytes + 8 * i);
        if (place.target - range.first >= range.bytes || !is_invalid(image, place.target))
            continue;
        place.offset = words.offset + 8 * i;
        place.kind = kind_of(image, place.target);
        if (!visit(context, &place))
            return false;
    }
    return true;
}

static bool visit_object(const HeapImage *image, uint32_t page, uint32_t slot, VisitInvalid visit,
                         void *context)
{
    HeapPlace place = {.kind = HEAP_PLACE_OBJECT,
                       .address = heap_image_object_address(image, page, slot),
                       .bytes = image->pages[page].block_size,
                       .page = page,
                       .slot = slot};

    return heap_image_is_under_construction(image, page, slot) ||
           visit_words(image, heap_place_words(image, &place),
                       (InvalidReference){.page = page, .slot = slot}, visit, context);
}

// The objects of a page that the mark looked at: in a minor mark the dirty ones of old pages, too.
static uint64_t scanned_word(const HeapImage *image, const MarkResult *mark, uint32_t page,
                             uint32_t word)
{
    uint64_t at = heap_image_first_word(image, page) + word;

    if (mark->kind == MARK_MINOR && heap_image_generation(image, page) > 0)
        return image->live[at] & heap_image_dirty_word(image, page, word);
    return mark->marked[at];
}

static bool visit_pages(const HeapImage *image, const MarkResult *mark, uint64_t first,
                        uint64_t end, VisitInvalid visit, void *context)
{
    for (uint32_t page = (uint32_t)first; page < end && page < image->page_count; page++)
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            for (uint64_t left = scanned_word(image, mark, page, word); left != 0; left &= left - 1)
                if (!visit_object(image, page, word * 64 + (uint32_t)__builtin_ctzll(left), visit,
                                  context))
                    return false;
    return true;
}

static bool visit_blocks(const HeapImage *image, const MarkResult *mark, uint64_t first,
                         uint64_t end, VisitInvalid visit, void *context)
{
    for (uint32_t block = (uint32_t)first; block < end && block < image->block_count; block++) {
        HeapPlace place = {.kind = HEAP_PLACE_BLOCK,
                           .address = image->blocks[block].address,
                           .bytes = image->blocks[block].bytes,
                           .page = NO_INDEX,
                           .block = block};

        if ((mark->marked_blocks[block / 64] >> block % 64 & 1) != 0 &&
            !visit_words(image, heap_place_words(image, &place),
                         (InvalidReference){.page = NO_INDEX, .block = block}, visit, context))
            return false;
    }
    return true;
}

void invalid_references_visit(const HeapImage *image, const MarkResult *mark, VisitInvalid visit,
                              void *context)
{
    if (visit_pages(image, mark, 0, image->page_count, visit, context))
        (void)visit_blocks(image, mark, 0, image->block_count, visit, context);
}

// ---- counting ----

typedef struct WorkerCounts {
    InvalidCounts counts;
    // The first piece in which this worker found a proof, and the proof.
    uint64_t proof_piece;
    InvalidReference proof;
} WorkerCounts;

typedef struct Count {
    const HeapImage *image;
    const MarkResult *mark;
    const EdgeLabels *labels;
    uint64_t page_pieces;
    WorkerCounts workers[PARALLEL_FOR_MAX_THREADS];
} Count;

typedef struct Piece {
    const EdgeLabels *labels;
    WorkerCounts *worker;
    uint64_t number;
    uint32_t tried;
} Piece;

static bool is_proven(const EdgeLabels *labels, const InvalidReference *reference, EdgeLabel *label)
{
    edge_label_make(labels, reference->page, reference->slot, reference->block, reference->offset,
                    label);
    return label->kind == EDGE_STRONG && label->field != NULL && label->field->kind == FIELD_STRONG;
}

static bool add(void *context, const InvalidReference *reference)
{
    Piece *piece = context;
    WorkerCounts *worker = piece->worker;
    InvalidCounts *counts = &worker->counts;
    EdgeLabel label;

    (reference->page == NO_INDEX ? counts->blocks : counts->objects)[reference->kind]++;
    if (piece->labels->values != NULL && piece->number < worker->proof_piece &&
        piece->tried < INVALID_TRIED) {
        piece->tried++;
        if (is_proven(piece->labels, reference, &label)) {
            worker->proof_piece = piece->number;
            worker->proof = *reference;
        }
    }
    return true;
}

static bool count_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Count *count = context;
    Piece piece = {count->labels, &count->workers[worker], item, 0};

    (void)error;
    if (item < count->page_pieces)
        return visit_pages(count->image, count->mark, item * PIECE_PAGES, (item + 1) * PIECE_PAGES,
                           add, &piece);
    item -= count->page_pieces;
    return visit_blocks(count->image, count->mark, item * PIECE_BLOCKS, (item + 1) * PIECE_BLOCKS,
                        add, &piece);
}

static void count_roots(const HeapImage *image, InvalidCounts *counts)
{
    for (uint64_t i = 0; i < image->root_count; i++) {
        const Root *root = &image->roots[i];

        if (heap_image_resolve(image, root->value, root_allows_interior(root)).kind ==
            REFERENCE_INVALID)
            counts->roots[kind_of(image, root->value)]++;
    }
}

// Adds up what the workers have counted; the proof of the first piece is the one.
static void add_workers(const Count *count, InvalidCounts *out, InvalidProof *proof)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++) {
        const WorkerCounts *worker = &count->workers[i];

        for (int kind = 0; kind < INVALID_KIND_COUNT; kind++) {
            out->objects[kind] += worker->counts.objects[kind];
            out->blocks[kind] += worker->counts.blocks[kind];
        }
        if (worker->proof_piece < first) {
            first = worker->proof_piece;
            proof->reference = worker->proof;
        }
    }
    proof->is_found =
        first != UINT64_MAX && is_proven(count->labels, &proof->reference, &proof->label);
}

bool invalid_references_count(const HeapImage *image, const MarkResult *mark,
                              const EdgeLabels *labels, InvalidCounts *out, InvalidProof *proof,
                              Error *error)
{
    Count *count = calloc(1, sizeof *count);
    uint64_t pieces;
    bool ok = true;

    *out = (InvalidCounts){0};
    *proof = (InvalidProof){.is_found = false};
    if (count == NULL)
        return error_set_memory(error, sizeof *count, "counts of invalid references");
    count->image = image;
    count->mark = mark;
    count->labels = labels;
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        count->workers[i].proof_piece = UINT64_MAX;
    count->page_pieces = ((uint64_t)image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;
    pieces = count->page_pieces + ((uint64_t)image->block_count + PIECE_BLOCKS - 1) / PIECE_BLOCKS;
    count_roots(image, out);
    // Often only roots have them.
    if (invalid_counts_sum(out->roots) < mark->totals.invalid_references)
        ok = parallel_for(pieces, parallel_for_threads(0, pieces), count_piece, count, error);
    if (ok)
        add_workers(count, out, proof);
    free(count);
    return ok;
}
