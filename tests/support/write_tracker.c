// A foreign write tracker: see tests/support/write_tracker.h.

#include "tests/support/write_tracker.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/capture/copy/pagemap_scan.h"
#include "snapshot/capture/live/write_tracking_internal.h"

static _Noreturn void track(int pagemap, uint64_t start, uint64_t end)
{
    static PagemapRegion regions[PAGEMAP_SCAN_REGIONS];
    const struct timespec moment = {.tv_nsec = 500000};
    const PageQuery query = {.protects = true,
                             .mask = PAGE_IS_WRITTEN,
                             .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                             .returned = PAGE_IS_ZERO_PAGE};

    for (;;) {
        uint64_t at = start;

        while (at < end && pagemap_scan(pagemap, &query, &at, end, regions) >= 0)
            continue;
        (void)nanosleep(&moment, NULL);
    }
}

bool write_tracker_start(void *start, uint64_t bytes, const char **reason)
{
    struct uffdio_api api = {.api = UFFD_API, .features = WRITE_TRACKING_FEATURES};
    struct uffdio_register area = {.range = {.start = (uintptr_t)start, .len = bytes},
                                   .mode = UFFDIO_REGISTER_MODE_WP};
    int userfault = (int)syscall(SYS_userfaultfd, O_NONBLOCK | 1);
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    pid_t child;

    *reason = "no asynchronous write protection here";
    if (userfault < 0 || pagemap < 0 || ioctl(userfault, UFFDIO_API, &api) != 0 ||
        ioctl(userfault, UFFDIO_REGISTER, &area) != 0)
        return false;
    *reason = "no child process";
    child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The page map is that of the program, which opened it.
        track(pagemap, (uintptr_t)start, (uintptr_t)start + bytes);
    }
    (void)close(pagemap);
    (void)close(userfault);
    return true;
}
