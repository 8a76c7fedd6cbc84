// Choosing the layout of a rudo-gc heap: by the version that the program names, and by structure
// where it names none or several.
//
// By structure: with the wrong layout, fields of objects hold what they cannot hold, or no object
// is found. So the layout with which most objects of a sample of pages are plausible is the one; of
// equals it is the newest, of which the older ones are special cases. However the layout was
// chosen, the heap has to prove it in the end (heap_search_prove_layout()).

#include <stdlib.h>

#include "snapshot/capture/find/sized_blocks_internal.h"
#include "snapshot/capture/names/collector_versions.h"

// Pages with the magic that are sampled.
#define SAMPLE_PAGES 4096u
// No count of references and no generation of a real heap comes near these.
#define MOST_REFERENCES (UINT64_C(1) << 40)
#define MOST_GENERATION 65535u
#define MOST_DROPPING 2u

static bool is_plausible_address(uint64_t word)
{
    return word >= 4096 && word < HEAP_ADDRESS_LIMIT;
}

// Can the bytes at `object` be the header of a live object?
static bool is_plausible(const HeapLayout *layout, const uint8_t *object)
{
    uint64_t weak_bits = layout->dead_bit | layout->under_construction_bit | layout->old_bit;
    uint64_t weak = heap_layout_read(object, layout->weak_count);

    if ((weak & layout->dead_bit) != 0)
        return false;
    if (heap_layout_read(object, layout->reference_count) > MOST_REFERENCES ||
        (weak & ~weak_bits) > MOST_REFERENCES ||
        heap_layout_read(object, layout->dropping) > MOST_DROPPING)
        return false;
    if (layout->object_generation.width != 0 &&
        heap_layout_read(object, layout->object_generation) - 1 >= MOST_GENERATION)
        return false;
    return is_plausible_address(heap_layout_read(object, layout->drop_function)) &&
           is_plausible_address(heap_layout_read(object, layout->type_word));
}

// The number of plausible objects in the page; 0 if it is not a page of this layout.
static uint64_t count_plausible(const HeapLayout *layout, const uint8_t *page,
                                uint64_t available_bytes)
{
    uint64_t count = 0;
    PageHeader header;

    if (page_header_read(layout, page, available_bytes, &header) != PAGE_HEADER_VALID ||
        !heap_layout_has_object_header(layout, header.block_size))
        return 0;
    for (uint32_t slot = 0; slot < header.slot_count; slot++) {
        uint64_t offset = header.header_size + (uint64_t)slot * header.block_size;
        uint64_t allocated = heap_layout_bitmap_word(page, layout->allocated_bitmap, slot / 64);

        // A large object may begin behind the page, which need not be there.
        if ((allocated >> (slot % 64) & 1) != 0 &&
            offset + layout->object_header_bytes <= layout->page_size)
            count += is_plausible(layout, page + offset);
    }
    return count;
}

// The number of plausible objects in a sample of pages, by layout.
typedef struct LayoutScores {
    const HeapLayout *layouts[16];
    uint64_t plausible[16];
    uint32_t count;
    uint32_t pages_left;
} LayoutScores;

static void score_piece(LayoutScores *scores, const MemoryPiece *piece)
{
    const HeapLayout *any = scores->layouts[0];
    uint64_t address = round_up(piece->address, any->page_size);
    uint64_t end = piece->address + piece->bytes;

    // At the end of the address space, `end` is 0.
    for (; address < end && end - address >= any->page_size && scores->pages_left > 0;
         address += any->page_size) {
        const uint8_t *page = piece->data + (address - piece->address);

        if (heap_layout_read(page, any->magic) != any->magic_value)
            continue;
        scores->pages_left--;
        for (uint32_t i = 0; i < scores->count; i++)
            scores->plausible[i] += count_plausible(scores->layouts[i], page, UINT64_MAX);
    }
}

// The layout with most plausible objects; the last of equals.
static const HeapLayout *best_layout(const ProcessCopy *copy, LayoutScores *scores)
{
    MemoryReader reader = memory_reader(copy);
    uint32_t best = 0;

    scores->pages_left = SAMPLE_PAGES;
    for (uint32_t i = 0; i < copy->mapping_count && scores->pages_left > 0; i++) {
        uint64_t position = copy->mappings[i].start;
        MemoryPiece piece;

        if (!mapping_is_private_writable(&copy->mappings[i]))
            continue;
        while (scores->pages_left > 0 &&
               memory_next_piece(&reader, &position, copy->mappings[i].end, &piece))
            score_piece(scores, &piece);
    }
    for (uint32_t i = 1; i < scores->count; i++)
        if (scores->plausible[i] >= scores->plausible[best])
            best = i;
    return scores->layouts[best];
}

// All versions that the program names are unknown here.
static bool refuse_version(const HeapSearch *search, RudoGcVersion version, Error *error)
{
    (void)error_set(error, ERROR_UNSUPPORTED,
                    "'%s' (pid %d) uses rudo-gc %u.%u.%u, whose heap layout is not known",
                    search->copy->executable, search->copy->pid, version.major, version.minor,
                    version.patch);
    (void)error_add_hint(error, "known are rudo-gc 0.1.0 to %s", RUDO_GC_NEWEST_VERSION);
    return error_add_hint(error, "'--layout rudo-gc-0.8' tries the newest known layout, '--layout "
                                 "FILE' another one (docs/layouts.md)");
}

bool heap_search_choose_layout(HeapSearch *search, Error *error)
{
    LayoutScores scores = {.count = 0};
    CollectorVersions versions;
    const HeapLayout *layout;

    if (search->options.layout != NULL) {
        search->layout = *search->options.layout;
        return true;
    }
    if (!collector_versions_find(search->copy, search->modules, search->details->module_count,
                                 &search->options.cancel, &versions, error))
        return false;
    for (uint32_t i = 0; (layout = rudo_gc_layout(i)) != NULL; i++) {
        bool is_candidate = versions.count == 0;

        for (uint32_t v = 0; v < versions.count; v++)
            is_candidate = is_candidate || rudo_gc_layout_of(versions.items[v]) == layout;
        if (is_candidate)
            scores.layouts[scores.count++] = layout;
    }
    if (scores.count == 0)
        return refuse_version(search, versions.items[0], error);
    search->versions = versions;
    search->layout = *(scores.count == 1 ? scores.layouts[0] : best_layout(search->copy, &scores));
    return true;
}

// Where words are missing, fewer are found than there are.
static bool has_all_words(const HeapSearch *search)
{
    return search->options.foreign_mode != FOREIGN_NONE && search->copy->unreadable_bytes == 0 &&
           search->left_out_bytes == 0;
}

static uint64_t count_live_words(const PageRecords *records)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < records->count; i++)
        count += (records->items[i].slot_count + 63) / 64;
    return count;
}

static bool prove_layout(HeapSearch *search, Error *error)
{
    const PageRecords *records = &search->records;
    ReferencePage *pages = malloc(((size_t)records->count + 1) * sizeof *pages);
    uint64_t *live = malloc(((size_t)count_live_words(records) + 1) * sizeof *live);
    ReferenceWords *blocks = malloc(((size_t)search->block_count + 1) * sizeof *blocks);
    ReferenceHeap heap = {
        .layout = &search->layout,
        .page_count = records->count,
        .pages = pages,
        .block_count = search->block_count,
        .blocks = blocks,
        .root_count = search->root_count,
        .roots = search->roots,
        .visit = object_scan_visit,
    };
    ObjectScan scan = {.thread_count = 0};
    const SnapshotPages *run = search->runs;
    uint64_t *next_live = live;
    ReferenceCheck check;
    bool ok = pages != NULL && live != NULL && blocks != NULL;

    heap.visit_context = &scan;
    for (uint64_t i = 0; ok && i < records->count; i++) {
        const PageRecord *record = &records->items[i];
        const PageBits *bits = page_record_bits(records, record);

        while (record->address - run->address >= run->page_count * search->layout.page_size)
            run++;
        pages[i] = (ReferencePage){
            .address = record->address,
            .bytes = run->bytes + (record->address - run->address),
            .live = next_live,
            .block_size = record->block_size,
            .header_size = record->header_size,
            .slot_count = record->slot_count,
        };
        for (uint32_t word = 0; word < (record->slot_count + 63) / 64; word++)
            *next_live++ = bits[word].allocated & ~bits[word].dead;
    }
    for (uint64_t i = 0; ok && i < search->block_count; i++)
        blocks[i] = (ReferenceWords){search->blocks[i].data, search->blocks[i].bytes / 8};
    if (ok)
        ok = object_scan_init(&scan, search, error) && reference_check_run(&heap, &check, error);
    else
        (void)error_set_memory(error, records->count * sizeof *pages, "the proof of the layout");
    object_scan_end(&scan);
    if (ok) {
        search->objects_were_scanned = check.is_known;
        search->details->metadata.references_counted = check.is_known;
        search->details->metadata.references_overlooked = check.overlooked;
    }
    free(pages);
    free(live);
    free(blocks);
    return ok;
}

bool heap_search_prove_layout(HeapSearch *search, Error *error)
{
    return !has_all_words(search) || prove_layout(search, error);
}
