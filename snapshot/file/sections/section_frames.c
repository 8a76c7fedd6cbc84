// The FRAM section: the frames of stacks, from which roots on stacks get their names.

#include <stdlib.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define STACK_BYTES 16u // u32 thread, u32 end, u32 frames, u32 0; then frames
#define FRAME_BYTES 40u // 4 x u64, u32 flags, string
#define FRAME_FLAG_INTERRUPTED 0x1u

static uint32_t frame_count(const void *entry)
{
    return ((const SnapshotStack *)entry)->frame_count;
}

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotStack *stack = entry;

    byte_buffer_add_u32(buffer, stack->thread);
    byte_buffer_add_u32(buffer, stack->end);
    byte_buffer_add_u32(buffer, stack->frame_count);
    byte_buffer_add_u32(buffer, 0);
    for (uint32_t i = 0; i < stack->frame_count; i++) {
        const SnapshotFrame *frame = &stack->frames[i];
        byte_buffer_add_u64(buffer, frame->program_counter);
        byte_buffer_add_u64(buffer, frame->start);
        byte_buffer_add_u64(buffer, frame->end);
        byte_buffer_add_u64(buffer, frame->function_offset);
        byte_buffer_add_u32(buffer, frame->is_interrupted ? FRAME_FLAG_INTERRUPTED : 0);
        section_add_string(buffer, frame->function);
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
    if (frame->function != NULL && frame->function[0] == '\0') {
        free(frame->function);
        frame->function = NULL;
    }
    return frame->start <= frame->end ||
           error_set(error, ERROR_CORRUPT, "a frame ends before it begins");
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotStack *stack = entry;
    uint32_t end, count;

    stack->thread = byte_cursor_u32(cursor);
    end = byte_cursor_u32(cursor);
    count = byte_cursor_u32(cursor);
    (void)byte_cursor_u32(cursor);
    if (cursor->is_short || count > byte_cursor_left(cursor) / FRAME_BYTES ||
        count > position->parts_left)
        return error_set(error, ERROR_CORRUPT, "there is no room for %u frames", count);
    if (end >= STACK_END_COUNT)
        return error_set(error, ERROR_CORRUPT, "the end of stack %u is of unknown kind %u",
                         position->number, end);
    position->parts_left -= count;
    stack->end = (uint8_t)end;
    if (byte_cursor_is_passing(cursor)) {
        SnapshotFrame frame;

        // Places in the source are checked against the number of frames.
        for (; stack->frame_count < count; stack->frame_count++)
            if (!take_frame(cursor, &frame, error))
                return false;
    } else {
        stack->frames = section_allocate(count, sizeof *stack->frames, "frames", error);
        if (stack->frames == NULL)
            return false;
        while (stack->frame_count < count)
            if (!take_frame(cursor, &stack->frames[stack->frame_count++], error))
                return false;
    }
    return position->number == 0 || stack[-1].thread < stack->thread ||
           section_set_disorder(position, error);
}

static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotStack *stack = entry;

    if (stack->thread >= details->thread_count)
        return error_set(error, ERROR_CORRUPT, "stack %u is of thread %u of %u", position->number,
                         stack->thread, details->thread_count);
    return true;
}

static bool redact_frame(const SnapshotFrame *frame, SnapshotFrame *copy, Error *error)
{
    copy->program_counter = frame->program_counter;
    copy->is_interrupted = frame->is_interrupted;
    copy->start = frame->start;
    copy->end = frame->end;
    copy->function_offset = frame->function_offset;
    return frame->function == NULL ||
           section_copy_text(&copy->function, redacted_symbol(frame->function), error);
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotStack *stack = entry;
    SnapshotStack *copy = out;

    (void)details;
    copy->thread = stack->thread;
    copy->end = stack->end;
    copy->frames = section_allocate(stack->frame_count, sizeof *copy->frames, "frames", error);
    if (copy->frames == NULL)
        return false;
    for (; copy->frame_count < stack->frame_count; copy->frame_count++)
        if (!redact_frame(&stack->frames[copy->frame_count], &copy->frames[copy->frame_count],
                          error))
            return false;
    return true;
}

const SectionTable section_frames = {
    SECTION_TABLE_OF(stacks, stack_count),
    .entry_name = "stack",
    .name = "stacks",
    .parts_name = "frames of stacks",
    .least_bytes = STACK_BYTES,
    .limit = MAX_THREADS,
    .parts_limit = MAX_FRAMES,
    .parts = frame_count,
    .encode = encode,
    .decode = decode,
    .check = check,
    .redact = redact,
    .keeps_passing = true,
};
