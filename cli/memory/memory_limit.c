// MemoryLimit: see cli/memory/memory_limit.h.

#include "cli/memory/memory_limit.h"

#include "base/machine/memory_available.h"
#include "cli/memory/page_faults.h"

// A heap that is read in parts has this share of the limit for its pages, within bounds.
#define PAGES_SHARE 16u
#define PAGES_LEAST (UINT64_C(16) << 20)
#define PAGES_MOST (UINT64_C(128) << 20)
// Smaller heaps are always read whole: parts of them would take as much.
#define WHOLE_BYTES (UINT64_C(64) << 20)
// Of what the machine leaves, this share is taken; others may need some of it.
#define AUTOMATIC_SHARE 0.9

void memory_limit_init(MemoryLimit *limit, int64_t option)
{
    uint64_t pages;

    *limit = (MemoryLimit){.bytes = option > 0 ? (uint64_t)option : UINT64_MAX};
    if (option <= 0) {
        uint64_t available = memory_available(&system_memory_sources);

        limit->is_automatic = available != UINT64_MAX;
        if (limit->is_automatic)
            limit->bytes = (uint64_t)((double)available * AUTOMATIC_SHARE) + memory_resident();
    }
    pages = limit->bytes / PAGES_SHARE;
    pages = pages > PAGES_LEAST ? pages : PAGES_LEAST;
    limit->paging = (HeapPagerOptions){
        .catcher = &page_faults,
        .budget_bytes = pages < PAGES_MOST ? pages : PAGES_MOST,
    };
}

void memory_limit_read_options(const MemoryLimit *limit, SnapshotReadOptions *options)
{
    if (limit->bytes == UINT64_MAX)
        return;
    // On an older kernel only a limit that was given fails: the heap may fit as a whole.
    if (limit->is_automatic && !heap_pager_is_supported())
        return;
    options->paging = &limit->paging;
    options->most_whole_bytes = limit->bytes / 2 > WHOLE_BYTES ? limit->bytes / 2 : WHOLE_BYTES;
    options->max_stream_bytes = UINT64_MAX;
}

// Bytes of tables for a page, and for a root or a block.
#define PAGE_TABLES 120u
#define ENTRY_TABLES 32u

bool memory_limit_whole_bytes(const MemoryLimit *limit, const char *path, uint64_t *bytes,
                              Error *error)
{
    SnapshotFileInfo info;

    *bytes = 0;
    if (!snapshot_read_info(path, &info, error))
        return false;
    // Sections that are neither pages nor blocks' bytes are kept in another form.
    *bytes = info.stream_bytes + info.page_bytes / info.layout.page_size * PAGE_TABLES +
             (info.root_count + info.block_count + info.details->sized_block_count) * ENTRY_TABLES;
    *bytes += *bytes / 50;
    if (limit->bytes >= MEMORY_LIMIT_LEAST)
        *bytes += memory_resident();
    snapshot_file_info_release(&info);
    return true;
}

uint64_t memory_limit_left(const MemoryLimit *limit, const HeapImage *image, uint64_t counted)
{
    uint64_t used = counted;

    if (limit->bytes == UINT64_MAX)
        return UINT64_MAX;
    if (limit->bytes >= MEMORY_LIMIT_LEAST) {
        memory_trim();
        used = memory_resident();
        // Parts of the heap come while the step runs.
        if (image->pager != NULL)
            used += heap_pager_budget(image->pager) - heap_pager_resident(image->pager);
    }
    return limit->bytes > used ? limit->bytes - used : 0;
}
