// StagingArea: see staging_area.h. This file decides whether pages are compressed, and how the
// allowed memory is divided then.

#include "snapshot/capture/copy/staging_area.h"

#include <stddef.h>

#include "base/parallel_for.h"

// How the memory for compressed pages is divided: the compressed pages (if they are not in a file),
// the cache of unpacked ones, and the threads that compress, each of which takes THREAD_BYTES.
#define PACKED_SHARE(bytes) ((bytes) / 8 * 5)
#define CACHE_SHARE(bytes) ((bytes) / 4)
#define THREADS_SHARE(bytes) ((bytes) / 8)
#define THREAD_BYTES (UINT64_C(2) << 20)

uint64_t staging_area_limit(const ProcessCopyOptions *options, uint64_t bytes)
{
    uint64_t limit = options->staging_bytes, available;

    if (limit != 0)
        return bytes <= limit ? 0 : limit;
    if (staging_memory_is_available(bytes, &available))
        return 0;
    // The other half is for the analysis. With less than the least staging memory, it is not tried.
    return available / 2 < CAPTURE_LEAST_STAGING ? 0 : available / 2;
}

static bool prepare_packed(StagingArea *area, uint64_t limit, const ProcessCopyOptions *options,
                           Error *error)
{
    uint64_t threads = THREADS_SHARE(limit) / THREAD_BYTES;
    const PackedPagesOptions how = {
        .cache_bytes = CACHE_SHARE(limit),
        .folder = options->spool_folder,
        .max_packed_bytes = PACKED_SHARE(limit),
        .max_threads =
            (uint32_t)(threads < PARALLEL_FOR_MAX_THREADS ? threads : PARALLEL_FOR_MAX_THREADS),
    };

    return packed_pages_new(&how, &area->packed, error);
}

bool staging_area_reserve(StagingArea *area, uint64_t bytes, const ProcessCopyOptions *options,
                          Error *error)
{
    uint64_t limit = staging_area_limit(options, bytes);

    *area = (StagingArea){.packed = NULL};
    if (limit == 0)
        return staging_memory_reserve(&area->memory, bytes, error);
    return staging_memory_reserve(&area->memory, limit / 2, error) &&
           prepare_packed(area, limit - limit / 2, options, error);
}

bool staging_area_prepare(StagingArea *area, uint64_t bytes, const ProcessCopyOptions *options,
                          Error *error)
{
    uint64_t limit = staging_area_limit(options, bytes);

    *area = (StagingArea){.packed = NULL};
    if (limit == 0)
        return staging_memory_prepare(&area->memory, bytes, &options->cancel, error);
    return prepare_packed(area, limit, options, error);
}

bool staging_area_copy(StagingArea *area, PageSelection *selection, int pid, int tid,
                       const Cancel *cancel, uint64_t *unreadable_bytes, Error *error)
{
    PageSelection unread = {0};
    bool is_ok;

    if (area->packed == NULL)
        return staging_memory_extend(&area->memory, selection->bytes, error) &&
               page_copying_run(selection, pid, tid, &area->memory, cancel, unreadable_bytes,
                                error);
    is_ok = packed_pages_add(area->packed, selection, pid, tid, cancel, &unread, error);
    *unreadable_bytes = unread.bytes;
    page_selection_release(&unread);
    return is_ok;
}

void staging_area_give(StagingArea *area, uint64_t used_bytes, PageSelection *selection,
                       ProcessCopy *out)
{
    staging_memory_trim(&area->memory, used_bytes);
    out->ranges = selection->ranges;
    out->range_count = selection->count;
    out->staging = area->memory.base;
    out->staging_bytes = area->memory.bytes;
    out->packed = area->packed;
    *selection = (PageSelection){.ranges = NULL};
    *area = (StagingArea){.packed = NULL};
}

void staging_area_release(StagingArea *area)
{
    staging_memory_release(&area->memory);
    packed_pages_free(area->packed);
    area->packed = NULL;
}
