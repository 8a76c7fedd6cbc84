// PagedStream: see snapshot/file/paged_stream.h.
//
// A table says where in the stream each page is. Neighbours there are mostly neighbours in the
// heap, so a chunk of the heap is a few whole frames, which go straight to its memory.

#include "snapshot/file/paged_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"

typedef struct PagedStream {
    const uint8_t *memory;  // borrowed; NULL: `reader` has the bytes
    SeekableReader *reader; // owned
    SeekableScratch *scratches[HEAP_PAGER_LANES];
    uint64_t *offsets; // by page
    uint32_t page_size;
} PagedStream;

static void release(void *context)
{
    PagedStream *stream = context;

    for (uint32_t lane = 0; lane < HEAP_PAGER_LANES; lane++)
        seekable_scratch_free(stream->scratches[lane]);
    seekable_reader_free(stream->reader);
    free(stream->offsets);
    free(stream);
}

static bool read_part(PagedStream *stream, uint32_t lane, uint64_t offset, uint64_t length,
                      uint8_t *to, Error *error)
{
    if (stream->memory != NULL) {
        memcpy(to, stream->memory + offset, length);
        return true;
    }
    if (stream->scratches[lane] == NULL)
        stream->scratches[lane] = seekable_scratch_new();
    if (stream->scratches[lane] == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for decompressing");
    return seekable_reader_read_by(stream->reader, stream->scratches[lane], offset, to, length,
                                   error);
}

static bool read(void *context, uint32_t lane, uint64_t offset, uint64_t length, uint8_t *to,
                 Error *error)
{
    PagedStream *stream = context;
    uint64_t page = offset / stream->page_size, end = page + length / stream->page_size;

    while (page < end) {
        uint64_t first = page;

        do
            page++;
        while (page < end && stream->offsets[page] ==
                                 stream->offsets[first] + (page - first) * stream->page_size);
        if (!read_part(stream, lane, stream->offsets[first], (page - first) * stream->page_size, to,
                       error))
            return false;
        to += (page - first) * stream->page_size;
    }
    return true;
}

// Enters the pages of a section. A later one overrides it.
static void enter(PagedStream *stream, const RunTable *all, const uint64_t *first_pages,
                  const RunTable *table)
{
    uint64_t offset = run_table_bytes_offset(table);

    for (uint64_t i = 0; i < table->count; i++) {
        const PageRun *run = &table->runs[i];
        uint64_t at = search_above(all->runs, all->count, address, run->address) - 1;

        for (uint64_t left = run->page_count, address = run->address; left > 0;) {
            uint64_t skipped = (address - all->runs[at].address) / stream->page_size;
            uint64_t count = all->runs[at].page_count - skipped;

            count = count < left ? count : left;
            for (uint64_t page = 0; page < count; page++, offset += stream->page_size)
                stream->offsets[first_pages[at] + skipped + page] = offset;
            left -= count;
            address += count * stream->page_size;
            at++;
        }
    }
}

static bool fill(PagedStream *stream, const PageSections *sections, Error *error)
{
    const RunTable *all = &sections->all;
    uint64_t *first_pages = malloc((all->count + 1) * sizeof *first_pages), pages = 0;

    stream->page_size = sections->page_size;
    stream->offsets = calloc(all->page_count + 1, sizeof *stream->offsets);
    if (first_pages == NULL || stream->offsets == NULL) {
        free(first_pages);
        return error_set_memory(error, (all->count + all->page_count) * 8, "the places of pages");
    }
    for (uint64_t i = 0; i < all->count; i++) {
        first_pages[i] = pages;
        pages += all->runs[i].page_count;
    }
    for (uint64_t i = 0; i < sections->count; i++)
        enter(stream, all, first_pages, &sections->tables[i]);
    free(first_pages);
    return true;
}

bool paged_stream_new(const PageSections *sections, const ByteSource *source,
                      SeekableReader *reader, HeapPageSource *out, Error *error)
{
    PagedStream *stream = calloc(1, sizeof *stream);

    *out = (HeapPageSource){0};
    if (stream == NULL)
        return error_set_memory(error, sizeof *stream, "the places of pages");
    if (!fill(stream, sections, error)) {
        release(stream);
        return false;
    }
    stream->memory = source->memory;
    stream->reader = reader;
    *out = (HeapPageSource){read, release, stream};
    return true;
}
