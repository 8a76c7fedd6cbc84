// The THRD section: the threads of the process. A thread gets its name at run time, so a redacted
// snapshot holds no names.

#include <string.h>

#include "base/clean_text.h"
#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define THREAD_BYTES 96u

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotThread *thread = entry;
    char name[sizeof thread->name] = "";

    // Without the bytes behind the name's end.
    memcpy(name, thread->name, strnlen(thread->name, sizeof name - 1));
    text_clean(name, strlen(name), TEXT_ONE_LINE);
    byte_buffer_add_u32(buffer, thread->tid);
    byte_buffer_add_u32(buffer, 0);
    byte_buffer_add(buffer, name, sizeof name);
    byte_buffer_add_u64(buffer, thread->stack_pointer);
    byte_buffer_add_u64(buffer, thread->program_counter);
    byte_buffer_add_u64(buffer, thread->control_block);
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotThread *thread = entry;
    const uint8_t *name;

    thread->tid = byte_cursor_u32(cursor);
    (void)byte_cursor_u32(cursor);
    name = byte_cursor_take(cursor, sizeof thread->name);
    thread->stack_pointer = byte_cursor_u64(cursor);
    thread->program_counter = byte_cursor_u64(cursor);
    thread->control_block = byte_cursor_u64(cursor);
    if (name == NULL || memchr(name, '\0', sizeof thread->name) == NULL ||
        !text_is_clean((const char *)name, strlen((const char *)name), TEXT_ONE_LINE))
        return error_set(error, ERROR_CORRUPT, "the name of thread %u is not clean UTF-8",
                         position->number);
    memcpy(thread->name, name, sizeof thread->name);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotThread *thread = entry;
    SnapshotThread *copy = out;

    (void)details;
    (void)error;
    copy->tid = thread->tid;
    copy->stack_pointer = thread->stack_pointer;
    copy->program_counter = thread->program_counter;
    copy->control_block = thread->control_block;
    return true;
}

const SectionTable section_threads = {
    SECTION_TABLE_OF(threads, thread_count),
    .entry_name = "thread",
    .name = "threads",
    .least_bytes = THREAD_BYTES,
    .limit = MAX_THREADS,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
