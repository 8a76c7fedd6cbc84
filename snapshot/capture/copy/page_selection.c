// PageSelection: see page_selection.h. The kernel is asked by PAGEMAP_SCAN (pagemap_scan.h), or by
// reading /proc/PID/pagemap where it is older than Linux 6.7.

#include "snapshot/capture/copy/page_selection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/pagemap_scan.h"
#include "snapshot/capture/copy/proc_files.h"

// Bits of the 64-bit words of /proc/PID/pagemap.
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_WORDS (PAGEMAP_SCAN_REGIONS * 3)

// A buffer for the results of either request.
typedef union ScanBuffer {
    PagemapRegion regions[PAGEMAP_SCAN_REGIONS];
    uint64_t words[PAGEMAP_WORDS];
} ScanBuffer;

typedef struct PageScan {
    PageSelection *out;
    int pagemap;
    bool has_scan_request; // false once the kernel has said that it does not know it
    bool has_scanned;      // a scan has succeeded
    ScanBuffer *buffer;
    const Cancel *cancel;
    int pid;
    Error *error;
} PageScan;

static bool add_range(PageScan *scan, uint64_t start, uint64_t end)
{
    return page_set_add(scan->out, start, end, scan->error);
}

// The kernel answers ENOTTY or EINVAL when it does not know the request.
static bool is_unknown_request(const PageScan *scan, int reason)
{
    return !scan->has_scanned && (reason == ENOTTY || reason == EINVAL);
}

// When the kernel does not know the request: true, with `has_scan_request` cleared and nothing
// added.
static bool add_by_scan(PageScan *scan, uint64_t start, uint64_t end)
{
    const PageQuery query = {
        .inverted = PAGE_IS_ZERO_PAGE,
        .mask = PAGE_IS_ZERO_PAGE,
        .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        // The same for all matching pages, so that neighbours come as one region.
        .returned = PAGE_IS_ZERO_PAGE,
    };

    while (start < end) {
        int found = pagemap_scan(scan->pagemap, &query, &start, end, scan->buffer->regions);

        if (found < 0 && is_unknown_request(scan, errno)) {
            scan->has_scan_request = false;
            return true;
        }
        if (found < 0)
            return capture_refusal_explain(scan->pid, errno, scan->error);
        scan->has_scanned = true;
        for (int i = 0; i < found; i++) {
            const PagemapRegion *region = &scan->buffer->regions[i];

            if (!add_range(scan, region->start, region->end))
                return false;
        }
    }
    return true;
}

// For kernels without PAGEMAP_SCAN. The zero page cannot be told apart here; it is copied.
static bool add_by_pagemap(PageScan *scan, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint64_t wanted = (end - start) / PAGE_BYTES;
        size_t bytes = (wanted < PAGEMAP_WORDS ? wanted : PAGEMAP_WORDS) * sizeof(uint64_t);
        ssize_t got = pread(scan->pagemap, scan->buffer->words, bytes,
                            (off_t)(start / PAGE_BYTES * sizeof(uint64_t)));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return capture_refusal_explain(scan->pid, errno, scan->error);
        if (got < (ssize_t)sizeof(uint64_t))
            return true; // the process has lost its memory
        // A terabyte of nearly empty memory takes seconds.
        if (!cancel_check(scan->cancel, scan->error))
            return false;
        for (size_t i = 0; i < (size_t)got / sizeof(uint64_t); i++, start += PAGE_BYTES) {
            if ((scan->buffer->words[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0 &&
                !add_range(scan, start, start + PAGE_BYTES))
                return false;
        }
    }
    return true;
}

static bool add_touched_pages(PageScan *scan, uint64_t start, uint64_t end)
{
    if (scan->has_scan_request && !add_by_scan(scan, start, end))
        return false;
    return scan->has_scan_request || add_by_pagemap(scan, start, end);
}

bool page_selection_has_file_content(const ProcessMapping *mapping)
{
    return mapping->inode != 0 && mapping->is_private &&
           strncmp(mapping->name, "/dev/zero", 9) != 0 &&
           strncmp(mapping->name, "/anon_hugepage", 14) != 0;
}

// Memory of a device is not part of a heap, and reading it may have effects.
static bool is_device(const ProcessMapping *mapping)
{
    return strncmp(mapping->name, "/dev/", 5) == 0 && strncmp(mapping->name, "/dev/zero", 9) != 0 &&
           strncmp(mapping->name, "/dev/shm/", 9) != 0;
}

bool page_selection_includes(const ProcessMapping *mapping)
{
    return mapping->is_private && mapping->is_writable && !is_device(mapping);
}

// Which mappings are selected.
typedef enum PageKinds {
    PAGES_PRIVATE = 1,
    PAGES_SHARED = 2,
} PageKinds;

static bool is_selected(const ProcessMapping *mapping, uint32_t kinds)
{
    return ((kinds & PAGES_PRIVATE) != 0 && page_selection_includes(mapping)) ||
           ((kinds & PAGES_SHARED) != 0 && mapping->is_shared_memory);
}

static bool select_pages(PageScan *scan, const ProcessMapping *mappings, uint32_t mapping_count,
                         uint32_t kinds)
{
    for (uint32_t i = 0; i < mapping_count; i++) {
        uint64_t start = mappings[i].start, end = mappings[i].end;
        bool is_file = page_selection_has_file_content(&mappings[i]);

        if (!is_selected(&mappings[i], kinds))
            continue;
        if (is_file) {
            if (!add_range(scan, start, end))
                return false;
            continue;
        }
        // Neighbouring mappings take one request: heaps may consist of many small ones.
        while (i + 1 < mapping_count && mappings[i + 1].start == end &&
               is_selected(&mappings[i + 1], kinds) &&
               !page_selection_has_file_content(&mappings[i + 1]))
            end = mappings[++i].end;
        if (!add_touched_pages(scan, start, end))
            return false;
    }
    return true;
}

bool page_source_read(PageSource *source, int pid, int tid, ProcessCopy *copy, Error *error)
{
    proc_mappings_free(copy->mappings, copy->mapping_count);
    if (!proc_mappings_read(pid, tid, &copy->mappings, &copy->mapping_count))
        return capture_refusal_explain(pid, errno, error);
    // Methods that stop the process come here in the stop; a forked child lacks pages of files.
    if (pid == copy->pid)
        resident_memory_read(&copy->resident, pid, tid);
    *source = (PageSource){
        .pid = pid, .tid = tid, .mappings = copy->mappings, .mapping_count = copy->mapping_count};
    return true;
}

static bool fill(PageSelection *out, const PageSource *source, uint32_t kinds, const Cancel *cancel,
                 Error *error)
{
    PageScan scan = {
        .out = out, .has_scan_request = true, .cancel = cancel, .pid = source->pid, .error = error};
    char path[PROC_PATH_BYTES];
    bool is_ok = false;

    out->count = 0;
    out->bytes = 0;
    // Opened anew each time: an open pagemap belongs to the memory that the process had then, and
    // it may have executed another program since.
    proc_task_path(path, source->pid, source->tid, "pagemap");
    scan.pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (scan.pagemap < 0)
        return capture_refusal_explain(source->pid, errno, error);
    scan.buffer = malloc(sizeof *scan.buffer);
    if (scan.buffer == NULL)
        error_set_memory(error, sizeof *scan.buffer, "the page map");
    else
        is_ok = select_pages(&scan, source->mappings, source->mapping_count, kinds);
    free(scan.buffer);
    (void)close(scan.pagemap);
    return is_ok;
}

bool page_selection_fill(PageSelection *out, const PageSource *source, const Cancel *cancel,
                         Error *error)
{
    return fill(out, source, PAGES_PRIVATE | PAGES_SHARED, cancel, error);
}

bool page_selection_fill_private(PageSelection *out, const PageSource *source, const Cancel *cancel,
                                 Error *error)
{
    return fill(out, source, PAGES_PRIVATE, cancel, error);
}

bool page_selection_fill_shared(PageSelection *out, const PageSource *source, const Cancel *cancel,
                                Error *error)
{
    return fill(out, source, PAGES_SHARED, cancel, error);
}

void page_selection_release(PageSelection *selection)
{
    free(selection->ranges);
    memset(selection, 0, sizeof *selection);
}
