// Which memory of a process is pinned: see pinned_memory_internal.h.
//
// /proc/PID/fdinfo/N of an io_uring has a table of its buffers. The table is missing or empty while
// the ring is busy; then it is read again. VmPin in /proc/PID/status is the size of all buffers and
// of the memory that devices have pinned, in whole pages: a buffer in huge pages counts with all of
// these. When it is larger than the sum of the tables, there is memory that no table lists.

#include "snapshot/capture/live/pinned_memory_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/proc_files.h"

#define RING_NAME "anon_inode:[io_uring]"
#define MAX_LINK_BYTES 64
#define FDINFO_PATH_BYTES (PROC_PATH_BYTES + 32)
#define HUGE_PAGE_BYTES (UINT64_C(2) << 20)
// A busy ring lists nothing; it is seldom busy for as long as these tries take.
#define MAX_TRIES 100
#define TRY_AGAIN_NS 200000

typedef struct Look {
    const PageSource *source;
    PageSelection *found;
    bool *is_listed; // the mapping is of a ring that has a descriptor; owned
    bool has_rings;
    bool is_incomplete;  // some ring or pinned memory is not listed
    uint64_t pages;      // of all buffers
    uint64_t huge_pages; // the same in huge pages, counted in small ones
} Look;

// ---- buffers ----

static bool add_buffer(Look *look, uint64_t address, uint64_t bytes, Error *error)
{
    uint64_t start = address / PAGE_BYTES * PAGE_BYTES, end;

    // A buffer of the kernel, or an empty slot.
    if (address == 0 || address > UINT64_MAX - bytes - HUGE_PAGE_BYTES)
        return true;
    end = (address + bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    look->pages += (end - start) / PAGE_BYTES;
    look->huge_pages += ((end + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES - start / HUGE_PAGE_BYTES) *
                        (HUGE_PAGE_BYTES / PAGE_BYTES);
    return page_set_add_data(look->found, &(ProcessRange){.address = start, .bytes = end - start},
                             error);
}

// "UserBufs:\t2\n    0: 0x7fb729a00000/4096\n    1: <none>\n"
static bool read_table(Look *look, const char *text, Error *error)
{
    const char *line = text == NULL ? NULL : strstr(text, "\nUserBufs:");
    unsigned count = 0;

    if (line == NULL || sscanf(line, "\nUserBufs: %u", &count) != 1) {
        look->is_incomplete = true;
        return true;
    }
    line = strchr(line + 1, '\n');
    if (count > 0 && (line == NULL || line[1] != ' '))
        look->is_incomplete = true;
    for (; line != NULL && line[1] == ' '; line = strchr(line + 1, '\n')) {
        unsigned long long address;
        unsigned bytes;

        if (sscanf(line, " %*u: 0x%llx/%u", &address, &bytes) == 2 &&
            !add_buffer(look, address, bytes, error))
            return false;
    }
    return true;
}

// ---- rings ----

static bool is_ring(const ProcessMapping *mapping)
{
    return strcmp(mapping->name, RING_NAME) == 0;
}

// Notes the mappings of a ring. False: it has none; it may lie in memory of the program, to which
// the kernel writes its completions.
static bool note_ring(Look *look, uint64_t inode)
{
    bool is_mapped = false;

    for (uint32_t i = 0; i < look->source->mapping_count; i++)
        if (look->source->mappings[i].inode == inode && is_ring(&look->source->mappings[i]))
            is_mapped = look->is_listed[i] = true;
    return is_mapped;
}

static bool look_at_file(Look *look, int folder, const char *number, Error *error)
{
    char path[FDINFO_PATH_BYTES], link[MAX_LINK_BYTES], *text;
    ssize_t length = readlinkat(folder, number, link, sizeof link);
    struct stat status;
    bool is_ok;

    if (length != (ssize_t)sizeof RING_NAME - 1 || memcmp(link, RING_NAME, (size_t)length) != 0 ||
        fstatat(folder, number, &status, 0) != 0)
        return true;
    look->has_rings = true;
    if (!note_ring(look, status.st_ino))
        look->is_incomplete = true;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/fdinfo/%.20s", look->source->pid,
                   look->source->tid, number);
    text = proc_file_read(path);
    is_ok = read_table(look, text, error);
    free(text);
    return is_ok;
}

static bool look_at_files(Look *look, Error *error)
{
    char path[PROC_PATH_BYTES];
    const struct dirent *entry;
    bool is_ok = true;
    DIR *folder;

    proc_task_path(path, look->source->pid, look->source->tid, "fd");
    folder = opendir(path);
    if (folder == NULL)
        return capture_refusal_explain(look->source->pid, errno, error);
    while (is_ok && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            is_ok = look_at_file(look, dirfd(folder), entry->d_name, error);
    (void)closedir(folder);
    return is_ok;
}

// ---- all rings ----

// Turns the buffers, which may overlap, into a set of pages.
static void make_set(PageSelection *found)
{
    uint64_t kept = 0;

    page_set_sort(found);
    found->bytes = 0;
    for (uint64_t i = 0; i < found->count; i++) {
        ProcessRange *last = &found->ranges[kept], range = found->ranges[i];

        if (i > 0 && range.address <= last->address + last->bytes) {
            if (range.address + range.bytes > last->address + last->bytes)
                last->bytes = range.address + range.bytes - last->address;
        } else {
            kept += i > 0;
            found->ranges[kept] = range;
        }
    }
    found->count = found->count == 0 ? 0 : kept + 1;
    for (uint64_t i = 0; i < found->count; i++)
        found->bytes += found->ranges[i].bytes;
}

static long pinned_kib(const PageSource *source)
{
    return proc_status_number(source->pid, source->tid, "VmPin", 0);
}

static bool look_once(Look *look, Error *error)
{
    const PageSource *source = look->source;
    uint64_t pinned_pages = (uint64_t)pinned_kib(source) / (PAGE_BYTES / 1024);

    page_set_clear(look->found);
    look->is_listed = calloc(source->mapping_count + 1, sizeof *look->is_listed);
    if (look->is_listed == NULL)
        return error_set_memory(error, source->mapping_count, "io_urings");
    if (!look_at_files(look, error))
        return false;
    for (uint32_t i = 0; i < source->mapping_count; i++)
        if (is_ring(&source->mappings[i]) && !look->is_listed[i])
            look->is_incomplete = true;
    if (look->pages < pinned_pages && look->huge_pages < pinned_pages)
        look->is_incomplete = true;
    make_set(look->found);
    return true;
}

// Looks once more, with the mappings of this moment.
static bool look_again(PinnedMemory *pinned, const PageSource *source, bool *is_complete,
                       Error *error)
{
    const struct timespec moment = {.tv_nsec = TRY_AGAIN_NS};
    PageSource now = *source;
    ProcessMapping *mappings;
    Look look = {.source = &now, .found = &pinned->found};
    bool is_ok;

    (void)nanosleep(&moment, NULL);
    if (!proc_mappings_read(source->pid, source->tid, &mappings, &now.mapping_count))
        return capture_refusal_explain(source->pid, errno, error);
    now.mappings = mappings;
    is_ok = look_once(&look, error);
    *is_complete = !look.is_incomplete;
    pinned->has_rings = pinned->has_rings || look.has_rings;
    free(look.is_listed);
    proc_mappings_free(mappings, now.mapping_count);
    return is_ok;
}

bool pinned_memory_look(PinnedMemory *pinned, const PageSource *source, Error *error)
{
    Look look = {.source = source, .found = &pinned->found};
    bool is_ok, is_complete;

    if (pinned->was_looked_at && !pinned->has_rings && pinned_kib(source) == 0)
        return true;
    is_ok = look_once(&look, error);
    is_complete = !look.is_incomplete;
    free(look.is_listed);
    for (int tries = 0; is_ok && !is_complete && tries < MAX_TRIES; tries++)
        is_ok = look_again(pinned, source, &is_complete, error);
    if (!is_ok)
        return false;
    if (!is_complete)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has pinned memory that the kernel does not list, and that may "
                         "be written unseen",
                         source->pid);
    pinned->has_rings = pinned->has_rings || look.has_rings;
    pinned->was_looked_at = true;
    return page_set_add_set(&pinned->pages, &pinned->found, &pinned->scratch, error);
}

void pinned_memory_release(PinnedMemory *pinned)
{
    page_selection_release(&pinned->pages);
    page_selection_release(&pinned->found);
    page_selection_release(&pinned->scratch);
}
