// PagePieces: see snapshot/file/page_pieces.h.
//
// A piece's number is the index of its first page record. A piece holds either pages of slots, each
// of them one record, or one large object where the filter treats its parts, or large objects that
// go into the file as they are. Frames end at multiples of every page size behind the first page,
// so the filter sees whole pages of slots; a large object may be cut.

#include "snapshot/file/page_pieces.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

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

// Does the filter treat the two alike, wherever they are cut?
static bool are_alike(const PagePieces *pieces, const StreamPiece *one, const StreamPiece *other)
{
    if (!one->is_filtered || !other->is_filtered)
        return one->is_filtered == other->is_filtered;
    return !pieces->records->items[one->number].is_large &&
           !pieces->records->items[other->number].is_large;
}

static bool add_piece(PagePieces *pieces, StreamPiece piece, Error *error)
{
    StreamPiece *last = pieces->count > 0 ? &pieces->pieces[pieces->count - 1] : NULL;

    // Pages that follow each other and are treated alike are one piece.
    if (last != NULL && last->zeros_after == 0 && last->bytes + last->length == piece.bytes &&
        are_alike(pieces, last, &piece)) {
        last->length += piece.length;
        last->zeros_after = piece.zeros_after;
        return true;
    }
    if (!array_reserve(&pieces->pieces, &pieces->capacity, pieces->count + 1,
                       sizeof *pieces->pieces, "the plan of a snapshot", error))
        return false;
    pieces->pieces[pieces->count++] = piece;
    return true;
}

// A large object that is free ends, for us, with its object header.
static void end_free_object(const PagePieces *pieces, const PageRecord *record, StreamPiece *piece)
{
    uint64_t kept = (uint64_t)record->header_size + pieces->layout->object_header_bytes;

    if (pieces->keeps_free_slots || (page_record_bits(pieces->records, record)->allocated & 1) != 0)
        return;
    piece->zeros_after = piece->length - kept;
    piece->length = kept;
}

// Adds the pages of a run, the first of which is record *index; moves *index behind them.
static bool add_run(PagePieces *pieces, const SnapshotPages *run, uint64_t *index, Error *error)
{
    uint32_t page_size = pieces->layout->page_size;

    for (uint64_t p = 0; p < run->page_count; ++*index) {
        const PageRecord *record = &pieces->records->items[*index];
        StreamPiece piece = {
            .bytes = run->bytes + p * page_size,
            .length = (uint64_t)record->page_count * page_size,
            .is_filtered =
                pieces->redaction != NULL || (!pieces->keeps_free_slots && !record->is_large),
            .number = *index,
        };

        assert(*index < pieces->records->count && record->address == run->address + p * page_size);
        if (record->is_large)
            end_free_object(pieces, record, &piece);
        if (!add_piece(pieces, piece, error))
            return false;
        p += record->page_count;
    }
    return true;
}

bool page_pieces_init(PagePieces *pieces, const SnapshotContents *contents, bool keeps_free_slots,
                      const Redaction *redaction, Error *error)
{
    uint64_t index = 0;

    *pieces = (PagePieces){
        .layout = &contents->layout,
        .records = contents->pages,
        .redaction = redaction,
        .keeps_free_slots = keeps_free_slots,
    };
    for (uint64_t i = 0; i < contents->run_count; i++)
        if (!add_run(pieces, &contents->runs[i], &index, error)) {
            page_pieces_release(pieces);
            return false;
        }
    return true;
}

static void zero_free_slots(const PagePieces *pieces, const PageRecord *record, uint8_t *page)
{
    const PageBits *bits = page_record_bits(pieces->records, record);
    uint32_t kept = kept_slot_bytes(pieces->layout, record->block_size);

    for (uint32_t first = 0; first < record->slot_count; first += 64, bits++) {
        uint64_t free_slots = ~bits->allocated & heap_layout_slot_bits(record->slot_count, first);
        for (; free_slots != 0; free_slots &= free_slots - 1) {
            uint32_t slot = first + (uint32_t)__builtin_ctzll(free_slots);
            uint8_t *bytes = page + record->header_size + (uint64_t)slot * record->block_size;
            memset(bytes + kept, 0, record->block_size - kept);
        }
    }
}

static void filter(const void *context, const StreamPiece *piece, uint64_t offset, uint8_t *bytes,
                   uint64_t length)
{
    const PagePieces *pieces = context;
    const PageRecord *record = &pieces->records->items[piece->number];
    uint32_t page_size = pieces->layout->page_size;

    if (record->is_large) {
        redaction_large_part(pieces->redaction, record, offset, bytes, length);
        return;
    }
    record += offset / page_size;
    for (uint64_t at = 0; at + page_size <= length; at += page_size, record++) {
        if (pieces->redaction == NULL)
            zero_free_slots(pieces, record, bytes + at);
        else
            redaction_small_page(pieces->redaction, record,
                                 page_record_bits(pieces->records, record), bytes + at);
    }
}

StreamFilter page_pieces_filter(const PagePieces *pieces)
{
    return (StreamFilter){filter, pieces};
}
