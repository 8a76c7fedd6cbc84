// GC pages: found by a valid header at a page boundary of private writable memory.
//
// The address does not count: the kernel places nearly all pages itself, and merges their mappings
// with thread stacks, malloc's memory and other anonymous memory. Nor is the magic enough: user
// data can hold it. So every header must pass page_header_read(), and the tail pages of a large
// object, which hold user data only, are skipped with its head.
//
// The types of a page's objects are collected as soon as the page is found, while it is in the
// cache.

#include "snapshot/capture/find/heap_search_internal.h"

#include <stdio.h>

#include "base/array.h"
#include "snapshot/heap/page_header_check.h"

// Adds `data` to the page runs.
static bool add_run(HeapSearch *search, uint64_t address, uint64_t page_count, const uint8_t *data,
                    Error *error)
{
    uint64_t page_size = search->layout.page_size;
    SnapshotPages *last = search->run_count > 0 ? &search->runs[search->run_count - 1] : NULL;

    if (last != NULL && last->address + last->page_count * page_size == address &&
        last->bytes + last->page_count * page_size == data) {
        last->page_count += page_count;
        return true;
    }
    if (!array_reserve(&search->runs, &search->run_capacity, search->run_count + 1,
                       sizeof *search->runs, "page runs", error))
        return false;
    search->runs[search->run_count++] = (SnapshotPages){address, page_count, data};
    return true;
}

// Adds a page, or a large object with all of its pages; *is_added is false when its holes are too
// large to put it together.
static bool add_page(HeapSearch *search, MemoryReader *reader, uint64_t address,
                     const PageHeader *header, bool *is_added, Error *error)
{
    const HeapLayout *layout = &search->layout;
    uint64_t bytes = (uint64_t)header->page_count * layout->page_size;
    PageRecords *records = &search->records;
    const uint8_t *data;

    *is_added = false;
    if (!memory_assemble(reader, &search->assembly, address, bytes, &data, error))
        return false;
    if (data == NULL) {
        search->left_out_bytes += bytes;
        if (!region_list_add(&search->left_out, address, address + bytes, REGION_GC, NO_INDEX,
                             error))
            return false;
        return true;
    }
    *is_added = true;
    return region_list_add(&search->pages, address, address + bytes, REGION_GC, NO_INDEX, error) &&
           add_run(search, address, header->page_count, data, error) &&
           page_records_add(records, layout, address, header, data, error) &&
           heap_search_add_type_words(search, &records->items[records->count - 1], data, error);
}

// Counts a page that has the magic, but is not a page; explains the first one.
static void reject_page(HeapSearch *search, uint64_t address, const uint8_t *page,
                        uint64_t available_bytes)
{
    char *note = search->counts.rejected_note;
    size_t bytes = sizeof search->counts.rejected_note;
    int length;

    if (search->counts.rejected_pages++ > 0)
        return;
    length = snprintf(note, bytes, "0x%llx: ", (unsigned long long)address);
    page_header_explain(&search->layout, page, available_bytes, note + length,
                        bytes - (size_t)length);
}

// Tries all page boundaries in one piece of copied memory. *position moves behind the last page
// run, which may reach beyond the piece.
static bool search_piece(HeapSearch *search, const MemoryPiece *piece,
                         const ProcessMapping *mapping, uint64_t *position, Error *error)
{
    const HeapLayout *layout = &search->layout;
    MemoryReader reader = memory_reader(search->copy);
    uint64_t end = piece->address + piece->bytes;
    uint64_t address = round_up(piece->address, layout->page_size);

    while (address < end && end - address >= layout->page_header_bytes &&
           mapping->end - address >= layout->page_size) {
        PageHeader header;
        PageHeaderFault fault = page_header_read(layout, piece->data + (address - piece->address),
                                                 mapping->end - address, &header);
        bool is_added = false;
        page_header_fetch_ahead(layout, piece->data + (address - piece->address),
                                (end - address) / layout->page_size);
        search->counts.searched_pages++;
        if (fault == PAGE_HEADER_VALID &&
            !add_page(search, &reader, address, &header, &is_added, error))
            return false;
        if (!is_added && fault != PAGE_HEADER_NO_MAGIC)
            reject_page(search, address, piece->data + (address - piece->address),
                        mapping->end - address);
        address += is_added ? (uint64_t)header.page_count * layout->page_size : layout->page_size;
    }
    if (address > *position)
        *position = address;
    return true;
}

static bool search_mapping(HeapSearch *search, const ProcessMapping *mapping, Error *error)
{
    MemoryReader reader = memory_reader(search->copy);
    uint64_t position = mapping->start;
    MemoryPiece piece;

    while (memory_next_piece(&reader, &position, mapping->end, &piece))
        if (!search_piece(search, &piece, mapping, &position, error))
            return false;
    return true;
}

// The program contains rudo-gc, and has no page of its heap.
static bool no_heap_yet(const HeapSearch *search, Error *error)
{
    const RudoGcVersion *version = &search->versions.items[0];

    (void)error_set(
        error, ERROR_NO_HEAP,
        "'%s' (pid %d) contains rudo-gc %u.%u.%u, but no page of its heap was found: none "
        "of %llu pages of private writable memory has a valid '%s' page header",
        search->copy->executable, search->copy->pid, version->major, version->minor, version->patch,
        (unsigned long long)search->counts.searched_pages, search->layout.name);
    (void)error_add_hint(error, "it may not have allocated its first Gc yet");
    return error_add_hint(error,
                          "a release build on rudo-gc 0.8.19 without `panic = \"abort\"` in its "
                          "profile never returns from its first allocation");
}

// Not one page was found: says why. Returns false.
static bool no_heap(const HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;
    const HeapSearchCounts *counts = &search->counts;

    if (search->options.layout == NULL && search->versions.count > 0 && counts->rejected_pages == 0)
        return no_heap_yet(search, error);
    if (search->options.layout != NULL)
        (void)error_set(error, ERROR_NO_HEAP,
                        "'%s' (pid %d) has no heap with the layout '%s': none of %llu pages of "
                        "private writable memory has a valid page header",
                        copy->executable, copy->pid, search->layout.name,
                        (unsigned long long)counts->searched_pages);
    else
        (void)error_set(error, ERROR_NO_HEAP,
                        "'%s' (pid %d) is not a rudo-gc process: none of %llu pages of private "
                        "writable memory has a valid '%s' page header",
                        copy->executable, copy->pid, (unsigned long long)counts->searched_pages,
                        search->layout.name);
    if (counts->rejected_pages > 0) {
        (void)error_add_hint(error,
                             "%llu pages begin with the page magic, but their headers are not "
                             "valid; the first at %s",
                             (unsigned long long)counts->rejected_pages, counts->rejected_note);
        return error_add_hint(error, "another layout may be right: see '--layout' in rudo-snap(1); "
                                     "'--explain' says what is wrong with each page");
    }
    if (search->options.layout != NULL)
        return error_add_hint(error,
                              "none of them begins with the layout's magic; '--explain' says "
                              "where else it lies");
    return error_add_hint(error, "if it is one, it has not allocated its first Gc yet; "
                                 "otherwise check the pid");
}

bool heap_search_find_pages(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        if (!mapping_is_private_writable(mapping))
            continue;
        if (!search_mapping(search, mapping, error) ||
            !cancel_check(&search->options.cancel, error))
            return false;
    }
    search->counts.page_count = search->records.count;
    search->counts.object_count = page_records_count_live(&search->records);
    if (search->counts.page_count > 0)
        return true;
    return no_heap(search, error);
}
