// Copying pages of a stopped process: see page_copying_internal.h.
//
// The ranges lie in staging memory one behind the other, so each batch is many pieces of the
// target and one piece of ours: process_vm_readv() is fastest that way. Several threads take
// batches from one cursor.

#include "snapshot/page_copying_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "snapshot/proc_files_internal.h"

#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)
// Memory is supplied in steps of this size, to be able to stop in between.
#define PREPARE_STEP (UINT64_C(64) << 20)
// What others on this machine shall keep of the memory that is available.
#define MEMORY_TO_LEAVE (UINT64_C(64) << 20)

// A batch: at most so many pieces (the kernel takes 1024) and bytes.
#define BATCH_PIECES 512
#define BATCH_BYTES (UINT64_C(4) << 20)
// Below this a second thread takes longer to start than it saves.
#define BYTES_FOR_HELPERS (UINT64_C(8) << 20)
#define MAX_COPY_THREADS 4

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

// ---- staging memory ----

// Bytes that can be had without anybody being killed; UINT64_MAX when unknown.
static uint64_t available_memory(void)
{
    uint64_t available = UINT64_MAX;
    char *text = proc_file_read("/proc/meminfo");
    char *line = text == NULL ? NULL : strstr(text, "MemAvailable:");

    if (line != NULL)
        available = strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024;
    free(text);
    return available;
}

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

bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes, const CaptureCancel *cancel,
                            Error *error)
{
    uint64_t available = available_memory();
    void *base;

    staging->base = NULL;
    staging->bytes = 0;
    bytes = (bytes + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
    if (available != UINT64_MAX &&
        bytes > available - (available < MEMORY_TO_LEAVE ? available : MEMORY_TO_LEAVE)) {
        error_set_memory(error, bytes, "a copy of the process");
        return error_add_hint(error, "%llu bytes are available on this machine",
                              (unsigned long long)available);
    }
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "a copy of the process");
    staging->base = base;
    staging->bytes = bytes;
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    for (uint64_t at = 0; at < bytes; at += PREPARE_STEP) {
        uint64_t step = bytes - at < PREPARE_STEP ? bytes - at : PREPARE_STEP;

        if (cancel != NULL && cancel->is_cancelled != NULL && cancel->is_cancelled(cancel->context))
            return error_set(error, ERROR_INTERRUPTED, "interrupted");
        if (!populate(staging->base + at, step))
            return error_set_memory(error, bytes, "a copy of the process");
    }
    return true;
}

bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error)
{
    void *base;

    if (bytes <= staging->bytes)
        return true;
    bytes = (bytes + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
    base = mremap(staging->base, staging->bytes, bytes, MREMAP_MAYMOVE);
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "a copy of the process");
    staging->base = base;
    staging->bytes = bytes;
    return true;
}

void staging_memory_release(StagingMemory *staging)
{
    if (staging->base != NULL)
        (void)munmap(staging->base, staging->bytes);
    staging->base = NULL;
    staging->bytes = 0;
}

// ---- copying ----

// The cursor and the result are shared by the copying threads and guarded by `lock`.
typedef struct CopyJob {
    const PageSelection *selection;
    int tid;
    pthread_mutex_t lock;
    uint64_t next_range;
    uint64_t next_offset; // in that range
    CopyResult result;
} CopyJob;

typedef struct CopyBatch {
    struct iovec pieces[BATCH_PIECES]; // addresses in the target
    size_t piece_count;
    uint8_t *destination;
    uint64_t bytes;
} CopyBatch;

static void add_piece(CopyBatch *batch, uint64_t address, uint64_t bytes)
{
    struct iovec *piece = &batch->pieces[batch->piece_count++];

    // An address of another process: never a pointer of ours.
    memcpy(&piece->iov_base, &address, sizeof address);
    piece->iov_len = bytes;
    batch->bytes += bytes;
}

// Takes the next pieces; false when all are taken, or when copying has failed.
static bool take_batch(CopyJob *job, CopyBatch *batch)
{
    const PageSelection *selection = job->selection;

    batch->piece_count = 0;
    batch->bytes = 0;
    (void)pthread_mutex_lock(&job->lock);
    while (job->result.outcome == COPY_DONE && job->next_range < selection->count &&
           batch->piece_count < BATCH_PIECES && batch->bytes < BATCH_BYTES) {
        const ProcessRange *range = &selection->ranges[job->next_range];
        uint64_t left = range->bytes - job->next_offset, room = BATCH_BYTES - batch->bytes;
        uint64_t bytes = left < room ? left : room;

        if (batch->piece_count == 0)
            memcpy(&batch->destination, &range->data, sizeof range->data);
        if (batch->piece_count == 0)
            batch->destination += job->next_offset;
        add_piece(batch, range->address + job->next_offset, bytes);
        job->next_offset += bytes;
        if (job->next_offset == range->bytes) {
            job->next_range++;
            job->next_offset = 0;
        }
    }
    (void)pthread_mutex_unlock(&job->lock);
    return batch->piece_count > 0;
}

static void finish(CopyJob *job, CopyOutcome outcome, int reason, uint64_t unreadable_bytes)
{
    (void)pthread_mutex_lock(&job->lock);
    job->result.unreadable_bytes += unreadable_bytes;
    if (job->result.outcome == COPY_DONE && outcome != COPY_DONE) {
        job->result.outcome = outcome;
        job->result.reason = reason;
    }
    (void)pthread_mutex_unlock(&job->lock);
}

// Drops the first `bytes` of what is still to be read.
static void advance(CopyBatch *batch, size_t *first, uint64_t bytes)
{
    batch->destination += bytes;
    batch->bytes -= bytes;
    while (bytes > 0) {
        struct iovec *piece = &batch->pieces[*first];
        size_t step = bytes < piece->iov_len ? (size_t)bytes : piece->iov_len;

        piece->iov_base = (char *)piece->iov_base + step;
        piece->iov_len -= step;
        bytes -= step;
        if (piece->iov_len == 0)
            (*first)++;
    }
}

static void read_batch(CopyJob *job, CopyBatch *batch)
{
    uint64_t unreadable = 0;
    size_t first = 0;

    while (batch->bytes > 0) {
        struct iovec local = {.iov_base = batch->destination, .iov_len = batch->bytes};
        ssize_t got = process_vm_readv(job->tid, &local, 1, &batch->pieces[first],
                                       batch->piece_count - first, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno != EFAULT) {
            finish(job, errno == ESRCH ? COPY_TARGET_GONE : COPY_FAILED, errno, unreadable);
            return;
        }
        if (got > 0)
            advance(batch, &first, (uint64_t)got);
        if (got <= 0 && batch->bytes > 0) {
            // The page at hand cannot be read (behind the end of its file, a guard page).
            uintptr_t address = (uintptr_t)batch->pieces[first].iov_base;
            uint64_t skip = TARGET_PAGE_SIZE - address % TARGET_PAGE_SIZE;

            memset(batch->destination, 0, skip);
            unreadable += skip;
            advance(batch, &first, skip);
        }
    }
    finish(job, COPY_DONE, 0, unreadable);
}

static void *help_copying(void *context)
{
    CopyBatch *batch = malloc(sizeof *batch);

    // Without memory for a batch the others do it.
    while (batch != NULL && take_batch(context, batch))
        read_batch(context, batch);
    free(batch);
    return NULL;
}

static unsigned choose_helpers(uint64_t bytes)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (bytes < BYTES_FOR_HELPERS || processors < 2)
        return 0;
    return processors < MAX_COPY_THREADS ? (unsigned)processors - 1 : MAX_COPY_THREADS - 1;
}

CopyResult page_copying_run(PageSelection *selection, int tid, const StagingMemory *staging,
                            const CaptureCancel *cancel)
{
    CopyJob job = {.selection = selection, .tid = tid, .lock = PTHREAD_MUTEX_INITIALIZER};
    CopyBatch *batch = malloc(sizeof *batch);
    pthread_t helpers[MAX_COPY_THREADS];
    unsigned started = 0, wanted = choose_helpers(selection->bytes);
    uint64_t offset = 0;

    for (uint64_t i = 0; i < selection->count; i++) {
        selection->ranges[i].data = staging->base + offset;
        offset += selection->ranges[i].bytes;
    }
    if (batch == NULL)
        return (CopyResult){.outcome = COPY_FAILED, .reason = ENOMEM};
    while (started < wanted && pthread_create(&helpers[started], NULL, help_copying, &job) == 0)
        started++;
    while (take_batch(&job, batch)) {
        read_batch(&job, batch);
        if (cancel != NULL && cancel->is_cancelled != NULL && cancel->is_cancelled(cancel->context))
            finish(&job, COPY_CANCELLED, 0, 0);
    }
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(helpers[i], NULL);
    free(batch);
    (void)pthread_mutex_destroy(&job.lock);
    return job.result;
}
