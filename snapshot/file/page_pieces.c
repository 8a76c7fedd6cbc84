// PagePieces: see snapshot/file/page_pieces.h.
//
// A piece's number says what the filter finds in it. Frames end at multiples of every page size
// behind the first page, so a small page is never cut; a large object may be, and is a piece of
// its own where that matters.

#include "snapshot/file/page_pieces.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_SMALL_PAGES = 0,
    PIECE_LARGE_OBJECT,
};

// How much of a free slot is kept.
static uint32_t kept_slot_bytes(const HeapLayout *layout, uint32_t block_size)
{
    return heap_layout_has_object_header(layout, block_size) ? layout->object_header_bytes
                                                             : layout->free_link_bytes;
}

void page_pieces_release(PagePieces *pieces)
{
    free(pieces->pieces);
    *pieces = (PagePieces){0};
}

static bool add_piece(PagePieces *pieces, StreamPiece piece, Error *error)
{
    StreamPiece *last = pieces->count > 0 ? &pieces->pieces[pieces->count - 1] : NULL;

    // Pages that follow each other and are treated alike are one piece.
    if (last != NULL && last->zeros_after == 0 && last->is_filtered == piece.is_filtered &&
        !(piece.is_filtered && piece.number == PIECE_LARGE_OBJECT) &&
        last->number == piece.number && last->bytes + last->length == piece.bytes) {
        last->length += piece.length;
        last->zeros_after = piece.zeros_after;
        return true;
    }
    if (pieces->count == pieces->capacity) {
        uint64_t capacity = pieces->capacity < 16 ? 16 : pieces->capacity * 2;
        StreamPiece *grown = realloc(pieces->pieces, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(error, capacity * sizeof *grown, "the plan of a snapshot");
        pieces->pieces = grown;
        pieces->capacity = capacity;
    }
    pieces->pieces[pieces->count++] = piece;
    return true;
}

static bool is_slot_0_allocated(const HeapLayout *layout, const uint8_t *page)
{
    return (heap_layout_bitmap_word(page, layout->allocated_bitmap, 0) & 1) != 0;
}

// A large object that is free ends, for us, with its object header.
static StreamPiece large_piece(const PagePieces *pieces, const uint8_t *page,
                               const PageHeader *header)
{
    const HeapLayout *layout = pieces->layout;
    StreamPiece piece = {
        .bytes = page,
        .length = (uint64_t)header->page_count * layout->page_size,
        .is_filtered = pieces->redaction != NULL,
        .number = PIECE_LARGE_OBJECT,
    };

    if (!pieces->keeps_free_slots && !is_slot_0_allocated(layout, page)) {
        uint64_t kept = (uint64_t)header->header_size + layout->object_header_bytes;
        piece.zeros_after = piece.length - kept;
        piece.length = kept;
    }
    return piece;
}

static bool add_run(PagePieces *pieces, const SnapshotPages *run, Error *error)
{
    const HeapLayout *layout = pieces->layout;

    for (uint64_t p = 0; p < run->page_count;) {
        const uint8_t *page = run->bytes + p * layout->page_size;
        PageHeader header;
        PageHeaderFault fault =
            page_header_read(layout, page, (run->page_count - p) * layout->page_size, &header);
        if (fault != PAGE_HEADER_VALID)
            return error_set(error, ERROR_CORRUPT, "page 0x%llx: %s",
                             (unsigned long long)(run->address + p * layout->page_size),
                             page_header_fault_name(fault));
        page_header_fetch_ahead(layout, page, run->page_count - p);
        StreamPiece piece = {.bytes = page, .length = layout->page_size, .is_filtered = true};
        if (header.is_large)
            piece = large_piece(pieces, page, &header);
        if (!add_piece(pieces, piece, error))
            return false;
        p += header.page_count;
    }
    return true;
}

bool page_pieces_init(PagePieces *pieces, const HeapLayout *layout, const SnapshotPages *runs,
                      uint64_t run_count, bool keeps_free_slots, const Redaction *redaction,
                      Error *error)
{
    *pieces = (PagePieces){
        .layout = layout, .redaction = redaction, .keeps_free_slots = keeps_free_slots};
    for (uint64_t i = 0; i < run_count; i++) {
        StreamPiece whole = {.bytes = runs[i].bytes,
                             .length = runs[i].page_count * layout->page_size};
        bool ok = keeps_free_slots && redaction == NULL ? add_piece(pieces, whole, error)
                                                        : add_run(pieces, &runs[i], error);
        if (!ok) {
            page_pieces_release(pieces);
            return false;
        }
    }
    return true;
}

static void zero_free_slots(const HeapLayout *layout, uint8_t *page)
{
    PageHeader header;
    uint32_t kept;

    // It was valid when it was planned; whoever holds the bytes must not change them.
    if (page_header_read(layout, page, layout->page_size, &header) != PAGE_HEADER_VALID)
        return;
    kept = kept_slot_bytes(layout, header.block_size);
    for (uint32_t first = 0; first < header.slot_count; first += 64) {
        uint64_t free_slots = ~heap_layout_bitmap_word(page, layout->allocated_bitmap, first / 64) &
                              heap_layout_slot_bits(header.slot_count, first);
        for (; free_slots != 0; free_slots &= free_slots - 1) {
            uint32_t slot = first + (uint32_t)__builtin_ctzll(free_slots);
            uint8_t *bytes = page + header.header_size + (uint64_t)slot * header.block_size;
            memset(bytes + kept, 0, header.block_size - kept);
        }
    }
}

static void filter_small_page(const PagePieces *pieces, uint8_t *page)
{
    if (!pieces->keeps_free_slots)
        zero_free_slots(pieces->layout, page);
    if (pieces->redaction != NULL)
        redaction_small_page(pieces->redaction, page);
}

static void filter_large_object(const PagePieces *pieces, const StreamPiece *piece, uint64_t offset,
                                uint8_t *bytes, uint64_t length)
{
    PageHeader header;

    // As for small pages: it was valid. A free one ends early, which its header does not say.
    if (page_header_read(pieces->layout, piece->bytes, UINT64_MAX, &header) == PAGE_HEADER_VALID)
        redaction_large_part(pieces->redaction, &header, offset, bytes, length);
    else
        memset(bytes, 0, length);
}

static void filter(const void *context, const StreamPiece *piece, uint64_t offset, uint8_t *bytes,
                   uint64_t length)
{
    const PagePieces *pieces = context;

    if (piece->number == PIECE_LARGE_OBJECT)
        filter_large_object(pieces, piece, offset, bytes, length);
    else
        for (uint64_t at = 0; at + pieces->layout->page_size <= length;
             at += pieces->layout->page_size)
            filter_small_page(pieces, bytes + at);
}

StreamFilter page_pieces_filter(const PagePieces *pieces)
{
    return (StreamFilter){filter, pieces};
}
