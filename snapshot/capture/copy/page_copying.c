// Copying pages of a process: see page_copying.h.
//
// The pages are cut into batches of equal size, which several threads copy. Each process_vm_readv()
// reads many pieces of the target, which is fastest; most of them go to one contiguous piece of our
// memory.

#include "snapshot/capture/copy/page_copying.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cancel.h"
#include "base/parallel_for.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"

// The bytes of a batch, and the most pieces of the target in one call (the kernel allows 1024).
#define BATCH_BYTES (UINT64_C(4) << 20)
#define MAX_PIECES 512
// The memory bandwidth is the limit: more threads gain nothing.
#define MAX_COPY_THREADS 4u

// Where a batch begins.
typedef struct CopyStart {
    uint64_t range;
    uint64_t skipped; // bytes of the range that belong to earlier batches
} CopyStart;

typedef struct CopyJob {
    const PageSelection *selection;
    const StagingMemory *staging; // NULL: see `parts`
    const CopyParts *parts;       // NULL: the data of `selection` are the destinations
    uint64_t batch_bytes;
    const Cancel *cancel;
    int pid;
    int tid;
    CopyStart *starts;                              // one of each batch; owned
    PageSelection unread[PARALLEL_FOR_MAX_THREADS]; // pages that each worker could not read; owned
} CopyJob;

// The pieces of one call that are still to be read.
typedef struct CopyPieces {
    struct iovec ours[MAX_PIECES];
    size_t our_first;
    size_t our_count;
    struct iovec theirs[MAX_PIECES]; // addresses in the target
    size_t first;
    size_t count;
    uint64_t bytes;
} CopyPieces;

static bool find_starts(CopyJob *job, uint64_t batches, Error *error)
{
    uint64_t offset = 0, batch = 0;

    job->starts = malloc((batches + 1) * sizeof *job->starts);
    if (job->starts == NULL)
        return error_set_memory(error, batches * sizeof *job->starts, "copying");
    for (uint64_t i = 0; i < job->selection->count; i++) {
        uint64_t bytes = job->selection->ranges[i].bytes;

        for (; batch < batches && batch * job->batch_bytes < offset + bytes; batch++)
            job->starts[batch] = (CopyStart){i, batch * job->batch_bytes - offset};
        offset += bytes;
    }
    return true;
}

static void add_piece(CopyPieces *out, uint8_t *destination, uint64_t address, uint64_t bytes)
{
    struct iovec *piece = &out->theirs[out->count++];
    struct iovec *last = out->our_count == 0 ? NULL : &out->ours[out->our_count - 1];

    // An address of another process: never a pointer of ours.
    memcpy(&piece->iov_base, &address, sizeof address);
    piece->iov_len = bytes;
    out->bytes += bytes;
    if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == destination)
        last->iov_len += bytes;
    else
        out->ours[out->our_count++] = (struct iovec){destination, bytes};
}

// Collects the pieces of the next `left` bytes from `*at` on, as many as one call takes, and moves
// `*at`. They go to `to`, one behind the other; if that is NULL, to the places that their data
// name.
static void collect_pieces(const CopyJob *job, CopyStart *at, uint64_t left, uint8_t *to,
                           CopyPieces *out)
{
    out->first = 0;
    out->count = 0;
    out->our_first = 0;
    out->our_count = 0;
    out->bytes = 0;
    while (left > 0 && out->count < MAX_PIECES) {
        const ProcessRange *from = &job->selection->ranges[at->range];
        uint64_t rest = from->bytes - at->skipped;
        uint64_t bytes = rest < left ? rest : left;
        uint8_t *destination =
            to != NULL ? to + out->bytes
                       : job->staging->base + (from->data - job->staging->base) + at->skipped;

        add_piece(out, destination, from->address + at->skipped, bytes);
        left -= bytes;
        at->skipped += bytes;
        if (bytes == rest)
            *at = (CopyStart){at->range + 1, 0};
    }
}

// Drops the first `bytes` of the pieces from index `*first` on.
static void drop(struct iovec *pieces, size_t *first, uint64_t bytes)
{
    while (bytes > 0) {
        struct iovec *piece = &pieces[*first];
        size_t step = bytes < piece->iov_len ? (size_t)bytes : piece->iov_len;

        piece->iov_base = (char *)piece->iov_base + step;
        piece->iov_len -= step;
        bytes -= step;
        if (piece->iov_len == 0)
            (*first)++;
    }
}

static void advance(CopyPieces *pieces, uint64_t bytes)
{
    pieces->bytes -= bytes;
    drop(pieces->ours, &pieces->our_first, bytes);
    drop(pieces->theirs, &pieces->first, bytes);
}

// Skips the next page, which cannot be read: it is behind the end of its file, or a guard page.
static bool skip_page(CopyPieces *pieces, PageSelection *unread, Error *error)
{
    uintptr_t address = (uintptr_t)pieces->theirs[pieces->first].iov_base;
    uint64_t bytes = PAGE_BYTES - address % PAGE_BYTES;

    // The destination is contiguous for each page.
    memset(pieces->ours[pieces->our_first].iov_base, 0, bytes);
    advance(pieces, bytes);
    return page_set_add(unread, address, address + bytes, error);
}

static bool read_pieces(const CopyJob *job, CopyPieces *pieces, PageSelection *unread, Error *error)
{
    while (pieces->bytes > 0) {
        ssize_t got = process_vm_readv(
            job->tid, &pieces->ours[pieces->our_first], pieces->our_count - pieces->our_first,
            &pieces->theirs[pieces->first], pieces->count - pieces->first, 0);

        if (got > 0)
            advance(pieces, (uint64_t)got);
        else if (got == 0 || errno == EFAULT) {
            if (!skip_page(pieces, unread, error))
                return false;
        } else if (errno == ESRCH)
            return capture_refusal_gone(job->pid, error);
        else if (errno != EINTR)
            return error_set(error, errno == ENOMEM ? ERROR_MEMORY : ERROR_SYSTEM,
                             "cannot read the memory of process %d: %s", job->pid, strerror(errno));
    }
    return true;
}

// Supplied before the call: destination memory that the kernel cannot supply would look like a page
// of the target that cannot be read.
static bool supply(const CopyJob *job, const CopyPieces *pieces, Error *error)
{
    for (size_t i = 0; i < pieces->our_count; i++)
        if (!staging_memory_supply_part(job->staging, pieces->ours[i].iov_base,
                                        pieces->ours[i].iov_len, error))
            return false;
    return true;
}

static bool copy_batch(void *context, uint32_t worker, uint64_t item, Error *error)
{
    CopyJob *job = context;
    const CopyParts *parts = job->parts;
    CopyStart at = job->starts[item];
    uint64_t left = job->selection->bytes - item * job->batch_bytes, bytes;
    uint8_t *to = parts == NULL ? NULL : parts->where(parts->context, worker);
    CopyPieces pieces;

    left = bytes = left < job->batch_bytes ? left : job->batch_bytes;
    // Only one thread checks, so that the callback is never called by two threads at once.
    if (worker == 0 && !cancel_check(job->cancel, error))
        return false;
    for (uint64_t done = 0; left > 0;) {
        collect_pieces(job, &at, left, to == NULL ? NULL : to + done, &pieces);
        left -= pieces.bytes;
        done += pieces.bytes;
        if ((to == NULL && !supply(job, &pieces, error)) ||
            !read_pieces(job, &pieces, &job->unread[worker], error))
            return false;
    }
    return parts == NULL || parts->take(parts->context, worker, item, bytes, error);
}

// Merges the pages that the workers could not read.
static bool merge_unread(CopyJob *job, PageSelection *unread, Error *error)
{
    page_set_clear(unread);
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        for (uint64_t j = 0; j < job->unread[i].count; j++)
            if (!page_set_add_data(unread, &job->unread[i].ranges[j], error))
                return false;
    page_set_sort(unread);
    return true;
}

static bool run(CopyJob *job, uint32_t max_threads, PageSelection *unread, Error *error)
{
    uint64_t batches = (job->selection->bytes + job->batch_bytes - 1) / job->batch_bytes;
    uint32_t threads = parallel_for_burst_threads(batches);
    bool is_ok;

    threads = threads < max_threads ? threads : max_threads;
    is_ok = find_starts(job, batches, error) &&
            parallel_for(batches, threads, copy_batch, job, error) &&
            merge_unread(job, unread, error);
    free(job->starts);
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        page_selection_release(&job->unread[i]);
    return is_ok;
}

bool page_copying_pieces(const PageSelection *pieces, int pid, int tid,
                         const StagingMemory *staging, const Cancel *cancel, PageSelection *unread,
                         Error *error)
{
    CopyJob job = {.selection = pieces,
                   .staging = staging,
                   .batch_bytes = BATCH_BYTES,
                   .cancel = cancel,
                   .pid = pid,
                   .tid = tid};

    return run(&job, MAX_COPY_THREADS, unread, error);
}

bool page_copying_parts(const PageSelection *pages, int pid, int tid, const CopyParts *parts,
                        const Cancel *cancel, PageSelection *unread, Error *error)
{
    CopyJob job = {.selection = pages,
                   .parts = parts,
                   .batch_bytes = parts->bytes,
                   .cancel = cancel,
                   .pid = pid,
                   .tid = tid};

    return run(&job, parts->max_threads, unread, error);
}

bool page_copying_run(PageSelection *selection, int pid, int tid, const StagingMemory *staging,
                      const Cancel *cancel, uint64_t *unreadable_bytes, Error *error)
{
    PageSelection unread = {0};
    uint64_t offset = 0;
    bool is_ok;

    for (uint64_t i = 0; i < selection->count; i++) {
        selection->ranges[i].data = staging->base + offset;
        offset += selection->ranges[i].bytes;
    }
    is_ok = page_copying_pieces(selection, pid, tid, staging, cancel, &unread, error);
    *unreadable_bytes = unread.bytes;
    page_selection_release(&unread);
    return is_ok;
}
