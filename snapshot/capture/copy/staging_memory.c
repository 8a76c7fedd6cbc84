// StagingMemory: see staging_memory_internal.h.

#include "snapshot/capture/copy/staging_memory_internal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/cancel.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "base/machine/memory_available.h"
#include "snapshot/capture/copy/page_selection.h"

#define HUGE_PAGE_SIZE (UINT64_C(2) << 20)
// How much of the available memory is left to other programs of this machine, or of this container;
// or a quarter of it, if that is less.
#define MEMORY_TO_LEAVE (UINT64_C(64) << 20)
// Memory is supplied in steps of this size; cancelling is checked in between.
#define SUPPLY_STEP (UINT64_C(64) << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

// Has the kernel supply the pages of a part of the staging memory.
static bool populate(uint8_t *start, uint64_t bytes)
{
    if (madvise(start, bytes, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL)
        return false;
    for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
        volatile uint8_t *byte = start + at;

        *byte = *byte;
    }
    return true;
}

static uint64_t whole_huge_pages(uint64_t bytes)
{
    return (bytes + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
}

bool staging_memory_is_available(uint64_t bytes, uint64_t *available)
{
    uint64_t left;

    *available = memory_available(&system_memory_sources);
    left = *available / 4 < MEMORY_TO_LEAVE ? *available / 4 : MEMORY_TO_LEAVE;
    return bytes <= *available && *available - bytes >= left;
}

static bool check_available(uint64_t more, Error *error)
{
    uint64_t available;

    if (staging_memory_is_available(more, &available))
        return true;
    error_set_memory(error, more, "a copy of the process");
    return error_add_hint(error, "%llu bytes are available here", (unsigned long long)available);
}

bool staging_memory_reserve(StagingMemory *staging, uint64_t bytes, Error *error)
{
    void *base;

    *staging = (StagingMemory){.base = NULL};
    bytes = whole_huge_pages(bytes);
    if (bytes == 0)
        return true;
    if (!check_available(bytes, error))
        return false;
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "a copy of the process");
    staging->base = base;
    staging->bytes = bytes;
    (void)madvise(base, bytes, MADV_HUGEPAGE);
    return true;
}

bool staging_memory_supply(StagingMemory *staging, uint64_t bytes, const Cancel *cancel,
                           Error *error)
{
    bytes = whole_huge_pages(bytes);
    if (bytes > staging->bytes)
        bytes = staging->bytes;
    while (staging->supplied_bytes < bytes) {
        uint64_t at = staging->supplied_bytes;
        uint64_t step = bytes - at < SUPPLY_STEP ? bytes - at : SUPPLY_STEP;

        if (!cancel_check(cancel, error) ||
            !staging_memory_supply_part(staging, staging->base + at, step, error))
            return false;
        staging->supplied_bytes += step;
    }
    return true;
}

bool staging_memory_supply_part(const StagingMemory *staging, const uint8_t *start, uint64_t bytes,
                                Error *error)
{
    uint64_t first = (uint64_t)(start - staging->base) / PAGE_BYTES * PAGE_BYTES;
    uint64_t end = (uint64_t)(start - staging->base) + bytes;

    if (end <= staging->supplied_bytes || populate(staging->base + first, end - first))
        return true;
    return error_set_memory(error, end - first, "a copy of the process");
}

void staging_memory_note_filled(StagingMemory *staging, uint64_t bytes)
{
    if (staging->supplied_bytes < bytes)
        staging->supplied_bytes = bytes;
}

bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes, const Cancel *cancel,
                            Error *error)
{
    return staging_memory_reserve(staging, bytes, error) &&
           staging_memory_supply(staging, bytes, cancel, error);
}

bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error)
{
    void *base;

    bytes = whole_huge_pages(bytes);
    if (bytes <= staging->bytes)
        return true;
    if (!check_available(bytes - staging->bytes, error))
        return false;
    base = staging->base == NULL ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                 : mremap(staging->base, staging->bytes, bytes, MREMAP_MAYMOVE);
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
    if (staging->supplied_bytes > bytes)
        staging->supplied_bytes = bytes;
}

void staging_memory_release(StagingMemory *staging)
{
    if (staging->base != NULL)
        (void)munmap(staging->base, staging->bytes);
    *staging = (StagingMemory){.base = NULL};
}
