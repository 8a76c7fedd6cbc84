// Can writes be tracked: see write_tracking_support_internal.h.

#include "snapshot/write_tracking_support_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/page_selection_internal.h"
#include "snapshot/pagemap_scan_internal.h"
#include "snapshot/proc_files_internal.h"
#include "snapshot/write_tracking_internal.h"

#define USER_MODE_ONLY 1
#define MAX_LINK_BYTES 64

// ---- the kernel ----

// Tries it out on ourselves, with next to no memory.
static bool kernel_can_scan(void)
{
    const PageQuery query = {.mask = PAGE_IS_PRESENT, .returned = PAGE_IS_PRESENT};
    PagemapRegion *regions = malloc(PAGEMAP_SCAN_REGIONS * sizeof *regions);
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t start = (uint64_t)(uintptr_t)&query / TARGET_PAGE_SIZE * TARGET_PAGE_SIZE;
    bool can = regions != NULL && pagemap >= 0 &&
               pagemap_scan(pagemap, &query, &start, start + TARGET_PAGE_SIZE, regions) == 1;

    if (pagemap >= 0)
        (void)close(pagemap);
    free(regions);
    return can;
}

static bool kernel_can_protect(void)
{
    struct uffdio_api api = {.api = UFFD_API, .features = WRITE_TRACKING_FEATURES};
    int userfault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
    bool can = userfault >= 0 && ioctl(userfault, UFFDIO_API, &api) == 0;

    if (userfault >= 0)
        (void)close(userfault);
    return can;
}

// ---- the process ----

typedef enum OpenFile { OPEN_OTHER, OPEN_USERFAULTFD, OPEN_DIRECT } OpenFile;

// Was the file opened with O_DIRECT?
static bool is_direct(int pid, int tid, const char *number)
{
    char path[PROC_PATH_BYTES + MAX_LINK_BYTES], *text, *flags;
    bool is_direct = false;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/fdinfo/%.20s", pid, tid, number);
    text = proc_file_read(path);
    flags = text == NULL ? NULL : strstr(text, "flags:");
    if (flags != NULL)
        is_direct = (strtoul(flags + 6, NULL, 8) & O_DIRECT) != 0;
    free(text);
    return is_direct;
}

static OpenFile kind_of_file(int pid, int tid, int folder, const char *number)
{
    static const char userfaultfd[] = "anon_inode:[userfaultfd]";
    char link[MAX_LINK_BYTES];
    ssize_t length = readlinkat(folder, number, link, sizeof link);

    if (length == (ssize_t)sizeof userfaultfd - 1 && memcmp(link, userfaultfd, (size_t)length) == 0)
        return OPEN_USERFAULTFD;
    return length > 0 && link[0] == '/' && is_direct(pid, tid, number) ? OPEN_DIRECT : OPEN_OTHER;
}

// The first open file that matters.
static OpenFile find_open_file(int pid, int tid)
{
    char path[PROC_PATH_BYTES];
    OpenFile found = OPEN_OTHER;
    const struct dirent *entry;
    DIR *folder;

    proc_task_path(path, pid, tid, "fd");
    folder = opendir(path);
    if (folder == NULL)
        return OPEN_OTHER;
    while (found == OPEN_OTHER && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            found = kind_of_file(pid, tid, dirfd(folder), entry->d_name);
    (void)closedir(folder);
    return found;
}

bool write_tracking_check_support(int pid, int tid, Error *error)
{
    if (!kernel_can_protect() || !kernel_can_scan())
        return error_set(error, ERROR_UNSUPPORTED,
                         "the kernel does not tell which pages are written (it needs Linux 6.7 "
                         "with userfaultfd)");
    if (proc_status_number(pid, tid, "VmPin", 0) != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has pinned memory, which devices may write unseen", pid);
    switch (find_open_file(pid, tid)) {
    case OPEN_USERFAULTFD:
        return error_set(error, ERROR_UNSUPPORTED, "process %d has a userfaultfd of its own", pid);
    case OPEN_DIRECT:
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has a file open with O_DIRECT, which devices may read into "
                         "its memory unseen",
                         pid);
    case OPEN_OTHER:
        break;
    }
    return true;
}
