// BlockOwners: see snapshot/heap/block_owners.h.

#include "snapshot/heap/block_owners.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/parallel_for.h"

// Blocks are given up after as many rounds, each of which finds contested ones.
#define MAX_ROUNDS 6u

bool data_value_of_object(const HeapImage *image, const DataValues *values, uint32_t page,
                          uint32_t slot, DataValue *value)
{
    const uint8_t *object = heap_image_object_bytes(image, page, slot);
    uint32_t block_size = image->pages[page].block_size;

    if (!heap_layout_has_object_header(&image->layout, block_size) ||
        heap_image_is_under_construction(image, page, slot))
        return false;
    value->type =
        data_values_find(values, &image->layout, heap_layout_read(object, image->layout.type_word),
                         heap_layout_read(object, image->layout.drop_function), block_size);
    if (value->type == NO_DATA || !values->plans[value->type].is_known)
        return false;
    value->offset = data_values_type(values, value->type)->value_at;
    value->bytes = object + value->offset;
    return true;
}

// ---- finding ----

// A block that a value of an object refers to.
typedef struct OwnedBlock {
    uint32_t block;
    BlockOwner owner;
} OwnedBlock;

// Those of the objects on PIECE_PAGES pages, in the order of the objects.
typedef struct Piece {
    OwnedBlock *items; // owned
    uint64_t count;
    uint64_t capacity;
} Piece;

#define PIECE_PAGES 1024u

typedef struct OwnerSearch {
    BlockOwners *owners;
    Piece *pieces; // owned
    uint64_t piece_count;
    uint64_t *contested;  // bit per block
    bool found_contested; // in this round
    uint64_t base;        // address of the block that is visited
    uint32_t *queue;      // blocks whose values are to be visited
    uint32_t queued;
} OwnerSearch;

// The bytes of the value at a captured address, which lies in an object or a block.
static const uint8_t *bytes_at(const HeapImage *image, uint64_t address)
{
    uint32_t page = heap_image_find_page(image, address), block;

    if (page != NO_INDEX)
        return heap_image_page_bytes(image, page) + (address - image->pages[page].address);
    block = heap_image_find_block(image, address);
    return image->foreign_bytes + image->blocks[block].offset +
           (address - image->blocks[block].address);
}

static bool read_frame(const BlockOwners *owners, uint32_t block, const BlockOwner *owner,
                       BlockFrame *frame)
{
    const ForeignBlock *record = &owners->image->blocks[block];
    DataValue value = {owner->type, 0, bytes_at(owners->image, owner->value_address)};

    return block_frame_read(owners->values, &value, owner->field, record->address, record->bytes,
                            frame);
}

static bool is_same(const BlockFrame *a, const BlockFrame *b)
{
    return a->type == b->type && a->shape == b->shape && a->is_counted == b->is_counted &&
           a->first == b->first && a->places == b->places && a->length == b->length &&
           a->head == b->head && a->height == b->height;
}

static void claim(OwnerSearch *search, uint32_t block, const BlockOwner *owner)
{
    BlockOwners *owners = search->owners;
    BlockOwner *before = &owners->items[block];
    uint64_t bit = UINT64_C(1) << block % 64;
    BlockFrame frame, known;

    if ((search->contested[block / 64] & bit) != 0 || !read_frame(owners, block, owner, &frame))
        return;
    if (before->type == NO_DATA) {
        *before = *owner;
        if (block_frame_is_visited(owners->values, &frame))
            search->queue[search->queued++] = block;
        return;
    }
    if (read_frame(owners, block, before, &known) && is_same(&known, &frame))
        return;
    search->contested[block / 64] |= bit;
    search->found_contested = true;
}

// The block that the field of a value refers to, or NO_INDEX; `base` is the address of the object
// or block that the value is in.
static uint32_t owned_block(const BlockOwners *owners, uint64_t base, const DataValue *value,
                            uint32_t field, BlockOwner *owner)
{
    const SnapshotField *record = &data_values_type(owners->values, value->type)->fields[field];

    *owner = (BlockOwner){base + value->offset, value->type, field};
    return record->bytes < 8
               ? NO_INDEX
               : heap_image_find_block(owners->image, load_u64(value->bytes + record->offset));
}

// ---- what objects refer to, found once, on several threads ----

typedef struct PieceVisit {
    const BlockOwners *owners;
    Piece *piece;
    uint64_t base;
    bool ok;
    Error *error;
} PieceVisit;

static void note_block(void *context, const DataValue *value, uint32_t field)
{
    PieceVisit *visit = context;
    Piece *piece = visit->piece;
    OwnedBlock found;

    found.block = owned_block(visit->owners, visit->base, value, field, &found.owner);
    if (found.block == NO_INDEX || !visit->ok)
        return;
    visit->ok = array_reserve(&piece->items, &piece->capacity, piece->count + 1,
                              sizeof *piece->items, "the owners of blocks", visit->error);
    if (visit->ok)
        piece->items[piece->count++] = found;
}

static bool visit_objects(void *context, uint32_t worker, uint64_t item, Error *error)
{
    OwnerSearch *search = context;
    const HeapImage *image = search->owners->image;
    const DataValues *values = search->owners->values;
    PieceVisit visit = {search->owners, &search->pieces[item], 0, true, error};
    const DataVisitor visitor = {.block = note_block, .context = &visit};
    uint64_t end = (item + 1) * PIECE_PAGES;
    DataValue value;

    (void)worker;
    for (uint64_t page = item * PIECE_PAGES; page < end && page < image->page_count; page++)
        for (uint32_t slot = 0; visit.ok && slot < image->pages[page].slot_count; slot++) {
            if (!heap_image_is_live(image, (uint32_t)page, slot) ||
                !data_value_of_object(image, values, (uint32_t)page, slot, &value))
                continue;
            visit.base = heap_image_object_address(image, (uint32_t)page, slot);
            data_value_visit(values, &value, image->pages[page].block_size - value.offset,
                             &visitor);
        }
    return visit.ok;
}

static bool find_pieces(OwnerSearch *search, Error *error)
{
    uint64_t count = ((uint64_t)search->owners->image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;

    search->pieces = calloc(count + 1, sizeof *search->pieces);
    if (search->pieces == NULL)
        return error_set_memory(error, count * sizeof *search->pieces, "the owners of blocks");
    search->piece_count = count;
    return parallel_for(count, parallel_for_threads(0, count), visit_objects, search, error);
}

static void free_pieces(OwnerSearch *search)
{
    for (uint64_t i = 0; i < search->piece_count; i++)
        free(search->pieces[i].items);
    free(search->pieces);
}

// ---- rounds ----

static void take_block(void *context, const DataValue *value, uint32_t field)
{
    OwnerSearch *search = context;
    BlockOwner owner;
    uint32_t block = owned_block(search->owners, search->base, value, field, &owner);

    if (block != NO_INDEX)
        claim(search, block, &owner);
}

static void visit_block(OwnerSearch *search, uint32_t block, const DataVisitor *visitor)
{
    const HeapImage *image = search->owners->image;
    const uint8_t *bytes = image->foreign_bytes + image->blocks[block].offset;
    BlockFrame frame;

    if (!block_owners_frame(search->owners, block, &frame))
        return;
    search->base = image->blocks[block].address;
    for (uint64_t i = 0; i < frame.places; i++) {
        uint64_t offset = block_frame_place(&frame, i);
        DataValue value = {frame.type, offset, bytes + offset};

        if (block_frame_is_used(&frame, bytes, i))
            data_value_visit(search->owners->values, &value, frame.bytes, visitor);
    }
}

static void run_round(OwnerSearch *search)
{
    const HeapImage *image = search->owners->image;
    const DataVisitor visitor = {.block = take_block, .context = search};

    for (uint32_t block = 0; block < image->block_count; block++)
        search->owners->items[block] = (BlockOwner){.type = NO_DATA};
    search->queued = 0;
    search->found_contested = false;
    for (uint64_t i = 0; i < search->piece_count; i++)
        for (uint64_t k = 0; k < search->pieces[i].count; k++)
            claim(search, search->pieces[i].items[k].block, &search->pieces[i].items[k].owner);
    // The queue grows behind `i`; a block enters it once.
    for (uint32_t i = 0; i < search->queued; i++)
        visit_block(search, search->queue[i], &visitor);
    for (uint32_t block = 0; block < image->block_count; block++)
        if ((search->contested[block / 64] >> block % 64 & 1) != 0)
            search->owners->items[block].type = NO_DATA;
}

bool block_owners_new(const HeapImage *image, const DataValues *values, BlockOwners **out,
                      Error *error)
{
    uint64_t count = image->block_count;
    BlockOwners *owners = calloc(1, sizeof *owners);
    OwnerSearch search = {.owners = owners};
    bool ok = false;

    *out = NULL;
    search.contested = calloc(count / 64 + 1, sizeof *search.contested);
    search.queue = malloc((count + 1) * sizeof *search.queue);
    if (owners != NULL)
        owners->items = malloc((count + 1) * sizeof *owners->items);
    if (owners == NULL || owners->items == NULL || search.contested == NULL ||
        search.queue == NULL) {
        error_set_memory(error, count * sizeof *owners->items, "the owners of blocks");
        goto done;
    }
    owners->image = image;
    owners->values = values;
    if (!find_pieces(&search, error))
        goto done;
    search.found_contested = true;
    // What a contested block owned may have been wrong, too: the next round does without it.
    for (uint32_t round = 0; search.found_contested && round < MAX_ROUNDS; round++)
        run_round(&search);
    for (uint64_t block = 0; search.found_contested && block < count; block++)
        owners->items[block].type = NO_DATA;
    *out = owners;
    ok = true;

done:
    if (!ok)
        block_owners_free(owners);
    free_pieces(&search);
    free(search.contested);
    free(search.queue);
    return ok;
}

void block_owners_free(BlockOwners *owners)
{
    if (owners == NULL)
        return;
    free(owners->items);
    free(owners);
}

bool block_owners_frame(const BlockOwners *owners, uint32_t block, BlockFrame *frame)
{
    const BlockOwner *owner = &owners->items[block];

    return owner->type != NO_DATA && read_frame(owners, block, owner, frame);
}
