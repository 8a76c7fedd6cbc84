// PackedPages: see packed_pages.h.
//
// The pages of one packed_pages_add() become one area (packed_pager_internal.h) of frames. Each
// frame is compressed by the thread that has copied it, right after that.

#include "snapshot/capture/copy/packed_pages.h"

#include <stdlib.h>

#include "base/parallel_for.h"
#include "snapshot/capture/copy/packed_frame_internal.h"
#include "snapshot/capture/copy/packed_pager_internal.h"
#include "snapshot/capture/copy/page_sets.h"

struct PackedPages {
    uint32_t max_threads;
    SpoolFile spool;
    PackedPager pager;
};

typedef struct PackJob {
    PackedPages *packed;
    PackedArea *area;
    FramePacker *packers[PARALLEL_FOR_MAX_THREADS]; // owned
} PackJob;

static uint8_t *where(void *context, uint32_t worker)
{
    PackJob *job = context;

    return frame_packer_room(job->packers[worker]);
}

static bool take(void *context, uint32_t worker, uint64_t part, uint64_t bytes, Error *error)
{
    PackJob *job = context;
    PackedFrame *frame = &job->area->frames[part];
    const uint8_t *packed;
    size_t packed_bytes;

    if (!frame_packer_pack(job->packers[worker], bytes, &packed, &packed_bytes, error))
        return false;
    frame->bytes = packed_bytes;
    return spool_file_append(&job->packed->spool, packed, packed_bytes, &frame->offset, error);
}

static bool pack(PackedPages *packed, PackedArea *area, const PageSelection *pages, int pid,
                 int tid, const Cancel *cancel, PageSelection *unread, Error *error)
{
    PackJob job = {.packed = packed, .area = area};
    const CopyParts parts = {.bytes = PACKED_FRAME_BYTES,
                             .max_threads = packed->max_threads,
                             .where = where,
                             .take = take,
                             .context = &job};
    uint32_t threads = parallel_for_threads(packed->max_threads, area->frame_count);
    bool is_ok = true;

    for (uint32_t i = 0; i < threads && is_ok; i++)
        is_ok = frame_packer_new(&job.packers[i], error);
    is_ok = is_ok && page_copying_parts(pages, pid, tid, &parts, cancel, unread, error);
    for (uint32_t i = 0; i < threads; i++)
        frame_packer_free(job.packers[i]);
    return is_ok;
}

bool packed_pages_add(PackedPages *packed, PageSelection *pages, int pid, int tid,
                      const Cancel *cancel, PageSelection *unread, Error *error)
{
    PackedArea *area;
    uint64_t offset = 0;

    page_set_clear(unread);
    if (pages->bytes == 0)
        return true;
    area = packed_pager_new_area(&packed->pager, pages->bytes, error);
    if (area == NULL)
        return false;
    if (!pack(packed, area, pages, pid, tid, cancel, unread, error)) {
        packed_pager_drop_area(&packed->pager);
        return false;
    }
    for (uint64_t i = 0; i < pages->count; i++) {
        pages->ranges[i].data = area->base + offset;
        offset += pages->ranges[i].bytes;
    }
    packed_pager_publish(&packed->pager);
    return true;
}

bool packed_pages_check(PackedPages *packed, Error *error)
{
    return packed_pager_check(&packed->pager, error);
}

uint64_t packed_pages_packed_bytes(const PackedPages *packed)
{
    return spool_file_bytes(&packed->spool);
}

bool packed_pages_new(const PackedPagesOptions *options, PackedPages **out, Error *error)
{
    PackedPages *packed = calloc(1, sizeof *packed);

    *out = packed;
    if (packed == NULL)
        return error_set_memory(error, sizeof *packed, "compressed pages");
    packed->max_threads = options->max_threads > 0 ? options->max_threads : 1;
    if (!spool_file_open(&packed->spool, options->folder,
                         options->folder == NULL ? options->max_packed_bytes : 0, error)) {
        free(packed);
        *out = NULL;
        return false;
    }
    if (!packed_pager_init(&packed->pager, &packed->spool, options->cache_bytes, error)) {
        packed_pages_free(packed);
        *out = NULL;
        return false;
    }
    return true;
}

void packed_pages_free(PackedPages *packed)
{
    if (packed == NULL)
        return;
    packed_pager_release(&packed->pager);
    spool_file_close(&packed->spool);
    free(packed);
}
