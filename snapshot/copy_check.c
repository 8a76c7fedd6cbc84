// Comparing a copy with the process: see copy_check_internal.h.

#include "snapshot/copy_check_internal.h"

#include <string.h>
#include <sys/uio.h>

#include "snapshot/page_sets_internal.h"

// xorshift64*
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static uint32_t choose_pages(CopyCheck *check, const PageSelection *copy,
                             const PageSelection *unchanged, uint64_t seed)
{
    uint64_t state = seed | 1;
    uint32_t count = 0;

    for (unsigned i = 0; i < COPY_CHECK_PAGES && copy->count > 0; i++) {
        const ProcessRange *range = &copy->ranges[next_random(&state) % copy->count];
        uint64_t offset =
            next_random(&state) % (range->bytes / TARGET_PAGE_SIZE) * TARGET_PAGE_SIZE;
        uint64_t address = range->address + offset, at = page_set_find(unchanged, address);

        if (at == unchanged->count || unchanged->ranges[at].address > address)
            continue;
        check->addresses[count] = address;
        check->copies[count++] = range->data + offset;
    }
    return count;
}

void copy_check_run(CopyCheck *check, int tid, const PageSelection *copy,
                    const PageSelection *unchanged, uint64_t seed)
{
    uint32_t chosen = choose_pages(check, copy, unchanged, seed);
    struct iovec ours = {.iov_base = check->pages, .iov_len = chosen * TARGET_PAGE_SIZE};
    struct iovec theirs[COPY_CHECK_PAGES];
    ssize_t got;

    check->compared = 0;
    check->differing = 0;
    for (uint32_t i = 0; i < chosen; i++) {
        memcpy(&theirs[i].iov_base, &check->addresses[i], sizeof theirs[i].iov_base);
        theirs[i].iov_len = TARGET_PAGE_SIZE;
    }
    got = chosen == 0 ? 0 : process_vm_readv(tid, &ours, 1, theirs, chosen, 0);
    // What cannot be read has not been there to be copied either.
    for (uint32_t i = 0; (ssize_t)(i + 1) * (ssize_t)TARGET_PAGE_SIZE <= got; i++) {
        check->compared++;
        check->differing += memcmp(check->pages[i], check->copies[i], TARGET_PAGE_SIZE) != 0;
    }
}
