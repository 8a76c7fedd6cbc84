// Words that keep nothing alive, by the program's data types: rule precise/1.
//
// Note [Precise words]
//
// Of an object of known type, and of a block whose owner is known, some words hold no reference
// that keeps anything alive: weak references, parts of variants that a value does not have (the
// pointer that an Option keeps when it becomes None), and the places of containers where no value
// is (behind the length of a Vec, in free buckets of a hash table). They are zeroed when the image
// is made, as those of rule exact/1 are (Note [Exact types]), so all code that follows references
// needs no case of its own. All other words, numbers and padding included, stay as they were
// captured: so precise/1 marks a part of what conservative/1 marks. Objects and blocks of unknown
// type stay, too.
//
// Every decision is made on bytes that the zeroing does not touch: a value is read once, and
// lengths, capacities and control bytes are not references.

#include <string.h>

#include "snapshot/heap/block_owners.h"
#include "snapshot/heap/data_values.h"
#include "snapshot/heap/heap_image.h"

// The bytes of an object or block.
typedef struct Masked {
    HeapImage *image;
    const uint8_t *bytes;
    uint64_t length;
    Error *error;
    bool has_failed; // memory was short
} Masked;

static void clear(void *context, uint64_t offset, uint64_t bytes)
{
    Masked *masked = context;

    if (bytes > 0 && offset <= masked->length && bytes <= masked->length - offset &&
        !masked->has_failed)
        masked->has_failed =
            !heap_image_clear(masked->image, masked->bytes + offset, bytes, masked->error);
}

// Clears the whole words of [from, to). Blocks begin at multiples of 8.
static void clear_words(Masked *masked, uint64_t from, uint64_t to)
{
    from = (from + 7) / 8 * 8;
    to = to / 8 * 8;
    if (from < to)
        clear(masked, from, to - from);
}

static bool mask_page(HeapImage *image, const DataValues *values, uint32_t page, Error *error)
{
    const HeapPage *record = &image->pages[page];
    Masked masked = {.image = image, .length = record->block_size, .error = error};
    const DataVisitor visitor = {.dead = clear, .context = &masked};
    DataValue value;

    for (uint32_t slot = 0; slot < record->slot_count; slot++) {
        if (!heap_image_is_live(image, page, slot))
            continue;
        if (!data_value_of_object(image, values, page, slot, &value)) {
            image->imprecise_objects++;
            continue;
        }
        masked.bytes = heap_image_object_bytes(image, page, slot);
        data_value_visit(values, &value, record->block_size - value.offset, &visitor);
    }
    return !masked.has_failed;
}

static bool mask_block(HeapImage *image, const BlockOwners *owners, uint32_t block, Error *error)
{
    const ForeignBlock *record = &image->blocks[block];
    Masked masked = {image, image->foreign_bytes + record->offset, record->bytes, error, false};
    const DataVisitor visitor = {.dead = clear, .context = &masked};
    BlockFrame frame;
    bool has_parts;

    if (record->address % 8 != 0 || !block_owners_frame(owners, block, &frame) ||
        frame.shape == BLOCK_TREE)
        return true;
    has_parts = block_frame_is_visited(owners->values, &frame);
    for (uint64_t i = 0; i < frame.places; i++) {
        uint64_t offset = block_frame_place(&frame, i);
        DataValue value = {frame.type, offset, masked.bytes + offset};

        if (!block_frame_is_used(&frame, masked.bytes, i))
            clear_words(&masked, offset, offset + frame.bytes);
        else if (has_parts)
            data_value_visit(owners->values, &value, frame.bytes, &visitor);
    }
    // Behind the capacity: what malloc's rounding leaves.
    if (frame.is_counted && (frame.shape == BLOCK_MANY || frame.shape == BLOCK_RING))
        clear_words(&masked, frame.first + frame.places * frame.bytes, masked.length);
    return !masked.has_failed;
}

bool heap_image_make_precise(HeapImage *image, Error *error)
{
    DataValues *values;
    BlockOwners *owners = NULL;
    bool ok;

    image->is_precise = true;
    if (!data_values_new(image->details, &values, error))
        return false;
    ok = values == NULL || block_owners_new(image, values, &owners, error);
    if (ok && values != NULL) {
        // Blocks first: their frames are read in the values that own them.
        for (uint32_t block = 0; ok && block < image->block_count; block++)
            ok = mask_block(image, owners, block, error);
        for (uint32_t page = 0; ok && page < image->page_count; page++)
            ok = mask_page(image, values, page, error);
    }
    block_owners_free(owners);
    data_values_free(values);
    return ok && heap_image_check(image, error);
}
