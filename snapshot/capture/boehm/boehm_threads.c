// The records of threads: which threads the collector knows, where their stacks end, and the free
// lists that they keep for themselves.
//
// A record holds its thread's pthread_t, which is the thread's control block on Linux. Records lie
// in the module's data (that of the main thread) and in the heap. A place is a record if all that
// the record says of lists, flags and the stack can be.

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

#define LIST_WORDS 25u // of a kind, in a record
enum { RECORD_NEXT = 0, RECORD_ID = 8 };

static uint64_t list_count(const BoehmLayout *layout)
{
    return layout->thread_list_bytes / 8;
}

// A head that is not a number of bytes, nor "none".
static bool is_list(uint64_t head)
{
    return head >= BOEHM_LEAST_HEADER && head != UINT64_MAX;
}

static uint64_t list_bytes(uint64_t index)
{
    uint64_t size = index % LIST_WORDS;

    return BOEHM_GRANULE * (size == 0 ? 1 : size);
}

static bool is_writable(const ProcessCopy *copy, uint64_t end)
{
    const ProcessMapping *mapping = process_copy_find_mapping(copy, end - 1);

    return mapping != NULL && mapping->is_writable;
}

static bool is_record(BoehmSearch *search, uint64_t record)
{
    const BoehmHeap *heap = search->heap;
    const BoehmLayout *layout = heap->layout;
    MemoryReader *reader = &search->reader;
    uint64_t end = memory_word(reader, record + layout->thread_stack_end);
    uint32_t flags = boehm_read_u32(reader, record + layout->thread_flags);

    if (record % 8 != 0 || memory_word(reader, record + RECORD_NEXT) % 8 != 0 ||
        (flags & 0xc0) != 0 || (flags >> 8 & 0xff) > 1 ||
        (end != 0 && !is_writable(search->reader.copy, end)))
        return false;
    for (uint64_t i = 0; i < list_count(layout); i++) {
        uint64_t head = memory_word(reader, record + layout->thread_lists + 8 * i);
        const BoehmBlock *block = is_list(head) ? boehm_heap_block_at(heap, head) : NULL;

        if (is_list(head) && (block == NULL || block->is_large || block->bytes != list_bytes(i) ||
                              (head - block->address) % block->bytes != 0))
            return false;
    }
    return true;
}

static bool add_thread(BoehmSearch *search, uint64_t *capacity, uint64_t record, uint32_t thread,
                       Error *error)
{
    BoehmHeap *heap = search->heap;
    const BoehmLayout *layout = heap->layout;
    uint32_t flags = boehm_read_u32(&search->reader, record + layout->thread_flags);

    for (uint32_t i = 0; i < heap->thread_count; i++)
        if (heap->threads[i].thread == thread)
            return boehm_refuse(error, "thread %u has two records, at 0x%llx and 0x%llx",
                                search->reader.copy->threads[thread].tid,
                                (unsigned long long)heap->threads[i].record,
                                (unsigned long long)record);
    if (!array_reserve(&heap->threads, capacity, heap->thread_count + 1, sizeof *heap->threads,
                       "the threads of the heap", error))
        return false;
    heap->threads[heap->thread_count++] = (BoehmThread){
        .record = record,
        .thread = thread,
        .flags = (uint8_t)flags,
        .is_blocked = (flags >> 8 & 0xff) != 0,
        .stack_pointer = memory_word(&search->reader, record + layout->thread_stack_pointer),
        .stack_end = memory_word(&search->reader, record + layout->thread_stack_end),
    };
    return true;
}

typedef struct ControlBlock {
    uint64_t address;
    uint32_t thread;
} ControlBlock;

static int by_address(const void *left, const void *right)
{
    const ControlBlock *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

typedef struct RecordSearch {
    BoehmSearch *search;
    const ControlBlock *blocks;
    uint32_t count;
    uint64_t capacity;
} RecordSearch;

static bool search_range(RecordSearch *records, uint64_t start, uint64_t end, Error *error)
{
    uint64_t low = records->blocks[0].address;
    uint64_t span = records->blocks[records->count - 1].address - low;
    uint64_t position = round_up(start, 8);
    MemoryReader reader = records->search->reader;
    MemoryPiece piece;

    while (memory_next_piece(&reader, &position, end, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word, found, record = piece.address + offset - RECORD_ID;

            __builtin_memcpy(&word, piece.data + offset, 8);
            if (word - low > span)
                continue;
            found = search_from(records->blocks, records->count, address, word);
            if (found < records->count && records->blocks[found].address == word &&
                is_record(records->search, record) &&
                !add_thread(records->search, &records->capacity, record,
                            records->blocks[found].thread, error))
                return false;
        }
    return true;
}

static bool find_records(BoehmSearch *search, Error *error)
{
    const ProcessCopy *copy = search->reader.copy;
    const BoehmHeap *heap = search->heap;
    ControlBlock *blocks = calloc((size_t)copy->thread_count + 1, sizeof *blocks);
    RecordSearch records = {search, blocks, 0, 0};
    bool is_ok = true;

    if (blocks == NULL)
        return error_set_memory(error, copy->thread_count * sizeof *blocks, "threads");
    for (uint32_t i = 0; i < copy->thread_count; i++)
        if (copy->threads[i].control_block != 0)
            blocks[records.count++] = (ControlBlock){copy->threads[i].control_block, i};
    qsort(blocks, records.count, sizeof *blocks, by_address);
    for (uint32_t i = 0; is_ok && records.count > 0 && i < search->data_count; i++)
        is_ok = search_range(&records, search->data[i].start, search->data[i].end, error);
    for (uint64_t i = 0; is_ok && records.count > 0 && i < heap->block_count; i++)
        if (!heap->blocks[i].is_free)
            is_ok = search_range(&records, heap->blocks[i].address,
                                 heap->blocks[i].address +
                                     round_up(heap->blocks[i].bytes, heap->block_bytes),
                                 error);
    free(blocks);
    return is_ok;
}

// The kind of a thread's list; lists of GCJ objects, the last, are of a kind that the program
// chose.
static uint32_t kind_of(const BoehmLayout *layout, uint64_t index)
{
    uint64_t kind = index / LIST_WORDS;

    (void)layout;
    return kind < 2 ? (uint32_t)kind : BOEHM_ANY_KIND;
}

static bool walk_lists(BoehmSearch *search, const BoehmThread *thread, Error *error)
{
    const BoehmLayout *layout = search->heap->layout;

    for (uint64_t i = 0; i < list_count(layout); i++) {
        uint64_t head = memory_word(&search->reader, thread->record + layout->thread_lists + 8 * i);

        if (is_list(head) &&
            !boehm_walk_list(search, head, kind_of(layout, i), list_bytes(i), BOEHM_THREAD_FREE))
            return boehm_refuse(error, "the free list %llu of thread %u holds something else",
                                (unsigned long long)i,
                                search->reader.copy->threads[thread->thread].tid);
    }
    return true;
}

bool boehm_search_threads(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;

    if (heap->layout->thread_bytes == 0)
        return true;
    if (!find_records(search, error))
        return false;
    // The main thread has one from the start, if it has no other.
    if (heap->thread_count == 0)
        return boehm_refuse(error, "no record of a thread is where %s has them",
                            heap->layout->builds);
    heap->has_threads = true;
    for (uint32_t i = 0; i < heap->thread_count; i++)
        if (!walk_lists(search, &heap->threads[i], error))
            return false;
    return true;
}
