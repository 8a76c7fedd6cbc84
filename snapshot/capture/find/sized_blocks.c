// Blocks without content: malloc chunks that objects and foreign blocks refer to, but that do not
// lead to the heap: the bytes of strings and buffers, and tables of them. No mark depends on them,
// so only their places and sizes are recorded, and which of them refers to which.
//
// Note [Who keeps a string]
//
// Such a chunk belongs to the objects and foreign blocks that refer to it, directly or through
// other such chunks. A chunk that something else keeps as well belongs to no object, and is
// recorded as shared:
//
// - A global or thread-local variable points into it. Variables are initialised when they hold a
//   pointer, and hold the pointers that the program means.
// - Another chunk points into it that neither an object nor a foreign block leads to, and the chunk
//   begins like one of Rust's Arc or Rc with two owners or more: two counts, of which the first is
//   at least 2. Without these counts one owner frees it, so a second pointer is a borrow, or is
//   left over from a move: messages leave their bytes in a channel's buffer, elements in a table's
//   buckets.
//
// Words on stacks and in registers do not count: most are borrows or left over, and one of them
// would take a string away from its owner.

#include <stdlib.h>

#include "base/parallel_for.h"
#include "base/search.h"
#include "snapshot/capture/find/sized_blocks_internal.h"

#define PART_PAGES 256u
#define MOST_OWNERS (UINT64_C(1) << 31)
// Objects that were made one after the other have strings that were.
#define NEAR_CHUNKS 8u

// ---- objects that point into chunks ----

bool object_scan_init(ObjectScan *scan, HeapSearch *search, Error *error)
{
    const MallocChunks *chunks = &search->chunks;

    *scan = (ObjectScan){.search = search};
    if (search->chunk_notes == NULL || chunks->count == 0)
        return true;
    scan->low = chunks->items[0].address;
    scan->span = chunk_user_address(&chunks->items[chunks->count - 1]) +
                 chunk_user_bytes(&chunks->items[chunks->count - 1]) - scan->low;
    scan->notes[scan->thread_count++] = search->chunk_notes;
    while (scan->thread_count < parallel_for_threads(0, OBJECT_SCAN_THREADS) &&
           scan->thread_count < OBJECT_SCAN_THREADS) {
        uint8_t *notes = calloc(chunks->count, 1);

        if (notes == NULL)
            return error_set_memory(error, chunks->count, "the list of malloc chunks");
        scan->notes[scan->thread_count++] = notes;
    }
    return true;
}

void object_scan_end(ObjectScan *scan)
{
    for (uint32_t thread = 1; thread < scan->thread_count; thread++) {
        for (uint64_t i = 0; i < scan->search->chunks.count; i++)
            scan->notes[0][i] |= scan->notes[thread][i];
        free(scan->notes[thread]);
    }
    scan->thread_count = 0;
}

// The chunk that holds a word; one at or a little behind `*last` is found at once.
static uint32_t find_chunk(const HeapSearch *search, uint32_t *last, uint64_t word)
{
    const MallocChunks *chunks = &search->chunks;
    uint32_t found;

    if (*last + NEAR_CHUNKS < chunks->count && word >= chunk_user_address(&chunks->items[*last]) &&
        word < chunk_user_address(&chunks->items[*last + NEAR_CHUNKS]))
        found = address_index_chunk_from(&search->index, *last, word);
    else
        found = address_index_find(&search->index, word);
    if (found < ADDRESS_IN_PAGE)
        *last = found;
    return found;
}

static void scan_object(ObjectScan *scan, uint32_t worker, const uint8_t *bytes,
                        uint64_t word_count)
{
    for (uint64_t i = 0; i < word_count; i++) {
        uint64_t word = load_u64(bytes + 8 * i);
        uint32_t found;

        if (word - scan->low >= scan->span)
            continue;
        found = find_chunk(scan->search, &scan->last[worker], word);
        if (found < ADDRESS_IN_PAGE)
            scan->notes[worker][found] |= CHUNK_OF_OBJECT;
    }
}

// Scans those of 64 slots from `first` on whose bits are set in `live`.
static void scan_slots(ObjectScan *scan, uint32_t worker, const ReferencePage *page, uint32_t first,
                       uint64_t live)
{
    const HeapLayout *layout = &scan->search->layout;
    uint32_t header =
        heap_layout_has_object_header(layout, page->block_size) ? layout->object_header_bytes : 0;

    for (; live != 0; live &= live - 1) {
        uint64_t slot = first + (uint32_t)__builtin_ctzll(live);
        const uint8_t *object = page->bytes + page->header_size + slot * page->block_size;

        scan_object(scan, worker, object + header, (page->block_size - header) / 8);
    }
}

void object_scan_visit(void *context, uint32_t worker, const ReferencePage *page)
{
    ObjectScan *scan = context;

    if (scan->thread_count == 0)
        return;
    for (uint32_t first = 0; first < page->slot_count; first += 64)
        scan_slots(scan, worker, page, first, page->live[first / 64]);
}

static bool scan_part(void *context, uint32_t worker, uint64_t part, Error *error)
{
    ObjectScan *scan = context;
    const HeapSearch *search = scan->search;
    const PageRecords *records = &search->records;
    uint64_t first = part * PART_PAGES;
    const SnapshotPages *run =
        search->runs +
        search_above(search->runs, search->run_count, address, records->items[first].address) - 1;

    (void)error;
    for (uint64_t i = first; i < first + PART_PAGES && i < records->count; i++) {
        const PageRecord *record = &records->items[i];
        const PageBits *bits = page_record_bits(records, record);
        ReferencePage page;

        while (record->address - run->address >= run->page_count * search->layout.page_size)
            run++;
        page = (ReferencePage){.bytes = run->bytes + (record->address - run->address),
                               .block_size = record->block_size,
                               .header_size = record->header_size};
        for (uint32_t slot = 0; slot < record->slot_count; slot += 64)
            scan_slots(scan, worker, &page, slot,
                       bits[slot / 64].allocated & ~bits[slot / 64].dead);
    }
    return true;
}

// Unless that was done while the layout was proven.
static bool scan_objects(HeapSearch *search, Error *error)
{
    uint64_t parts = (search->records.count + PART_PAGES - 1) / PART_PAGES;
    ObjectScan scan;
    bool ok;

    if (search->objects_were_scanned)
        return true;
    ok = object_scan_init(&scan, search, error) &&
         parallel_for(parts, scan.thread_count, scan_part, &scan, error);
    object_scan_end(&scan);
    return ok;
}

// ---- which chunks are recorded, and which are shared ----

typedef struct SizedSearch {
    HeapSearch *search;
    uint8_t *notes;     // the search's
    uint64_t *first;    // by chunk, and one more: its first edge; owned
    uint32_t *worklist; // each chunk enters it once for each note; owned
    uint32_t *numbers;  // by chunk: index among the blocks without content; the worklist, at last
} SizedSearch;

static bool is_foreign_block(const SizedSearch *sized, uint32_t chunk)
{
    return (sized->search->chunks.items[chunk].size & CHUNK_MATTERS) != 0;
}

// Does the chunk become a block without content?
static bool is_sized(const SizedSearch *sized, uint32_t chunk)
{
    return (sized->notes[chunk] & CHUNK_REACHED) != 0 && !is_foreign_block(sized, chunk);
}

static bool sized_search_init(SizedSearch *sized, HeapSearch *search, Error *error)
{
    uint64_t count = search->chunks.count, edge = 0;

    *sized = (SizedSearch){
        .search = search,
        .notes = search->chunk_notes,
        .first = malloc((count + 1) * sizeof *sized->first),
        .worklist = malloc((count + 1) * sizeof *sized->worklist),
    };
    if (sized->first == NULL || sized->worklist == NULL)
        return error_set_memory(error, count * 12, "blocks without content");
    for (uint64_t chunk = 0; chunk <= count; chunk++) {
        while (edge < search->chunk_edge_count && search->chunk_edges[edge].from < chunk)
            edge++;
        sized->first[chunk] = edge;
    }
    return true;
}

static void sized_search_release(SizedSearch *sized)
{
    free(sized->first);
    free(sized->worklist);
}

// A chunk enters the worklist if it leads anywhere; most hold text.
static uint32_t add_waiting(SizedSearch *sized, uint32_t waiting, uint32_t chunk)
{
    if (sized->first[chunk] < sized->first[chunk + 1])
        sized->worklist[waiting++] = chunk;
    return waiting;
}

// Gives `note` to all chunks that those in the worklist, which have it, lead to.
static void spread(SizedSearch *sized, uint32_t waiting, uint8_t note)
{
    while (waiting > 0) {
        uint32_t chunk = sized->worklist[--waiting];

        for (uint64_t i = sized->first[chunk]; i < sized->first[chunk + 1]; i++) {
            uint32_t to = sized->search->chunk_edges[i].to;

            if ((sized->notes[to] & note) != 0)
                continue;
            sized->notes[to] |= note;
            waiting = add_waiting(sized, waiting, to);
        }
    }
}

static void find_reached(SizedSearch *sized)
{
    const HeapSearch *search = sized->search;
    uint32_t waiting = 0;

    for (uint32_t chunk = 0; chunk < search->chunks.count; chunk++)
        if ((sized->notes[chunk] & CHUNK_OF_OBJECT) != 0)
            waiting = add_waiting(sized, waiting, chunk);
    spread(sized, waiting, CHUNK_OF_OBJECT);
    waiting = 0;
    for (uint32_t chunk = 0; chunk < search->chunks.count; chunk++)
        if ((sized->notes[chunk] & CHUNK_OF_OBJECT) != 0 || is_foreign_block(sized, chunk)) {
            sized->notes[chunk] |= CHUNK_REACHED;
            waiting = add_waiting(sized, waiting, chunk);
        }
    spread(sized, waiting, CHUNK_REACHED);
}

// See Note [Who keeps a string].
static bool has_several_owners(MemoryReader *reader, const MallocChunk *chunk)
{
    uint64_t owners = memory_word(reader, chunk_user_address(chunk));
    uint64_t weak = memory_word(reader, chunk_user_address(chunk) + 8);

    return owners >= 2 && owners < MOST_OWNERS && weak >= 1 && weak < MOST_OWNERS;
}

static void find_held(SizedSearch *sized)
{
    const HeapSearch *search = sized->search;
    MemoryReader reader = memory_reader(search->copy);
    uint32_t waiting = 0;

    for (uint64_t i = 0; i < search->chunk_edge_count; i++) {
        const ChunkEdge *edge = &search->chunk_edges[i];

        if ((sized->notes[edge->from] & CHUNK_REACHED) == 0 && is_sized(sized, edge->to) &&
            has_several_owners(&reader, &search->chunks.items[edge->to]))
            sized->notes[edge->to] |= CHUNK_HELD;
    }
    for (uint32_t chunk = 0; chunk < search->chunks.count; chunk++)
        if ((sized->notes[chunk] & CHUNK_HELD) != 0 && is_sized(sized, chunk))
            waiting = add_waiting(sized, waiting, chunk);
    spread(sized, waiting, CHUNK_HELD);
}

// ---- the tables ----

static bool make_blocks(SizedSearch *sized, Error *error)
{
    SnapshotDetails *details = sized->search->details;
    const MallocChunks *chunks = &sized->search->chunks;
    uint64_t count = 0;

    for (uint64_t i = 0; i < chunks->count; i++)
        count += is_sized(sized, (uint32_t)i);
    sized->numbers = sized->worklist;
    // Too many are not recorded at all: a part of them would be a wrong figure.
    if (count > SIZED_BLOCKS_MAX) {
        details->metadata.sized_blocks_recorded = false;
        return true;
    }
    details->sized_blocks = malloc((count + 1) * sizeof *details->sized_blocks);
    if (details->sized_blocks == NULL)
        return error_set_memory(error, count * sizeof *details->sized_blocks,
                                "blocks without content");
    for (uint64_t i = 0; i < chunks->count; i++) {
        bool is_shared = (sized->notes[i] & CHUNK_HELD) != 0;

        if (!is_sized(sized, (uint32_t)i))
            continue;
        sized->numbers[i] = details->sized_block_count;
        details->sized_blocks[details->sized_block_count++] = (SizedBlock){
            chunk_user_address(&chunks->items[i]),
            round_down(chunk_user_bytes(&chunks->items[i]), SIZED_BLOCK_GRANULE) |
                (is_shared ? SIZED_BLOCK_SHARED : 0),
        };
    }
    return true;
}

static int compare_links(const void *left, const void *right)
{
    const SizedLink *a = left, *b = right;

    return (a->to > b->to) - (a->to < b->to);
}

// Sorts the links of one block, which begin at `first`, and drops those that come twice.
static void sort_links(SnapshotDetails *details, uint32_t first)
{
    SizedLink *links = details->sized_links;
    uint32_t kept = first;

    if (details->sized_link_count - first < 2)
        return;
    qsort(links + first, details->sized_link_count - first, sizeof *links, compare_links);
    for (uint32_t i = first; i < details->sized_link_count; i++)
        if (kept == first || links[i].to != links[kept - 1].to)
            links[kept++] = links[i];
    details->sized_link_count = kept;
}

static bool is_owned(const SizedSearch *sized, uint32_t chunk)
{
    return is_sized(sized, chunk) && (sized->notes[chunk] & CHUNK_HELD) == 0;
}

static bool make_links(SizedSearch *sized, Error *error)
{
    const HeapSearch *search = sized->search;
    SnapshotDetails *details = search->details;
    uint64_t count = 0;

    for (uint64_t i = 0; i < search->chunk_edge_count; i++)
        count += is_owned(sized, search->chunk_edges[i].from) &&
                 is_owned(sized, search->chunk_edges[i].to);
    if (count > SIZED_BLOCKS_MAX) {
        details->metadata.sized_blocks_recorded = false;
        details->sized_block_count = 0;
    }
    if (!details->metadata.sized_blocks_recorded)
        return true;
    details->sized_links = malloc((count + 1) * sizeof *details->sized_links);
    if (details->sized_links == NULL)
        return error_set_memory(error, count * sizeof *details->sized_links,
                                "references between blocks without content");
    for (uint32_t chunk = 0; count > 0 && chunk < search->chunks.count; chunk++) {
        uint32_t first = details->sized_link_count;

        if (!is_owned(sized, chunk))
            continue;
        for (uint64_t i = sized->first[chunk]; i < sized->first[chunk + 1]; i++)
            if (is_owned(sized, search->chunk_edges[i].to))
                details->sized_links[details->sized_link_count++] =
                    (SizedLink){sized->numbers[chunk], sized->numbers[search->chunk_edges[i].to]};
        sort_links(details, first);
    }
    return true;
}

bool heap_search_find_sized_blocks(HeapSearch *search, Error *error)
{
    SizedSearch sized = {0};
    bool ok;

    if (search->chunk_notes == NULL)
        return true;
    search->details->metadata.sized_blocks_recorded = true;
    if (search->chunks.count == 0)
        return true;
    ok = sized_search_init(&sized, search, error) && scan_objects(search, error);
    if (ok) {
        find_reached(&sized);
        find_held(&sized);
        ok = make_blocks(&sized, error) && make_links(&sized, error);
    }
    sized_search_release(&sized);
    return ok;
}
