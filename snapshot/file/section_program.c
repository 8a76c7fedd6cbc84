// The XROT, TLAY and LOST sections: what the program told of its roots and types, and what is
// missing. Tables like those in section_tables.c.

#include "snapshot/file/section_codecs.h"

#include <stdlib.h>

#include "snapshot/file/section_tables_internal.h"
#include "snapshot/file/snapshot_format.h"

// ---- writing ----

void section_encode_root_names(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->root_name_count);
    for (uint32_t i = 0; i < details->root_name_count; i++) {
        byte_buffer_add_u64(buffer, details->root_names[i].address);
        byte_buffer_add_u64(buffer, details->root_names[i].value);
        section_add_string(buffer, details->root_names[i].name);
    }
}

void section_encode_type_layouts(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->type_layout_count);
    for (uint32_t i = 0; i < details->type_layout_count; i++) {
        const SnapshotTypeLayout *layout = &details->type_layouts[i];
        byte_buffer_add_u64(buffer, layout->type_word);
        byte_buffer_add_u32(buffer, layout->rest_offset);
        byte_buffer_add_u32(buffer, layout->offset_count);
        for (uint32_t o = 0; o < layout->offset_count; o++)
            byte_buffer_add_u32(buffer, layout->offsets[o]);
    }
}

void section_encode_losses(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->loss_count);
    for (uint32_t i = 0; i < details->loss_count; i++) {
        const SnapshotLoss *loss = &details->losses[i];
        byte_buffer_add_u64(buffer, loss->address);
        byte_buffer_add_u64(buffer, loss->bytes);
        byte_buffer_add_u32(buffer, (uint32_t)loss->kind);
        section_add_string(buffer, loss->why);
    }
}

// ---- reading ----

bool section_decode_root_names(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_ROOT_NAMES, 20, "named roots", &count, error))
        return false;
    details->root_names =
        section_allocate_table(count, sizeof *details->root_names, "named roots", error);
    if (details->root_names == NULL)
        return false;
    while (details->root_name_count < count) {
        SnapshotRootName *root = &details->root_names[details->root_name_count++];
        root->address = byte_cursor_u64(cursor);
        root->value = byte_cursor_u64(cursor);
        if (!section_take_string(cursor, &root->name, error))
            return false;
        if (details->root_name_count > 1 &&
            (root[-1].address > root->address ||
             (root[-1].address == root->address && root[-1].value >= root->value)))
            return error_set(error, ERROR_CORRUPT, "named root %u is out of order",
                             details->root_name_count - 1);
    }
    return section_check_end(cursor, "named roots", error);
}

// Offsets are multiples of 8 and ascend; `rest_offset` is behind all of them.
static bool check_type_layout(const SnapshotTypeLayout *layout)
{
    for (uint32_t i = 0; i < layout->offset_count; i++)
        if (layout->offsets[i] % 8 != 0 || layout->offsets[i] >= layout->rest_offset ||
            (i > 0 && layout->offsets[i - 1] >= layout->offsets[i]))
            return false;
    return layout->rest_offset == UINT32_MAX || layout->rest_offset % 8 == 0;
}

static bool take_type_layout(ByteCursor *cursor, SnapshotTypeLayout *layout, Error *error)
{
    uint32_t count;

    layout->type_word = byte_cursor_u64(cursor);
    layout->rest_offset = byte_cursor_u32(cursor);
    count = byte_cursor_u32(cursor);
    if (cursor->is_short || count > byte_cursor_left(cursor) / sizeof(uint32_t))
        return error_set(error, ERROR_CORRUPT, "there is no room for %u offsets", count);
    layout->offsets =
        section_allocate_table(count, sizeof *layout->offsets, "offsets of references", error);
    if (layout->offsets == NULL)
        return false;
    while (layout->offset_count < count)
        layout->offsets[layout->offset_count++] = byte_cursor_u32(cursor);
    return true;
}

bool section_decode_type_layouts(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_TYPES, 16, "layouts of types", &count, error))
        return false;
    details->type_layouts =
        section_allocate_table(count, sizeof *details->type_layouts, "layouts of types", error);
    if (details->type_layouts == NULL)
        return false;
    while (details->type_layout_count < count) {
        SnapshotTypeLayout *layout = &details->type_layouts[details->type_layout_count++];
        if (!take_type_layout(cursor, layout, error))
            return false;
        if (!check_type_layout(layout) ||
            (details->type_layout_count > 1 && layout[-1].type_word >= layout->type_word))
            return error_set(error, ERROR_CORRUPT, "the layout of type %u is not possible",
                             details->type_layout_count - 1);
    }
    return section_check_end(cursor, "layouts of types", error);
}

bool section_decode_losses(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_LOSSES, 24, "losses", &count, error))
        return false;
    details->losses = section_allocate_table(count, sizeof *details->losses, "losses", error);
    if (details->losses == NULL)
        return false;
    while (details->loss_count < count) {
        SnapshotLoss *loss = &details->losses[details->loss_count++];
        uint32_t kind;
        loss->address = byte_cursor_u64(cursor);
        loss->bytes = byte_cursor_u64(cursor);
        kind = byte_cursor_u32(cursor);
        loss->kind = (LossKind)kind;
        if (!section_take_string(cursor, &loss->why, error))
            return false;
        if (kind >= LOSS_KIND_COUNT || loss->address >= LOSS_ADDRESS_LIMIT ||
            loss->bytes > LOSS_ADDRESS_LIMIT - loss->address ||
            (details->loss_count > 1 &&
             (loss[-1].kind > loss->kind ||
              (loss[-1].kind == loss->kind && loss[-1].address > loss->address))))
            return error_set(error, ERROR_CORRUPT, "loss %u is not possible",
                             details->loss_count - 1);
    }
    // Whatever the metadata say.
    if (count > 0)
        details->metadata.is_complete = false;
    return section_check_end(cursor, "losses", error);
}
