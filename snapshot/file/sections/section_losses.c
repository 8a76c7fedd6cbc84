// The LOST section: the parts that the snapshot lacks. A redacted snapshot keeps it, without paths.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotLoss *loss = entry;

    byte_buffer_add_u64(buffer, loss->address);
    byte_buffer_add_u64(buffer, loss->bytes);
    byte_buffer_add_u32(buffer, (uint32_t)loss->kind);
    section_add_string(buffer, loss->why);
}

static bool is_behind(const SnapshotLoss *loss, const SnapshotLoss *before)
{
    return loss->kind != before->kind ? loss->kind > before->kind
                                      : loss->address >= before->address;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotLoss *loss = entry;
    uint32_t kind;

    loss->address = byte_cursor_u64(cursor);
    loss->bytes = byte_cursor_u64(cursor);
    kind = byte_cursor_u32(cursor);
    loss->kind = (LossKind)kind;
    if (!section_take_string(cursor, &loss->why, error))
        return false;
    if (kind >= LOSS_KIND_COUNT || loss->address >= LOSS_ADDRESS_LIMIT ||
        loss->bytes > LOSS_ADDRESS_LIMIT - loss->address ||
        (position->number > 0 && !is_behind(loss, loss - 1)))
        return error_set(error, ERROR_CORRUPT, "loss %u is not possible", position->number);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotLoss *loss = entry;
    SnapshotLoss *copy = out;

    copy->address = loss->address;
    copy->bytes = loss->bytes;
    copy->kind = loss->kind;
    if (!section_copy_text(&copy->why, loss->why, error))
        return false;
    redact_note(details, copy->why);
    return true;
}

const SectionTable section_losses = {
    SECTION_TABLE_OF(losses, loss_count),
    .entry_name = "loss",
    .name = "losses",
    .least_bytes = 24,
    .limit = MAX_LOSSES,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
