// Which pages of a process hold something: see page_selection_internal.h.

#include "snapshot/page_selection_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "snapshot/capture_refusal_internal.h"
#include "snapshot/proc_files_internal.h"

// PAGEMAP_SCAN of Linux 6.7, spelled out because Debian 12's headers are older than that.
typedef struct ScanRegion {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
} ScanRegion;

typedef struct ScanArguments {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end; // out: how far it came
    uint64_t vector;
    uint64_t vector_length;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_any_of;
    uint64_t return_mask;
} ScanArguments;

#define SCAN_REQUEST _IOWR('f', 16, ScanArguments)
#define SCAN_IS_PRESENT (UINT64_C(1) << 3)
#define SCAN_IS_SWAPPED (UINT64_C(1) << 4)
#define SCAN_IS_ZERO_PAGE (UINT64_C(1) << 5)
#define SCAN_REGIONS 4096u

// Bits of the 64-bit words of /proc/PID/pagemap.
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_WORDS (SCAN_REGIONS * 3)

// Both ways of asking share one buffer.
typedef union ScanBuffer {
    ScanRegion regions[SCAN_REGIONS];
    uint64_t words[PAGEMAP_WORDS];
} ScanBuffer;

typedef struct PageScan {
    PageSelection *out;
    int pagemap;
    bool has_scan_request; // until the kernel says that it does not know it
    bool has_scanned;      // it does
    ScanBuffer *buffer;
    const CaptureCancel *cancel;
    int pid;
    Error *error;
} PageScan;

static bool add_range(PageScan *scan, uint64_t start, uint64_t end)
{
    PageSelection *out = scan->out;
    ProcessRange *last = out->count == 0 ? NULL : &out->ranges[out->count - 1];

    out->bytes += end - start;
    if (last != NULL && last->address + last->bytes == start) {
        last->bytes += end - start;
        return true;
    }
    if (out->count == out->capacity) {
        uint64_t capacity = out->capacity == 0 ? 1024 : out->capacity * 2;
        ProcessRange *grown = realloc(out->ranges, capacity * sizeof *grown);

        if (grown == NULL)
            return error_set_memory(scan->error, capacity * sizeof *grown, "page ranges");
        out->ranges = grown;
        out->capacity = capacity;
    }
    out->ranges[out->count++] = (ProcessRange){.address = start, .bytes = end - start};
    return true;
}

// The kernel answers ENOTTY or EINVAL when it does not know the request.
static bool is_unknown_request(const PageScan *scan, int reason)
{
    return !scan->has_scanned && (reason == ENOTTY || reason == EINVAL);
}

// When the kernel does not know the request, true with `has_scan_request` cleared and nothing
// added.
static bool add_by_scan(PageScan *scan, uint64_t start, uint64_t end)
{
    ScanArguments arguments = {
        .size = sizeof arguments,
        .start = start,
        .end = end,
        .vector = (uint64_t)(uintptr_t)scan->buffer->regions,
        .vector_length = SCAN_REGIONS,
        .category_inverted = SCAN_IS_ZERO_PAGE,
        .category_mask = SCAN_IS_ZERO_PAGE,
        .category_any_of = SCAN_IS_PRESENT | SCAN_IS_SWAPPED,
        // The same for all that match, so that neighbours come as one region.
        .return_mask = SCAN_IS_ZERO_PAGE,
    };

    while (arguments.start < end) {
        int found = ioctl(scan->pagemap, SCAN_REQUEST, &arguments);

        if (found < 0 && errno == EINTR)
            continue;
        if (found < 0 && is_unknown_request(scan, errno)) {
            scan->has_scan_request = false;
            return true;
        }
        if (found < 0)
            return capture_refusal_explain(scan->pid, errno, scan->error);
        scan->has_scanned = true;
        for (int i = 0; i < found; i++) {
            const ScanRegion *region = &scan->buffer->regions[i];

            if (!add_range(scan, region->start, region->end))
                return false;
        }
        if (arguments.walk_end <= arguments.start)
            return true;
        arguments.start = arguments.walk_end;
    }
    return true;
}

// Where there is no PAGEMAP_SCAN. Zero pages cannot be told apart here; they are copied.
static bool add_by_pagemap(PageScan *scan, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint64_t wanted = (end - start) / TARGET_PAGE_SIZE;
        size_t bytes = (wanted < PAGEMAP_WORDS ? wanted : PAGEMAP_WORDS) * sizeof(uint64_t);
        ssize_t got = pread(scan->pagemap, scan->buffer->words, bytes,
                            (off_t)(start / TARGET_PAGE_SIZE * sizeof(uint64_t)));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return capture_refusal_explain(scan->pid, errno, scan->error);
        if (got < (ssize_t)sizeof(uint64_t))
            return true; // the memory has gone
        // A terabyte that hardly holds anything takes seconds to look through.
        if (!capture_cancel_check(scan->cancel, scan->pid, scan->error))
            return false;
        for (size_t i = 0; i < (size_t)got / sizeof(uint64_t); i++, start += TARGET_PAGE_SIZE) {
            if ((scan->buffer->words[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0 &&
                !add_range(scan, start, start + TARGET_PAGE_SIZE))
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

// Do pages of this mapping that were never touched hold something?
static bool has_file_content(const ProcessMapping *mapping)
{
    return mapping->inode != 0 && strncmp(mapping->name, "/dev/zero", 9) != 0 &&
           strncmp(mapping->name, "/anon_hugepage", 14) != 0;
}

// Memory of a device is not heap, and reading it may have effects.
static bool is_device(const ProcessMapping *mapping)
{
    return strncmp(mapping->name, "/dev/", 5) == 0 && strncmp(mapping->name, "/dev/zero", 9) != 0 &&
           strncmp(mapping->name, "/dev/shm/", 9) != 0;
}

static bool is_selected(const ProcessMapping *mapping)
{
    return mapping->is_private && mapping->is_writable && !is_device(mapping);
}

static bool select_pages(PageScan *scan, const ProcessMapping *mappings, uint32_t mapping_count)
{
    for (uint32_t i = 0; i < mapping_count; i++) {
        uint64_t start = mappings[i].start, end = mappings[i].end;
        bool is_file = has_file_content(&mappings[i]);

        if (!is_selected(&mappings[i]))
            continue;
        if (is_file) {
            if (!add_range(scan, start, end))
                return false;
            continue;
        }
        // Heaps of many small mappings are asked about in one go.
        while (i + 1 < mapping_count && mappings[i + 1].start == end &&
               is_selected(&mappings[i + 1]) && !has_file_content(&mappings[i + 1]))
            end = mappings[++i].end;
        if (!add_touched_pages(scan, start, end))
            return false;
    }
    return true;
}

bool page_selection_fill(PageSelection *out, const PageSource *source, const CaptureCancel *cancel,
                         Error *error)
{
    PageScan scan = {
        .out = out, .has_scan_request = true, .cancel = cancel, .pid = source->pid, .error = error};
    char path[PROC_PATH_BYTES];
    bool is_ok = false;

    out->count = 0;
    out->bytes = 0;
    // Opened anew each time: an open pagemap stays with the memory that it was opened on, and the
    // process may have started another program since.
    proc_task_path(path, source->pid, source->tid, "pagemap");
    scan.pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (scan.pagemap < 0)
        return capture_refusal_explain(source->pid, errno, error);
    scan.buffer = malloc(sizeof *scan.buffer);
    if (scan.buffer == NULL)
        error_set_memory(error, sizeof *scan.buffer, "the page map");
    else
        is_ok = select_pages(&scan, source->mappings, source->mapping_count);
    free(scan.buffer);
    (void)close(scan.pagemap);
    return is_ok;
}

void page_selection_release(PageSelection *selection)
{
    free(selection->ranges);
    memset(selection, 0, sizeof *selection);
}
