// BlockFrame: where the values lie in a block: see snapshot/heap/data_values.h.

#include <string.h>

#include "snapshot/heap/data_values.h"

// A word of the value, or 0 where it has none there.
static uint64_t word_of(const DataValue *value, uint32_t at)
{
    uint64_t word = 0;

    if (at != NO_DATA)
        memcpy(&word, value->bytes + at, sizeof word);
    return word;
}

static bool has(uint32_t at)
{
    return at != NO_DATA;
}

// Vec, String, slices, rings: places from `first` on.
static bool read_row(const DataValues *values, const DataValue *value, const SnapshotField *field,
                     uint64_t left, BlockFrame *frame)
{
    uint64_t fitting = left / frame->bytes;

    frame->is_counted = values->knows_data && has(field->length_at);
    frame->places = fitting;
    frame->length = fitting;
    if (!frame->is_counted)
        return true;
    frame->length = word_of(value, field->length_at);
    if (has(field->capacity_at))
        frame->places = word_of(value, field->capacity_at);
    else if (frame->shape == BLOCK_MANY)
        frame->places = frame->length;
    frame->head = word_of(value, field->head_at);
    if (frame->length > frame->places || frame->places > fitting)
        return false;
    if (frame->shape != BLOCK_RING)
        return true;
    return has(field->capacity_at) && (frame->head < frame->places || frame->places == 0);
}

// `first` is where the control bytes are.
static bool read_hash(const DataValues *values, const DataValue *value, const SnapshotField *field,
                      uint64_t block_bytes, BlockFrame *frame)
{
    uint64_t mask = word_of(value, field->capacity_at);

    frame->is_counted = true;
    frame->places = mask + 1;
    // Without data there is no mask.
    return values->knows_data && has(field->capacity_at) && mask < block_bytes &&
           (mask & (mask + 1)) == 0 && frame->first / frame->bytes >= frame->places &&
           frame->places <= block_bytes - frame->first;
}

bool block_frame_read(const DataValues *values, const DataValue *value, uint32_t field_index,
                      uint64_t block_address, uint64_t block_bytes, BlockFrame *frame)
{
    const SnapshotDataType *type = data_values_type(values, value->type);
    const SnapshotField *field = &type->fields[field_index];
    uint64_t pointer, offset;

    *frame = (BlockFrame){.type = NO_DATA, .shape = field->shape};
    if (field->bytes < sizeof pointer)
        return false;
    pointer = word_of(value, field->offset);
    offset = pointer - block_address;
    if (offset >= block_bytes || field->target == NO_DATA || !values->plans[field->target].is_known)
        return false;
    frame->bytes = data_values_type(values, field->target)->bytes;
    if (frame->bytes == 0 || field->first_at > block_bytes - offset)
        return false;
    frame->first = offset + field->first_at;
    frame->type = field->target;
    switch ((BlockShape)field->shape) {
    case BLOCK_MANY:
    case BLOCK_RING:
        return read_row(values, value, field, block_bytes - frame->first, frame);
    case BLOCK_HASH:
        return read_hash(values, value, field, block_bytes, frame);
    case BLOCK_TREE:
        frame->height = values->knows_data ? word_of(value, field->head_at) : 0;
        break;
    case BLOCK_ONE:
    case BLOCK_SHAPE_COUNT:
        break;
    }
    frame->is_counted = true;
    frame->places = frame->length = 1;
    return frame->bytes <= block_bytes - frame->first;
}

uint64_t block_frame_place(const BlockFrame *frame, uint64_t index)
{
    if (frame->shape == BLOCK_HASH)
        return frame->first - (index + 1) * frame->bytes;
    return frame->first + index * frame->bytes;
}

bool block_frame_is_used(const BlockFrame *frame, const uint8_t *bytes, uint64_t index)
{
    if (!frame->is_counted)
        return true;
    switch ((BlockShape)frame->shape) {
    case BLOCK_HASH:
        return (bytes[frame->first + index] & 0x80) == 0;
    case BLOCK_RING:
        // How far behind the head, around the end.
        return (index >= frame->head ? index - frame->head : index + frame->places - frame->head) <
               frame->length;
    default:
        return index < frame->length;
    }
}

uint64_t block_frame_index(const BlockFrame *frame, uint64_t offset)
{
    uint64_t index;

    if (frame->type == NO_DATA)
        return UINT64_MAX;
    if (frame->shape == BLOCK_HASH) {
        if (offset >= frame->first)
            return UINT64_MAX;
        index = (frame->first - 1 - offset) / frame->bytes;
    } else {
        if (offset < frame->first)
            return UINT64_MAX;
        index = (offset - frame->first) / frame->bytes;
    }
    return index < frame->places ? index : UINT64_MAX;
}
