// The FRAM and VARS sections: what roots on stacks and in variables are called.

#include "snapshot/file/section_tables_internal.h"

#include <stdlib.h>

#include "snapshot/file/snapshot_format.h"

#define FRAME_FLAG_INTERRUPTED 0x1u

// ---- variables ----

void section_encode_variables(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->variable_count);
    for (uint32_t i = 0; i < details->variable_count; i++) {
        const SnapshotVariable *variable = &details->variables[i];
        byte_buffer_add_u64(buffer, variable->address);
        byte_buffer_add_u64(buffer, variable->bytes);
        byte_buffer_add_u32(buffer, variable->module);
        byte_buffer_add_u32(buffer, variable->is_thread_local);
        section_add_string(buffer, variable->name);
    }
}

// Ascending: globals, then thread-locals, each by address.
static bool is_behind(const SnapshotVariable *variable, const SnapshotVariable *before)
{
    return variable->is_thread_local != before->is_thread_local
               ? variable->is_thread_local
               : variable->address > before->address;
}

bool section_decode_variables(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_VARIABLES, 28, "variables", &count, error))
        return false;
    details->variables =
        section_allocate_table(count, sizeof *details->variables, "variables", error);
    if (details->variables == NULL)
        return false;
    while (details->variable_count < count) {
        SnapshotVariable *variable = &details->variables[details->variable_count++];
        uint32_t kind;
        variable->address = byte_cursor_u64(cursor);
        variable->bytes = byte_cursor_u64(cursor);
        variable->module = byte_cursor_u32(cursor);
        kind = byte_cursor_u32(cursor);
        variable->is_thread_local = kind == 1;
        if (!section_take_string(cursor, &variable->name, error))
            return false;
        if (kind > 1 || variable->bytes == 0 ||
            (details->variable_count > 1 && !is_behind(variable, variable - 1)))
            return error_set(error, ERROR_CORRUPT, "variable %u is out of order",
                             details->variable_count - 1);
    }
    return section_check_end(cursor, "variables", error);
}

// ---- frames ----

static void encode_frame(ByteBuffer *buffer, const SnapshotFrame *frame)
{
    byte_buffer_add_u64(buffer, frame->program_counter);
    byte_buffer_add_u64(buffer, frame->start);
    byte_buffer_add_u64(buffer, frame->end);
    byte_buffer_add_u64(buffer, frame->function_offset);
    byte_buffer_add_u32(buffer, frame->is_interrupted ? FRAME_FLAG_INTERRUPTED : 0);
    section_add_string(buffer, frame->function);
}

void section_encode_frames(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->stack_count);
    for (uint32_t i = 0; i < details->stack_count; i++) {
        const SnapshotStack *stack = &details->stacks[i];
        byte_buffer_add_u32(buffer, stack->thread);
        byte_buffer_add_u32(buffer, stack->end);
        byte_buffer_add_u32(buffer, stack->frame_count);
        byte_buffer_add_u32(buffer, 0);
        for (uint32_t f = 0; f < stack->frame_count; f++)
            encode_frame(buffer, &stack->frames[f]);
    }
}

static bool take_frame(ByteCursor *cursor, SnapshotFrame *frame, Error *error)
{
    frame->program_counter = byte_cursor_u64(cursor);
    frame->start = byte_cursor_u64(cursor);
    frame->end = byte_cursor_u64(cursor);
    frame->function_offset = byte_cursor_u64(cursor);
    frame->is_interrupted = (byte_cursor_u32(cursor) & FRAME_FLAG_INTERRUPTED) != 0;
    if (!section_take_string(cursor, &frame->function, error))
        return false;
    if (frame->function[0] == '\0') {
        free(frame->function);
        frame->function = NULL;
    }
    return frame->start <= frame->end ||
           error_set(error, ERROR_CORRUPT, "a frame ends before it begins");
}

static bool take_stack(ByteCursor *cursor, SnapshotStack *stack, uint32_t *frames_left,
                       Error *error)
{
    uint32_t end, count;

    stack->thread = byte_cursor_u32(cursor);
    end = byte_cursor_u32(cursor);
    count = byte_cursor_u32(cursor);
    (void)byte_cursor_u32(cursor);
    if (cursor->is_short || count > byte_cursor_left(cursor) / FRAME_BYTES || count > *frames_left)
        return error_set(error, ERROR_CORRUPT, "there is no room for %u frames", count);
    if (end >= STACK_END_COUNT)
        return error_set(error, ERROR_CORRUPT, "a stack ends in a way that is none: %u", end);
    *frames_left -= count;
    stack->end = (uint8_t)end;
    stack->frames = section_allocate_table(count, sizeof *stack->frames, "frames", error);
    if (stack->frames == NULL)
        return false;
    while (stack->frame_count < count)
        if (!take_frame(cursor, &stack->frames[stack->frame_count++], error))
            return false;
    return true;
}

bool section_decode_frames(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t frames_left = MAX_FRAMES, count;

    if (!section_take_count(cursor, MAX_THREADS, STACK_BYTES, "stacks", &count, error))
        return false;
    details->stacks = section_allocate_table(count, sizeof *details->stacks, "stacks", error);
    if (details->stacks == NULL)
        return false;
    while (details->stack_count < count) {
        SnapshotStack *stack = &details->stacks[details->stack_count++];
        if (!take_stack(cursor, stack, &frames_left, error))
            return false;
        if (details->stack_count > 1 && stack[-1].thread >= stack->thread)
            return error_set(error, ERROR_CORRUPT, "stack %u is out of order",
                             details->stack_count - 1);
    }
    return section_check_end(cursor, "frames", error);
}
