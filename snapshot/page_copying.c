// Copying pages of a stopped process: see page_copying_internal.h.
//
// The ranges lie in staging memory one behind the other. It is filled in batches of equal size,
// by several threads; each batch is one piece of ours and many pieces of the target, which is
// how process_vm_readv() is fastest.

#include "snapshot/page_copying_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "snapshot/capture_refusal_internal.h"
#include "snapshot/memory_available_internal.h"
#include "snapshot/parallel_for.h"

#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)
// Memory is supplied in steps of this size, to be able to stop in between.
#define PREPARE_STEP (UINT64_C(64) << 20)
// What others on this machine shall keep of the memory that is available.
#define MEMORY_TO_LEAVE (UINT64_C(64) << 20)

// Bytes of a batch, and pieces of the target that are asked for in one call (the kernel takes
// 1024).
#define BATCH_BYTES (UINT64_C(4) << 20)
#define MAX_PIECES 512
// Memory is the limit: more threads gain nothing.
#define MAX_COPY_THREADS 4u

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

// ---- staging memory ----

// Asks the kernel for the pages of a part of the staging memory.
static bool populate(uint8_t *start, uint64_t bytes)
{
    if (madvise(start, bytes, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL)
        return false;
    for (uint64_t at = 0; at < bytes; at += TARGET_PAGE_SIZE)
        ((volatile uint8_t *)start)[at] = 0;
    return true;
}

static uint64_t whole_huge_pages(uint64_t bytes)
{
    return (bytes + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
}

// May `more` bytes be taken without anybody being killed for it?
static bool check_available(uint64_t more, Error *error)
{
    uint64_t available = memory_available(&system_memory_sources);

    if (more <= available && available - more >= MEMORY_TO_LEAVE)
        return true;
    error_set_memory(error, more, "a copy of the process");
    return error_add_hint(error, "%llu bytes are available here", (unsigned long long)available);
}

bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes, int pid,
                            const CaptureCancel *cancel, Error *error)
{
    void *base;

    staging->base = NULL;
    staging->bytes = 0;
    bytes = whole_huge_pages(bytes);
    if (!check_available(bytes, error))
        return false;
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "a copy of the process");
    staging->base = base;
    staging->bytes = bytes;
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    for (uint64_t at = 0; at < bytes; at += PREPARE_STEP) {
        uint64_t step = bytes - at < PREPARE_STEP ? bytes - at : PREPARE_STEP;

        if (!capture_cancel_check(cancel, pid, error))
            return false;
        if (!populate(staging->base + at, step))
            return error_set_memory(error, bytes, "a copy of the process");
    }
    return true;
}

bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error)
{
    void *base;

    bytes = whole_huge_pages(bytes);
    if (bytes <= staging->bytes)
        return true;
    if (!check_available(bytes - staging->bytes, error))
        return false;
    base = mremap(staging->base, staging->bytes, bytes, MREMAP_MAYMOVE);
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "a copy of the process");
    staging->base = base;
    staging->bytes = bytes;
    return true;
}

void staging_memory_trim(StagingMemory *staging, uint64_t bytes)
{
    bytes = whole_huge_pages(bytes);
    if (bytes == 0 || bytes >= staging->bytes)
        return;
    if (munmap(staging->base + bytes, staging->bytes - bytes) == 0)
        staging->bytes = bytes;
}

void staging_memory_release(StagingMemory *staging)
{
    if (staging->base != NULL)
        (void)munmap(staging->base, staging->bytes);
    *staging = (StagingMemory){.base = NULL};
}

// ---- copying ----

typedef struct CopyJob {
    const PageSelection *selection;
    const StagingMemory *staging;
    const CaptureCancel *cancel;
    int pid;
    int tid;
    uint64_t unreadable_bytes[PARALLEL_FOR_MAX_THREADS]; // of each worker
} CopyJob;

// What is still to be read of one call.
typedef struct CopyPieces {
    struct iovec pieces[MAX_PIECES]; // addresses in the target
    size_t first;
    size_t count;
    uint8_t *destination;
    uint64_t bytes;
} CopyPieces;

// The range whose data holds this offset of the staging memory.
static uint64_t find_range(const CopyJob *job, uint64_t offset)
{
    const uint8_t *wanted = job->staging->base + offset;
    uint64_t low = 0, high = job->selection->count;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (job->selection->ranges[middle].data <= wanted)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Collects pieces for [offset, end) of the staging memory, as many as one call takes, from
// `*range` on.
static void collect_pieces(const CopyJob *job, uint64_t offset, uint64_t end, uint64_t *range,
                           CopyPieces *out)
{
    out->first = 0;
    out->count = 0;
    out->bytes = 0;
    out->destination = job->staging->base + offset;
    while (offset < end && out->count < MAX_PIECES) {
        const ProcessRange *from = &job->selection->ranges[*range];
        uint64_t skipped = (uint64_t)(job->staging->base + offset - from->data);
        uint64_t left = from->bytes - skipped;
        uint64_t bytes = left < end - offset ? left : end - offset;
        uint64_t address = from->address + skipped;
        struct iovec *piece = &out->pieces[out->count++];

        // An address of another process: never a pointer of ours.
        memcpy(&piece->iov_base, &address, sizeof address);
        piece->iov_len = bytes;
        out->bytes += bytes;
        offset += bytes;
        if (bytes == left)
            (*range)++;
    }
}

// Drops the first `bytes` of what is still to be read.
static void advance(CopyPieces *pieces, uint64_t bytes)
{
    pieces->destination += bytes;
    pieces->bytes -= bytes;
    while (bytes > 0) {
        struct iovec *piece = &pieces->pieces[pieces->first];
        size_t step = bytes < piece->iov_len ? (size_t)bytes : piece->iov_len;

        piece->iov_base = (char *)piece->iov_base + step;
        piece->iov_len -= step;
        bytes -= step;
        if (piece->iov_len == 0)
            pieces->first++;
    }
}

// The page at hand cannot be read: it is behind the end of its file, or a guard page.
static uint64_t skip_page(CopyPieces *pieces)
{
    uintptr_t address = (uintptr_t)pieces->pieces[pieces->first].iov_base;
    uint64_t bytes = TARGET_PAGE_SIZE - address % TARGET_PAGE_SIZE;

    memset(pieces->destination, 0, bytes);
    advance(pieces, bytes);
    return bytes;
}

static bool read_pieces(const CopyJob *job, CopyPieces *pieces, uint64_t *unreadable_bytes,
                        Error *error)
{
    while (pieces->bytes > 0) {
        struct iovec local = {.iov_base = pieces->destination, .iov_len = pieces->bytes};
        ssize_t got = process_vm_readv(job->tid, &local, 1, &pieces->pieces[pieces->first],
                                       pieces->count - pieces->first, 0);

        if (got > 0)
            advance(pieces, (uint64_t)got);
        else if (got == 0 || errno == EFAULT)
            *unreadable_bytes += skip_page(pieces);
        else if (errno == ESRCH)
            return capture_refusal_gone(job->pid, error);
        else if (errno != EINTR)
            return error_set(error, errno == ENOMEM ? ERROR_MEMORY : ERROR_SYSTEM,
                             "cannot read the memory of process %d: %s", job->pid, strerror(errno));
    }
    return true;
}

static bool copy_batch(void *context, uint32_t worker, uint64_t item, Error *error)
{
    CopyJob *job = context;
    uint64_t offset = item * BATCH_BYTES, range = find_range(job, offset);
    uint64_t left = job->selection->bytes - offset;
    uint64_t end = offset + (left < BATCH_BYTES ? left : BATCH_BYTES);
    CopyPieces pieces;

    // Only one thread asks, so that the callback need not be prepared for two at once.
    if (worker == 0 && !capture_cancel_check(job->cancel, job->pid, error))
        return false;
    while (offset < end) {
        collect_pieces(job, offset, end, &range, &pieces);
        offset += pieces.bytes;
        if (!read_pieces(job, &pieces, &job->unreadable_bytes[worker], error))
            return false;
    }
    return true;
}

bool page_copying_run(PageSelection *selection, int pid, int tid, const StagingMemory *staging,
                      const CaptureCancel *cancel, uint64_t *unreadable_bytes, Error *error)
{
    CopyJob job = {
        .selection = selection, .staging = staging, .cancel = cancel, .pid = pid, .tid = tid};
    uint64_t batches = (selection->bytes + BATCH_BYTES - 1) / BATCH_BYTES, offset = 0;
    uint32_t threads = parallel_for_threads(0, batches);
    bool is_ok;

    for (uint64_t i = 0; i < selection->count; i++) {
        selection->ranges[i].data = staging->base + offset;
        offset += selection->ranges[i].bytes;
    }
    if (threads > MAX_COPY_THREADS)
        threads = MAX_COPY_THREADS;
    is_ok = parallel_for(batches, threads, copy_batch, &job, error);
    *unreadable_bytes = 0;
    for (uint32_t i = 0; i < threads; i++)
        *unreadable_bytes += job.unreadable_bytes[i];
    return is_ok;
}
