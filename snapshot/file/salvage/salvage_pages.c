// Pages of a damaged snapshot: see salvage_internal.h.
//
// Whole pages are gathered section by section. A later section overrides an earlier one, also where
// its own bytes are lost: an old version of a page does not replace the new one. The pages are
// copied together, walked by their headers, and compared with the list of all pages.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/byte_buffer.h"
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

// The whole pages of one section. Without its table, the places of the bytes are not known.
static bool gather_section(const Salvage *salvage, const SalvageSection *section,
                           const RunList *table, PageList *fresh, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    uint64_t page_size = salvage->contents.layout.page_size, entries;
    uint64_t offset;

    if (!table->is_whole || !salvage_stream_count(stream, section, RUN_BYTES, &entries))
        return true;
    offset = section->offset + TABLE_HEAD_BYTES + entries * RUN_BYTES;
    for (uint64_t i = 0; i < table->count; i++)
        for (uint64_t page = 0; page < table->runs[i].page_count; page++, offset += page_size) {
            // The stream, or the section, ends here.
            if (offset >= stream->length || offset + page_size > section->offset + section->length)
                return true;
            if (salvage_stream_has(stream, offset, page_size) &&
                !page_list_add(
                    fresh, (FoundPage){table->runs[i].address + page * page_size, offset}, error))
                return false;
        }
    return true;
}

// current = (current without the pages that `table` covers) and fresh.
static bool override_pages(const Salvage *salvage, PageList *current, const RunList *table,
                           const PageList *fresh, Error *error)
{
    uint64_t page_size = salvage->contents.layout.page_size, run = 0, next = 0;
    PageList merged = {0};
    bool ok = true;

    for (uint64_t i = 0; ok && i < current->count; i++) {
        uint64_t address = current->items[i].address;

        for (; ok && next < fresh->count && fresh->items[next].address < address; next++)
            ok = page_list_add(&merged, fresh->items[next], error);
        while (run < table->count &&
               table->runs[run].address + table->runs[run].page_count * page_size <= address)
            run++;
        if (ok && (run == table->count || table->runs[run].address > address))
            ok = page_list_add(&merged, current->items[i], error);
    }
    for (; ok && next < fresh->count; next++)
        ok = page_list_add(&merged, fresh->items[next], error);
    free(current->items);
    *current = merged;
    return ok;
}

static bool gather(Salvage *salvage, PageList *pages, Error *error)
{
    const SalvageStream *stream = &salvage->stream;

    for (uint64_t i = 0; i < stream->section_count; i++) {
        const SalvageSection *section = &stream->sections[i];
        PageList fresh = {0};
        RunList table;
        bool ok;

        if (section->type != SECTION_PAGES)
            continue;
        ok = read_runs(salvage, section, &table, error) &&
             gather_section(salvage, section, &table, &fresh, error) &&
             override_pages(salvage, pages, &table, &fresh, error);
        free(table.runs);
        free(fresh.items);
        if (!ok)
            return false;
    }
    return true;
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

// Keeps the pages with valid headers: of a large object all or none.
static bool keep_valid(Salvage *salvage, const PageList *pages, Error *error)
{
    const HeapLayout *layout = &salvage->contents.layout;

    salvage->runs = malloc((pages->count + 1) * sizeof *salvage->runs);
    if (salvage->runs == NULL)
        return error_set_memory(error, pages->count * sizeof *salvage->runs, "the page runs");
    for (uint64_t first = 0; first < pages->count;) {
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
        stream->sections[stream->section_count - 1].type == SECTION_PAGES)
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
