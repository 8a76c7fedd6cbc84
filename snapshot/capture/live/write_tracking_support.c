// write_tracking_check_support() of write_tracking_internal.h: does the kernel have what write
// tracking needs, and is all memory of the process written through its page table?

#include "snapshot/capture/live/write_tracking_internal.h"

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

#include "base/clean_text.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/pagemap_scan.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/live/pinned_memory_internal.h"

#define USER_MODE_ONLY 1
#define MAX_LINK_BYTES 64
// XDP_UMEM_PGOFF_FILL_RING
#define FRAMES_OFFSET UINT64_C(0x100000000)

// ---- the kernel ----

// Tries the request on one page of this process.
static bool kernel_can_scan(void)
{
    const PageQuery query = {.mask = PAGE_IS_PRESENT, .returned = PAGE_IS_PRESENT};
    PagemapRegion *regions = malloc(PAGEMAP_SCAN_REGIONS * sizeof *regions);
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t start = (uint64_t)(uintptr_t)&query / PAGE_BYTES * PAGE_BYTES;
    bool can = regions != NULL && pagemap >= 0 &&
               pagemap_scan(pagemap, &query, &start, start + PAGE_BYTES, regions) == 1;

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

typedef enum OpenFile {
    OPEN_OTHER,
    OPEN_RING, // an io_uring: pinned_memory_internal.h looks at its buffers
    OPEN_USERFAULTFD,
    OPEN_DIRECT,
    OPEN_PINNING,
} OpenFile;

// Beginnings of the names of files by which devices are given memory that they may write later.
static const char *const pinning_files[] = {
    "/dev/infiniband/", "/dev/vfio/",  "anon_inode:[vfio", "/dev/iommu",
    "/dev/vhost-vdpa",  "/dev/nvidia", "/dev/uio",         "/dev/video",
    "/dev/sg",          "/dev/bsg/",   "/dev/ng",
};

static bool is_pinning(const char *link)
{
    for (size_t i = 0; i < sizeof pinning_files / sizeof *pinning_files; i++)
        if (strncmp(link, pinning_files[i], strlen(pinning_files[i])) == 0)
            return true;
    return false;
}

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

// The kind of an open file; *link is its name.
static OpenFile kind_of_file(int pid, int tid, int folder, const char *number,
                             char link[MAX_LINK_BYTES])
{
    ssize_t length = readlinkat(folder, number, link, MAX_LINK_BYTES - 1);

    link[length < 0 ? 0 : length] = '\0';
    if (strcmp(link, "anon_inode:[userfaultfd]") == 0)
        return OPEN_USERFAULTFD;
    if (strcmp(link, "anon_inode:[io_uring]") == 0)
        return OPEN_RING;
    if (is_pinning(link))
        return OPEN_PINNING;
    return link[0] == '/' && is_direct(pid, tid, number) ? OPEN_DIRECT : OPEN_OTHER;
}

// The first open file that is in the way of write tracking, and its name; *has_rings: there is an
// io_uring.
static OpenFile find_open_file(int pid, int tid, char link[MAX_LINK_BYTES], bool *has_rings)
{
    char path[PROC_PATH_BYTES];
    OpenFile found = OPEN_OTHER;
    const struct dirent *entry;
    DIR *folder;

    proc_task_path(path, pid, tid, "fd");
    folder = opendir(path);
    if (folder == NULL)
        return OPEN_OTHER;
    while (found == OPEN_OTHER && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            found = kind_of_file(pid, tid, dirfd(folder), entry->d_name, link);
        if (found == OPEN_RING) {
            *has_rings = true;
            found = OPEN_OTHER;
        }
    }
    (void)closedir(folder);
    return found;
}

static bool check_open_files(int pid, int tid, bool *has_rings, Error *error)
{
    char link[MAX_LINK_BYTES] = "";

    *has_rings = false;
    switch (find_open_file(pid, tid, link, has_rings)) {
    case OPEN_USERFAULTFD:
        return error_set(error, ERROR_UNSUPPORTED, "process %d has a userfaultfd of its own", pid);
    case OPEN_DIRECT:
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has a file open with O_DIRECT, which devices may read into "
                         "its memory unseen",
                         pid);
    case OPEN_PINNING:
        text_clean(link, strlen(link), TEXT_ONE_LINE);
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has '%s' open, which may write its memory unseen", pid, link);
    case OPEN_OTHER:
    case OPEN_RING:
        break;
    }
    return true;
}

// The frames of an AF_XDP socket lie in memory of the program, and network devices write to them. A
// program that uses such a socket maps its fill ring, at an offset of its own.
static bool check_sockets(const PageSource *source, Error *error)
{
    for (uint32_t i = 0; i < source->mapping_count; i++)
        if (source->mappings[i].file_offset == FRAMES_OFFSET &&
            strncmp(source->mappings[i].name, "socket:", 7) == 0)
            return error_set(error, ERROR_UNSUPPORTED,
                             "process %d has an AF_XDP socket, whose frames devices may write "
                             "unseen",
                             source->pid);
    return true;
}

static bool check_pinned_memory(int pid, int tid, bool has_rings, Error *error)
{
    PageSource source = {.pid = pid, .tid = tid};
    PinnedMemory pinned = {.was_looked_at = true, .has_rings = has_rings};
    ProcessMapping *mappings;
    bool is_ok;

    if (!proc_mappings_read(pid, tid, &mappings, &source.mapping_count))
        return capture_refusal_explain(pid, errno, error);
    source.mappings = mappings;
    is_ok = check_sockets(&source, error) && pinned_memory_look(&pinned, &source, error);
    pinned_memory_release(&pinned);
    proc_mappings_free(mappings, source.mapping_count);
    return is_ok;
}

bool write_tracking_check_support(int pid, int tid, Error *error)
{
    bool has_rings;

    if (!kernel_can_protect() || !kernel_can_scan())
        return error_set(error, ERROR_UNSUPPORTED,
                         "the kernel does not tell which pages are written (it needs Linux 6.7 "
                         "with userfaultfd)");
    return check_open_files(pid, tid, &has_rings, error) &&
           check_pinned_memory(pid, tid, has_rings, error);
}
