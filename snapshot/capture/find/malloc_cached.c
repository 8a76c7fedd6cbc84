// Chunks that are free although the next chunk's flag says that they are in use: those in thread
// caches and fast bins. Both are singly linked lists through the user's first word, which
// newer versions of glibc store mangled with its own address ("safe linking").
//
// A list counts only when every link of it leads to the start of a chunk of exactly the right
// size. Otherwise its chunks count as in use.

#include <stddef.h>

#include "snapshot/capture/find/malloc_chunks_internal.h"

#define CACHE_BINS 64u
// Thread caches hold at most this many chunks a bin (the counter is 16 bits wide).
#define MAX_CACHED 65535u

typedef struct FreeList {
    MemoryReader *reader;
    MallocChunks *chunks;
    uint64_t chunk_size;  // of all chunks in the list
    uint32_t link_offset; // what links point to, from the start of the chunk
    bool is_mangled;
    uint64_t *budget; // links that may still be followed, in all lists together
} FreeList;

// The chunk that `link` leads to, or UINT64_MAX.
static uint64_t follow(const FreeList *list, uint64_t link)
{
    uint64_t i = malloc_chunks_find(list->chunks, link - list->link_offset);

    if (i == UINT64_MAX || chunk_bytes(&list->chunks->items[i]) != list->chunk_size ||
        (list->chunks->items[i].size & CHUNK_MMAPPED) != 0)
        return UINT64_MAX;
    return i;
}

static uint64_t next_link(const FreeList *list, uint64_t link)
{
    uint64_t place = link - list->link_offset + CHUNK_HEADER_BYTES;
    uint64_t word = memory_word(list->reader, place);

    return list->is_mangled ? word ^ place >> 12 : word;
}

// Counts the chunks of a list; UINT64_MAX when it is not a list of free chunks.
static uint64_t list_length(const FreeList *list, uint64_t link, uint64_t limit)
{
    uint64_t length = 0;

    for (; link != 0; link = next_link(list, link)) {
        if (length++ == limit || *list->budget == 0 || follow(list, link) == UINT64_MAX)
            return UINT64_MAX;
        (*list->budget)--;
    }
    return length;
}

static void flag_list(const FreeList *list, uint64_t link, uint64_t length)
{
    for (; length > 0; length--, link = next_link(list, link))
        list->chunks->items[follow(list, link)].size |= CHUNK_FREE;
}

// ---- fast bins ----

static void flag_fast_bins(MemoryReader *reader, MallocChunks *chunks, const MallocState *state,
                           uint64_t *budget)
{
    for (uint32_t bin = 0; bin < MALLOC_FAST_BINS; bin++) {
        uint64_t first = memory_word(reader, state->fast_bins + 8 * bin);
        FreeList list = {reader, chunks, CHUNK_MIN_BYTES + 16 * bin, 0, true, budget};
        uint64_t length = list_length(&list, first, chunks->count);
        if (length == UINT64_MAX) {
            list.is_mangled = false;
            length = list_length(&list, first, chunks->count);
        }
        if (length != UINT64_MAX)
            flag_list(&list, first, length);
    }
}

// ---- thread caches ----
//
// struct tcache_perthread_struct is itself a malloc'd chunk: 64 counters of one byte (before
// glibc 2.30) or two, then 64 list heads. It is recognised by its contents: 64 counters that agree
// with the lengths of 64 lists of free chunks.

typedef struct CacheShape {
    uint32_t chunk_size;
    uint32_t counter_bytes;
} CacheShape;

static const CacheShape cache_shapes[] = {{0x290, 2}, {0x250, 1}};

static uint64_t cache_count(MemoryReader *reader, uint64_t user, const CacheShape *shape,
                            uint32_t bin)
{
    uint64_t offset = (uint64_t)bin * shape->counter_bytes;
    uint64_t word = memory_word(reader, user + round_down(offset, 8));

    return word >> 8 * (offset % 8) & (shape->counter_bytes == 1 ? 0xff : 0xffff);
}

// Do all counters agree with their lists? One may be off by one: a thread may have been stopped
// while it changed the list.
static bool is_cache(MemoryReader *reader, MallocChunks *chunks, uint64_t user,
                     const CacheShape *shape, bool is_mangled, uint64_t *budget)
{
    uint64_t entries = user + (uint64_t)CACHE_BINS * shape->counter_bytes;
    uint64_t total = 0;
    uint32_t off_by_one = 0;

    // The cheap check first: empty lists have a counter of 0.
    for (uint32_t bin = 0; bin < CACHE_BINS; bin++) {
        bool is_counted = cache_count(reader, user, shape, bin) != 0;
        bool is_linked = memory_word(reader, entries + 8 * bin) != 0;
        if (is_counted != is_linked && ++off_by_one > 1)
            return false;
        total += is_counted;
    }
    if (total == 0)
        return false;
    off_by_one = 0;
    for (uint32_t bin = 0; bin < CACHE_BINS; bin++) {
        FreeList list = {reader,     chunks, CHUNK_MIN_BYTES + 16 * bin, CHUNK_HEADER_BYTES,
                         is_mangled, budget};
        uint64_t count = cache_count(reader, user, shape, bin);
        uint64_t length =
            list_length(&list, memory_word(reader, entries + 8 * bin), MAX_CACHED + 1);
        if (length == UINT64_MAX)
            return false;
        if (length != count && (++off_by_one > 1 || (length + 1 != count && length != count + 1)))
            return false;
    }
    return true;
}

static void flag_cache(MemoryReader *reader, MallocChunks *chunks, uint64_t user,
                       const CacheShape *shape, bool is_mangled, uint64_t *budget)
{
    uint64_t entries = user + (uint64_t)CACHE_BINS * shape->counter_bytes;

    for (uint32_t bin = 0; bin < CACHE_BINS; bin++) {
        FreeList list = {reader,     chunks, CHUNK_MIN_BYTES + 16 * bin, CHUNK_HEADER_BYTES,
                         is_mangled, budget};
        uint64_t first = memory_word(reader, entries + 8 * bin);
        uint64_t length = list_length(&list, first, MAX_CACHED + 1);
        if (length != UINT64_MAX)
            flag_list(&list, first, length);
    }
}

static void flag_if_cache(MemoryReader *reader, MallocChunks *chunks, uint64_t index,
                          const CacheShape *shape, uint64_t *budget)
{
    uint64_t user = chunk_user_address(&chunks->items[index]);

    for (int is_mangled = 1; is_mangled >= 0; is_mangled--)
        if (is_cache(reader, chunks, user, shape, is_mangled != 0, budget)) {
            flag_cache(reader, chunks, user, shape, is_mangled != 0, budget);
            return;
        }
}

void malloc_flag_cached(MemoryReader *reader, MallocChunks *chunks, const MallocState *states,
                        uint64_t state_count)
{
    // Real lists have each chunk once, and are followed three times.
    uint64_t budget = 8 * chunks->count + 1000000;
    // Lists jump about; with a reader of their own they do not disturb the scan's.
    MemoryReader scan = *reader;

    for (uint64_t s = 0; s < state_count; s++)
        flag_fast_bins(&scan, chunks, &states[s], &budget);
    for (uint64_t i = 0; i < chunks->count; i++) {
        if ((chunks->items[i].size & CHUNK_FLAGS) != 0)
            continue;
        for (size_t shape = 0; shape < sizeof cache_shapes / sizeof cache_shapes[0]; shape++)
            if (chunk_bytes(&chunks->items[i]) == cache_shapes[shape].chunk_size)
                flag_if_cache(reader, chunks, i, &cache_shapes[shape], &budget);
    }
}
