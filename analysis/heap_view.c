// HeapView: see analysis/heap_view.h.

#include "analysis/heap_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

uint32_t heap_view_type_of(const HeapView *view, const HeapPlace *place)
{
    return type_table_find(view->types, view->image, place->page, place->slot);
}

// ---- what blocks hold ----

// Words that are looked at for all rows together, so that many rows of one large block take no
// longer than a second.
#define CONTENT_WORDS (UINT64_C(1) << 26)

static BlockContents contents_of(HeapView *view, const HeapPlace *block)
{
    PlaceWords words = heap_place_words(view->image, block);
    BlockContents contents = {.type = NO_INDEX, .is_one_type = true};

    if (words.count > CONTENT_WORDS - view->content_words)
        return contents;
    contents.is_known = true;
    view->content_words += words.count;

    for (uint64_t i = 0; i < words.count; i++) {
        Reference reference = heap_image_resolve(view->image, load_u64(words.bytes + 8 * i), false);
        uint32_t type;

        contents.blocks += reference.kind == REFERENCE_BLOCK;
        if (reference.kind != REFERENCE_OBJECT)
            continue;
        contents.references++;
        type = type_table_find(view->types, view->image, reference.page, reference.slot);
        if (contents.type == NO_INDEX)
            contents.type = type;
        contents.is_one_type = contents.is_one_type && contents.type == type;
    }
    return contents;
}

bool heap_view_block_text(const HeapImage *image, uint32_t block, const BufferShape *shape,
                          char text[BUFFER_TEXT_BYTES + 1])
{
    const ForeignBlock *record = &image->blocks[block];
    const uint8_t *bytes = image->foreign_bytes + record->offset;
    uint64_t length = 0;

    // Only bytes have as many elements as bytes.
    if (shape->has_length && (!shape->has_capacity || record->bytes / 2 < shape->capacity))
        length = shape->length;
    else if (!shape->has_length)
        length = strnlen((const char *)bytes, record->bytes);
    if (length > record->bytes || (!shape->has_length && (length < 4 || length == record->bytes)))
        return false;
    return buffer_text(bytes, length, text);
}

// ---- rows ----

static void format_word(uint64_t word, char value[VIEW_VALUE_CHARS])
{
    if (word < UINT32_MAX)
        (void)snprintf(value, VIEW_VALUE_CHARS, "%" PRIu64, word);
    else if (word > UINT64_MAX - UINT32_MAX)
        (void)snprintf(value, VIEW_VALUE_CHARS, "%" PRId64, (int64_t)word);
    else
        (void)snprintf(value, VIEW_VALUE_CHARS, "0x%" PRIx64, word);
}

static bool add_word(HeapView *view, const PlaceWords *words, uint64_t index, Error *error)
{
    uint64_t word = load_u64(words->bytes + 8 * index);
    ViewRow *row;

    if (word == 0) {
        view->zero_words++;
        return true;
    }
    if (view->row_count == VIEW_MAX_ROWS) {
        view->rows_left_out++;
        return true;
    }
    if (!array_reserve(&view->rows, &view->row_capacity, view->row_count + UINT64_C(1),
                       sizeof *view->rows, "the words of an object", error))
        return false;
    row = &view->rows[view->row_count++];
    *row = (ViewRow){.offset = words->offset + 8 * index, .word = word};
    format_word(word, row->value);
    row->target = heap_place_at(view->image, word);
    if (row->target.kind == HEAP_PLACE_BLOCK) {
        row->contents = contents_of(view, &row->target);
        if (row->target.offset == 0)
            row->shape = buffer_shape_beside(words, index, row->target.bytes);
    }
    return true;
}

// The words that reading the snapshot did not clear (Note [Exact types] in
// snapshot/heap/heap_image_masks.c), in ascending order.
typedef struct DeclaredWords {
    const SnapshotTypeLayout *layout; // NULL: all are there
    uint32_t next;
} DeclaredWords;

static bool is_declared(DeclaredWords *declared, uint64_t offset)
{
    const SnapshotTypeLayout *layout = declared->layout;

    if (layout == NULL || offset >= layout->rest_offset)
        return true;
    while (declared->next < layout->offset_count && layout->offsets[declared->next] < offset)
        declared->next++;
    return declared->next < layout->offset_count && layout->offsets[declared->next] == offset;
}

static bool add_rows(HeapView *view, Error *error)
{
    PlaceWords words = heap_place_words(view->image, &view->place);
    DeclaredWords declared = {.layout = NULL};

    if (view->slot.has_header && view->place.kind == HEAP_PLACE_OBJECT)
        declared.layout =
            snapshot_details_find_type_layout(view->image->details, view->slot.type_word);
    view->words = words.count;
    for (uint64_t i = 0; i < words.count; i++) {
        if (!is_declared(&declared, words.offset + 8 * i))
            view->masked_words++;
        else if (!add_word(view, &words, i, error))
            return false;
    }
    return true;
}

// ---- making ----

static void take_facts(HeapView *view)
{
    const HeapPlace *place = &view->place;

    view->type = NO_INDEX;
    if (place->kind == HEAP_PLACE_BLOCK)
        view->is_reachable =
            (view->mark->marked_blocks[place->block / 64] >> place->block % 64 & 1) != 0;
    if (!heap_place_is_in_page(place))
        return;
    view->page = page_facts_of(view->image, place->page);
    if (place->slot == NO_INDEX)
        return;
    view->slot = slot_facts_of(view->image, place->page, place->slot);
    if (place->kind == HEAP_PLACE_FREE_SLOT)
        return;
    view->type = heap_view_type_of(view, place);
    view->is_reachable = place->kind == HEAP_PLACE_OBJECT &&
                         mark_result_is_marked(view->mark, view->image, place->page, place->slot);
}

bool heap_view_make(const HeapImage *image, const MarkResult *mark, const TypeTable *types,
                    uint64_t address, HeapView *out, Error *error)
{
    *out = (HeapView){
        .image = image, .mark = mark, .types = types, .place = heap_place_at(image, address)};
    take_facts(out);
    return add_rows(out, error) && referrers_find(image, mark, &out->place, &out->referrers, error);
}

void heap_view_release(HeapView *view)
{
    free(view->rows);
    referrers_release(&view->referrers);
    view->rows = NULL;
    view->row_count = 0;
}
