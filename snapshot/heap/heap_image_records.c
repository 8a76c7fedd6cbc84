// The page records of an image: filled as the bytes of its pages arrive, and put in order when all
// of them are there.
//
// Note [Early records]
//
// A record says which objects of a page are DEAD, which is written in the header of each object.
// When the image is finished, most of its bytes have left the caches, so the thread that brings
// the bytes of a page fills its record at once, at little cost: one place in the arena is one
// place in PageRecords. A page that is not whole in what a thread brings (a large object in
// several frames) is read in the end, as is a page of many small slots without object headers. An
// object's tail pages may hold bytes that look like a page header; the records that they got are
// dropped when records are put in order.
//
// Early records save time and change nothing: the image is the same without them.

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"
#include "snapshot/heap/page_header_check.h"

// How far ahead of the page that is read headers are fetched: memory takes about as long as
// reading N headers.
#define PAGES_AHEAD 16u

// Fills the records of the whole pages in `bytes`, which begin `offset` bytes behind the start of
// the page at `place`.
static void fill_records(HeapImageBuilder *builder, uint64_t place, uint64_t offset,
                         const uint8_t *bytes, uint64_t length)
{
    const HeapLayout *layout = &builder->image->layout;

    if (!heap_layout_has_page_headers(layout))
        return;
    if (offset > 0) {
        uint64_t rest = layout->page_size - offset;
        if (length <= rest)
            return;
        bytes += rest;
        length -= rest;
        place++;
    }
    for (; length >= layout->page_size; place++) {
        PageHeader header;

        // Pages behind a large object's first page are looked at too: it may not be one.
        if (page_header_read(layout, bytes, length, &header) == PAGE_HEADER_VALID)
            page_records_fill(&builder->records, place, layout, &header, bytes);
        bytes += layout->page_size;
        length -= layout->page_size;
    }
}

void heap_image_builder_fill_records(HeapImageBuilder *builder, const uint8_t *bytes,
                                     uint64_t length)
{
    uint64_t offset, place = heap_image_builder_place(builder, bytes, &offset);

    fill_records(builder, place, offset, bytes, length);
}

static void visit_pages(void *context, uint64_t offset, const uint8_t *bytes, uint64_t length)
{
    HeapImageBuilder *builder = context;

    fill_records(builder, offset >> builder->image->page_shift, 0, bytes, length);
}

bool heap_image_builder_visit_pages(HeapImageBuilder *builder, uint32_t threads, Error *error)
{
    return heap_pager_visit(builder->image->pager, threads, visit_pages, builder, error);
}

void heap_image_builder_forget(HeapImageBuilder *builder, const uint8_t *bytes, uint64_t length)
{
    uint64_t offset, place = heap_image_builder_place(builder, bytes, &offset);
    uint64_t end = place + (offset + length + builder->image->layout.page_size - 1) /
                               builder->image->layout.page_size;

    for (; place < end; place++)
        builder->records.items[place].page_count = 0;
}

// Reads the page at `place` of run `run` unless its record is there. left: pages to the run's end.
static bool complete(HeapImageBuilder *builder, uint64_t address, uint64_t place, uint64_t left,
                     Error *error)
{
    const HeapImage *image = builder->image;
    const PageRecord *record = &builder->records.items[place];
    const uint8_t *bytes = image->is_relocated ? image->arena + (place << image->page_shift)
                                               : (const uint8_t *)(uintptr_t)address;
    PageHeader header;
    PageHeaderFault fault;

    if (left > PAGES_AHEAD && record[PAGES_AHEAD].page_count == 0) {
        const uint8_t *ahead = bytes + ((uint64_t)PAGES_AHEAD << image->page_shift);
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + image->layout.allocated_bitmap);
    }
    // A large object that ends in the next run of the arena was not seen to leave its own.
    if (record->page_count != 0 && record->page_count <= left)
        return true;
    fault = page_header_read(&image->layout, bytes, left << image->page_shift, &header);
    if (fault != PAGE_HEADER_VALID) {
        char why[PAGE_HEADER_CHECK_CHARS];

        builder->fault_address = address;
        page_header_explain(&image->layout, bytes, left << image->page_shift, why, sizeof why);
        return error_set(error, ERROR_CORRUPT, "page 0x%llx: %s", (unsigned long long)address, why);
    }
    return page_records_complete(&builder->records, place, &image->layout, &header, bytes, error);
}

// ---- pages without headers ----

// Takes the records from the descriptions, which follow each other without gaps in each run.
static bool take_described(HeapImageBuilder *builder, Error *error)
{
    const HeapImage *image = builder->image;
    const SnapshotDetails *details = image->details;
    PageRecords *records = &builder->records;
    uint32_t next = 0;

    page_records_release(records);
    for (uint64_t r = 0; r < image->run_count; r++)
        for (uint64_t p = 0, pages; p < image->runs[r].page_count; p += pages) {
            uint64_t address = image->runs[r].address + (p << image->page_shift);
            const SnapshotPage *page = &details->pages[next];

            pages = next == details->page_count || page->address != address
                        ? 0
                        : heap_layout_described_pages(&image->layout, page->block_size,
                                                      page->slot_count);
            if (pages == 0 || pages > image->runs[r].page_count - p)
                return error_set(error, ERROR_CORRUPT, "page 0x%llx is not described",
                                 (unsigned long long)address);
            const PageRecord record = {
                .address = address,
                .block_size = (uint32_t)page->block_size,
                .slot_count = page->slot_count,
                .page_count = (uint32_t)pages,
                .is_large = page->block_size > image->layout.max_block_size,
            };
            if (!page_records_add_described(records, &record, snapshot_page_bits(page), error))
                return false;
            next++;
        }
    return next == details->page_count ||
           error_set(error, ERROR_CORRUPT, "page 0x%llx is described, but not there",
                     (unsigned long long)details->pages[next].address);
}

bool heap_image_builder_order_records(HeapImageBuilder *builder, Error *error)
{
    const HeapImage *image = builder->image;
    PageRecords *records = &builder->records;

    if (!heap_layout_has_page_headers(&image->layout))
        return take_described(builder, error);
    for (uint64_t r = 0; r < image->run_count; r++)
        for (uint64_t p = 0; p < image->runs[r].page_count;) {
            uint64_t address = image->runs[r].address + (p << image->page_shift);
            uint64_t place = builder->run_places[r].start + p;

            if (!complete(builder, address, place, image->runs[r].page_count - p, error))
                return false;
            // There are never more records than places up to here.
            records->items[records->count] = records->items[place];
            records->items[records->count].address = address;
            p += records->items[records->count++].page_count;
        }
    return true;
}
