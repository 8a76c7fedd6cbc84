// Pages of a damaged snapshot: see salvage_internal.h.
//
// A later section overrides an earlier one, also where its own bytes are lost: an old version of a
// page does not replace the new one. The newest versions are copied together, walked by their
// headers, and compared with the list of all pages.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/byte_buffer.h"
#include "base/interval_index.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/salvage/salvage_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

// Stretches of lost pages beyond this number are listed as one.
#define MAX_LOST_STRETCHES 1000u

typedef struct FoundPage {
    uint64_t address;
    uint64_t offset; // in the stream
} FoundPage;

typedef struct PageList {
    FoundPage *items; // ascending by address; owned
    uint64_t count;
    uint64_t capacity;
} PageList;

static bool page_list_add(PageList *list, FoundPage page, Error *error)
{
    if (!array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items,
                       "the list of pages", error))
        return false;
    list->items[list->count++] = page;
    return true;
}

// ---- tables of page runs ----

typedef struct RunList {
    PageRun *runs; // ascending, disjoint; owned
    uint64_t count;
    bool is_whole; // no entry of the table is lost
} RunList;

// The entries of a run table up to the first that is lost or not possible.
static bool read_runs(const Salvage *salvage, const SalvageSection *section, RunList *out,
                      Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    uint64_t page_size = salvage->contents.layout.page_size;
    uint64_t limit = HEAP_ADDRESS_LIMIT / page_size, next = 1, count;

    *out = (RunList){.is_whole = salvage_stream_count(stream, section, RUN_BYTES, &count)};
    // The stream cannot hold more.
    if (count > stream->length / RUN_BYTES) {
        count = stream->length / RUN_BYTES;
        out->is_whole = false;
    }
    out->runs = malloc((count + 1) * sizeof *out->runs);
    if (out->runs == NULL)
        return error_set_memory(error, count * sizeof *out->runs, "the page runs");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = section->offset + TABLE_HEAD_BYTES + i * RUN_BYTES;
        PageRun run;

        if (!salvage_stream_has(stream, at, RUN_BYTES)) {
            out->is_whole = false;
            break;
        }
        run = (PageRun){bytes_get_u64(stream->bytes + at), bytes_get_u64(stream->bytes + at + 8)};
        if (run.address % page_size != 0 || run.address / page_size < next ||
            run.address / page_size >= limit || run.page_count == 0 ||
            run.page_count > limit - run.address / page_size) {
            out->is_whole = false;
            break;
        }
        next = run.address / page_size + run.page_count;
        out->runs[out->count++] = run;
    }
    return true;
}

// ---- gathering ----

// Pages of one section side by side, in memory and in the stream, all of them whole or all lost.
typedef struct PageStretch {
    uint64_t address;
    uint64_t offset; // in the stream; LOST_STRETCH: their bytes are lost
} PageStretch;

#define LOST_STRETCH UINT64_MAX

// All stretches, and where they lie: those of later sections override those of earlier ones.
typedef struct StretchList {
    PageStretch *items; // owned
    Interval *places;   // owned
    uint64_t count;
    uint64_t capacity;
    uint64_t place_capacity;
    uint64_t rank; // of the section at hand
} StretchList;

static bool add_stretch(StretchList *list, uint64_t address, uint64_t bytes, uint64_t offset,
                        Error *error)
{
    PageStretch *last = list->count > 0 ? &list->items[list->count - 1] : NULL;
    Interval *place = list->count > 0 ? &list->places[list->count - 1] : NULL;

    if (last != NULL && place->rank == list->rank && place->end == address &&
        (last->offset == LOST_STRETCH ? offset == LOST_STRETCH
                                      : offset == last->offset + (address - last->address))) {
        place->end += bytes;
        return true;
    }
    if (list->count == UINT32_MAX / 2)
        return error_set(error, ERROR_UNSUPPORTED, "the pages of the heap lie too far apart");
    if (!array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items,
                       "the list of pages", error) ||
        !array_reserve(&list->places, &list->place_capacity, list->count + 1, sizeof *list->places,
                       "the list of pages", error))
        return false;
    list->items[list->count] = (PageStretch){address, offset};
    list->places[list->count] =
        (Interval){address, address + bytes, list->rank, (uint32_t)list->count};
    list->count++;
    return true;
}

// The pages of one section. Without its table, the places of the bytes are not known: all pages
// that it lists are lost.
static bool gather_section(const Salvage *salvage, const SalvageSection *section,
                           const RunList *table, StretchList *list, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    uint64_t page_size = salvage->contents.layout.page_size, entries = 0, offset = UINT64_MAX;
    uint64_t end = section->offset + section->length;

    if (end > stream->length)
        end = stream->length;
    if (table->is_whole && salvage_stream_count(stream, section, RUN_BYTES, &entries))
        offset = section->offset + TABLE_HEAD_BYTES + entries * RUN_BYTES;
    for (uint64_t i = 0; i < table->count; i++) {
        const PageRun *run = &table->runs[i];

        for (uint64_t page = 0; page < run->page_count;) {
            // Behind the end of the stream, or of the section, all are lost.
            bool is_behind = offset > end || page_size > end - offset;
            uint64_t pages = is_behind ? run->page_count - page : 1;
            bool is_whole = !is_behind && salvage_stream_has(stream, offset, page_size);

            if (!add_stretch(list, run->address + page * page_size, pages * page_size,
                             is_whole ? offset : LOST_STRETCH, error))
                return false;
            page += pages;
            if (!is_behind)
                offset += page_size;
        }
    }
    return true;
}

static bool gather_stretches(Salvage *salvage, StretchList *list, Error *error)
{
    const SalvageStream *stream = &salvage->stream;

    for (uint64_t i = 0; i < stream->section_count; i++) {
        const SalvageSection *section = &stream->sections[i];
        RunList table;
        bool ok;

        if (section->type != SECTION_PAGES)
            continue;
        // Later ones count before earlier ones.
        list->rank = UINT64_MAX - i;
        ok = read_runs(salvage, section, &table, error) &&
             gather_section(salvage, section, &table, list, error);
        free(table.runs);
        if (!ok)
            return false;
    }
    return true;
}

// The newest version of each page, where it is whole.
static bool gather(Salvage *salvage, PageList *pages, Error *error)
{
    uint64_t page_size = salvage->contents.layout.page_size;
    StretchList list = {.count = 0};
    IntervalIndex newest = {.stretches = NULL};
    bool ok = gather_stretches(salvage, &list, error) &&
              interval_index_init(&newest, list.places, (uint32_t)list.count, error);

    for (uint64_t i = 0; ok && i < newest.count; i++) {
        const IntervalStretch *stretch = &newest.stretches[i];
        const PageStretch *from =
            stretch->number == INTERVAL_NONE ? NULL : &list.items[stretch->number];

        // Behind the last stretch nothing lies.
        for (uint64_t at = stretch->start;
             ok && from != NULL && from->offset != LOST_STRETCH && i + 1 < newest.count &&
             at < newest.stretches[i + 1].start;
             at += page_size)
            ok = page_list_add(pages, (FoundPage){at, from->offset + (at - from->address)}, error);
    }
    interval_index_release(&newest);
    free(list.items);
    free(list.places);
    return ok;
}

// ---- putting together ----

static bool copy_pages(Salvage *salvage, const PageList *pages, Error *error)
{
    uint64_t page_size = salvage->contents.layout.page_size;
    void *arena;

    if (pages->count == 0)
        return error_set(error, ERROR_CORRUPT,
                         "there is nothing to salvage: no page of the heap is whole");
    salvage->arena_bytes = pages->count * page_size;
    arena = mmap(NULL, salvage->arena_bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED)
        return error_set_memory(error, salvage->arena_bytes, "the pages of a snapshot");
    salvage->arena = arena;
    for (uint64_t i = 0; i < pages->count; i++)
        memcpy(salvage->arena + i * page_size, salvage->stream.bytes + pages->items[i].offset,
               page_size);
    return true;
}

// The number of adjacent pages from the `first` on.
static uint64_t count_neighbours(const PageList *pages, uint64_t first, uint64_t page_size)
{
    uint64_t count = 1;

    while (first + count < pages->count &&
           pages->items[first + count].address == pages->items[first].address + count * page_size)
        count++;
    return count;
}

static void add_run(Salvage *salvage, uint64_t address, uint64_t page_count, const uint8_t *bytes)
{
    uint64_t page_size = salvage->contents.layout.page_size;
    SnapshotPages *last =
        salvage->contents.run_count > 0 ? &salvage->runs[salvage->contents.run_count - 1] : NULL;

    salvage->found->kept_pages += page_count;
    if (last != NULL && last->address + last->page_count * page_size == address &&
        last->bytes + last->page_count * page_size == bytes)
        last->page_count += page_count;
    else
        salvage->runs[salvage->contents.run_count++] = (SnapshotPages){address, page_count, bytes};
}

// Keeps the pages that are described: of a large object all or none; and the descriptions of the
// pages that are kept.
static bool keep_described(Salvage *salvage, const PageList *pages, Error *error)
{
    const HeapLayout *layout = &salvage->contents.layout;
    SnapshotDetails *details = salvage->details;
    uint64_t first = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < details->page_count; i++) {
        SnapshotPage *described = &details->pages[i], lost = {.address = 0};
        uint64_t count =
            heap_layout_described_pages(layout, described->block_size, described->slot_count);
        const PageRecord record = {
            .address = described->address,
            .block_size = (uint32_t)described->block_size,
            .slot_count = described->slot_count,
            .page_count = (uint32_t)count,
            .is_large = described->block_size > layout->max_block_size,
        };

        while (first < pages->count && pages->items[first].address < described->address)
            first++;
        if (count > 0 && first < pages->count &&
            pages->items[first].address == described->address &&
            count_neighbours(pages, first, layout->page_size) >= count) {
            if (!page_records_add_described(&salvage->records, &record,
                                            snapshot_page_bits(described), error))
                return false;
            add_run(salvage, described->address, count, salvage->arena + first * layout->page_size);
            first += count;
            // Lost descriptions move behind those that are kept, and are freed in the end.
            lost = details->pages[kept];
            details->pages[kept++] = *described;
            if (kept - 1 != i)
                *described = lost;
        }
    }
    while (details->page_count > kept) {
        SnapshotPage *lost = &details->pages[--details->page_count];
        if (lost->slot_count > 64)
            free(lost->more);
    }
    return true;
}

// Keeps the pages with valid headers: of a large object all or none.
static bool keep_valid(Salvage *salvage, const PageList *pages, Error *error)
{
    const HeapLayout *layout = &salvage->contents.layout;

    salvage->runs = malloc((pages->count + 1) * sizeof *salvage->runs);
    if (salvage->runs == NULL)
        return error_set_memory(error, pages->count * sizeof *salvage->runs, "the page runs");
    if (!heap_layout_has_page_headers(layout) && !keep_described(salvage, pages, error))
        return false;
    for (uint64_t first = 0; heap_layout_has_page_headers(layout) && first < pages->count;) {
        uint64_t end = first + count_neighbours(pages, first, layout->page_size);

        while (first < end) {
            const uint8_t *bytes = salvage->arena + first * layout->page_size;
            PageHeader header;

            if (page_header_read(layout, bytes, (end - first) * layout->page_size, &header) !=
                PAGE_HEADER_VALID) {
                first++;
                continue;
            }
            if (!page_records_add(&salvage->records, layout, pages->items[first].address, &header,
                                  bytes, error))
                return false;
            add_run(salvage, pages->items[first].address, header.page_count, bytes);
            first += header.page_count;
        }
    }
    salvage->contents.runs = salvage->runs;
    salvage->contents.pages = &salvage->records;
    return salvage->contents.run_count > 0 ||
           error_set(error, ERROR_CORRUPT,
                     "there is nothing to salvage: no page of the heap has a valid header");
}

// ---- lost pages ----

typedef struct LossList {
    Salvage *salvage;
    uint32_t count;
    uint64_t rest_bytes; // of the stretches that are listed as one
} LossList;

static bool add_loss(LossList *list, uint64_t start, uint64_t end, Error *error)
{
    if (start >= end)
        return true;
    list->salvage->found->lost_pages += (end - start) / list->salvage->contents.layout.page_size;
    if (list->count == MAX_LOST_STRETCHES) {
        list->rest_bytes += end - start;
        return true;
    }
    list->count++;
    return snapshot_details_add_loss(list->salvage->details, LOSS_PAGES, start, end - start,
                                     "they were in a damaged part of the file", error);
}

// Notes the pages in `all` that are not kept.
static bool note_lost_pages(Salvage *salvage, const RunList *all, Error *error)
{
    uint64_t page_size = salvage->contents.layout.page_size, kept = 0;
    LossList list = {.salvage = salvage};

    for (uint64_t i = 0; i < all->count; i++) {
        uint64_t at = all->runs[i].address, end = at + all->runs[i].page_count * page_size;

        for (; kept < salvage->contents.run_count && salvage->runs[kept].address < end; kept++) {
            const SnapshotPages *run = &salvage->runs[kept];

            if (!add_loss(&list, at, run->address, error))
                return false;
            at = run->address + run->page_count * page_size;
            // It may reach into the next run of `all`, too.
            if (at > end)
                break;
        }
        if (!add_loss(&list, at, end, error))
            return false;
    }
    return list.rest_bytes == 0 ||
           snapshot_details_add_loss(salvage->details, LOSS_PAGES, 0, list.rest_bytes,
                                     "they were in damaged parts of the file", error);
}

static bool note_losses(Salvage *salvage, Error *error)
{
    const SalvageSection *section = salvage_stream_find(&salvage->stream, SECTION_RUNS);
    const SalvageStream *stream = &salvage->stream;
    RunList all = {0};
    bool ok = section == NULL || read_runs(salvage, section, &all, error);

    ok = ok && note_lost_pages(salvage, &all, error);
    if (ok && !all.is_whole)
        ok = snapshot_details_add_loss(salvage->details, LOSS_PAGES, 0, 0,
                                       "the list of all pages is damaged", error);
    // Lost PAGE sections may have held newer versions of the pages that are kept.
    if (ok && !stream->has_end && (stream->flags & SNAPSHOT_FLAG_OVERRIDES_PAGES) != 0 &&
        stream->last_type == SECTION_PAGES)
        ok = snapshot_details_add_loss(salvage->details, LOSS_PAGES, 0, 0,
                                       "newer versions of pages, if there were any", error);
    free(all.runs);
    return ok;
}

bool salvage_pages(Salvage *salvage, Error *error)
{
    PageList pages = {0};
    bool ok = gather(salvage, &pages, error) && copy_pages(salvage, &pages, error) &&
              keep_valid(salvage, &pages, error) && note_losses(salvage, error);

    free(pages.items);
    return ok;
}
