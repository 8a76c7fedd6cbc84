// The collector's flags: was the heap being collected when it was captured? rudo-gc's own flags say
// so; they are found by their symbols. IN_COLLECT belongs to a thread, and is set while that thread
// collects. The other two belong to the process: one is set while threads are asked to stand still
// for a collection, the other while several heaps are marked. Unknown if symbols were stripped.
//
// A flag is one byte. Memory that was never touched is not in the copy, and reads as zero.

#include <string.h>

#include "snapshot/capture/names/module_search_internal.h"

static const struct {
    const char *name; // with its length, as both kinds of mangling have it
    bool is_thread_local;
} flags[COLLECTOR_FLAG_COUNT] = {
    [FLAG_THREAD_COLLECTS] = {"10IN_COLLECT", true},
    [FLAG_COLLECTION_WANTED] = {"12GC_REQUESTED", false},
    [FLAG_MARKING] = {"19GC_MARK_IN_PROGRESS", false},
};

// ---- in the child ----

void module_search_note_flag(ModuleSearch *search, const ElfSymbol *symbol)
{
    bool is_tls = symbol->kind == ELF_SYMBOL_TLS;

    // Only where the place of the executable's thread-local block is known.
    if (is_tls && search->tls_bytes == 0)
        return;
    if (symbol->bytes != 1 || strstr(symbol->name, "7rudo_gc") == NULL)
        return;
    for (uint32_t i = 0; i < COLLECTOR_FLAG_COUNT; i++)
        if (flags[i].is_thread_local == is_tls && strstr(symbol->name, flags[i].name) != NULL)
            search->flags[i] = symbol->address + (is_tls ? -search->tls_bytes : search->base);
}

void module_search_write_flags(const ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child)
{
    for (uint32_t i = 0; i < COLLECTOR_FLAG_COUNT; i++) {
        if (search->flags[i] == 0)
            continue;
        name_record_begin(buffer, FLAG_OF_COLLECTOR);
        byte_buffer_add_u32(buffer, i);
        byte_buffer_add_u64(buffer, search->flags[i]);
        (void)name_record_end(buffer, child);
    }
}

// ---- in the parent ----

static bool is_set_at(const ProcessCopy *copy, uint64_t address)
{
    const uint8_t *byte = process_copy_bytes(copy, address, 1);

    return byte != NULL && *byte != 0;
}

void collector_flags_take(NameReader *reader, ByteCursor *cursor)
{
    const ProcessCopy *copy = reader->request->copy;
    uint32_t flag = byte_cursor_u32(cursor);
    uint64_t address = byte_cursor_u64(cursor);
    bool is_set = false;

    if (cursor->is_short || flag >= COLLECTOR_FLAG_COUNT)
        return;
    if (flags[flag].is_thread_local)
        for (uint32_t i = 0; i < copy->thread_count; i++)
            is_set = is_set || is_set_at(copy, copy->threads[i].control_block + address);
    else
        is_set = is_set_at(copy, address);
    if (is_set)
        reader->collection = COLLECTION_RUNNING;
    // The others alone do not show every collection.
    else if (flag == FLAG_THREAD_COLLECTS && reader->collection == COLLECTION_UNKNOWN)
        reader->collection = COLLECTION_NONE;
}
