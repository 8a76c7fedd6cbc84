// CopyCheck: see copy_check_internal.h. The pages are chosen, and their copies set aside, before
// the process is stopped, so that the comparison in the stop is one system call.

#include "snapshot/capture/live/copy_check_internal.h"

#include <string.h>
#include <sys/uio.h>

#include "snapshot/capture/copy/page_sets.h"

// xorshift64*
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static bool has_page(const PageSelection *pages, uint64_t address)
{
    uint64_t at = page_set_find(pages, address);

    return at < pages->count && pages->ranges[at].address <= address;
}

void copy_check_choose(CopyCheck *check, const PageSelection *copy, const PageSelection *later,
                       uint64_t seed)
{
    uint64_t state = seed | 1;

    check->chosen = 0;
    for (unsigned i = 0; i < COPY_CHECK_PAGES && copy->count > 0; i++) {
        const ProcessRange *range = &copy->ranges[next_random(&state) % copy->count];
        uint64_t offset = next_random(&state) % (range->bytes / PAGE_BYTES) * PAGE_BYTES;

        if (has_page(later, range->address + offset))
            continue;
        check->addresses[check->chosen] = range->address + offset;
        memcpy(check->copies[check->chosen++], range->data + offset, PAGE_BYTES);
    }
}

void copy_check_run(CopyCheck *check, int tid, const PageSelection *unchanged)
{
    uint32_t asked[COPY_CHECK_PAGES], count = 0;
    struct iovec theirs[COPY_CHECK_PAGES], ours;
    ssize_t got;

    check->compared = 0;
    check->differing = 0;
    for (uint32_t i = 0; i < check->chosen; i++) {
        if (!has_page(unchanged, check->addresses[i]))
            continue;
        memcpy(&theirs[count].iov_base, &check->addresses[i], sizeof theirs[count].iov_base);
        theirs[count].iov_len = PAGE_BYTES;
        asked[count++] = i;
    }
    ours = (struct iovec){.iov_base = check->pages, .iov_len = count * PAGE_BYTES};
    got = count == 0 ? 0 : process_vm_readv(tid, &ours, 1, theirs, count, 0);
    // A page that cannot be read was not copied either.
    for (uint32_t i = 0; (ssize_t)(i + 1) * (ssize_t)PAGE_BYTES <= got; i++) {
        check->compared++;
        check->differing += memcmp(check->pages[i], check->copies[asked[i]], PAGE_BYTES) != 0;
    }
}
