// How much memory can be allocated: see memory_available.h.
//
// The kernel promises memory when it is mapped, and supplies it at the first use. If there is none
// by then, the kernel kills a process, perhaps the very one that is captured.

#include "base/machine/memory_available.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/machine/control_groups.h"

const MemorySources system_memory_sources = {
    .meminfo = "/proc/meminfo",
    .own_groups = "/proc/self/cgroup",
    .groups_root = "/sys/fs/cgroup",
    .old_groups_root = "/sys/fs/cgroup/memory",
};

// The names of a control group's files.
typedef struct GroupFiles {
    const char *limit;
    const char *used;
    const char *reclaimable; // a line of memory.stat
} GroupFiles;

static const GroupFiles new_files = {"memory.max", "memory.current", "inactive_file "};
static const GroupFiles old_files = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                     "total_inactive_file "};

// The number behind `key` at the start of a line, or `fallback`.
static uint64_t number_after(const char *text, const char *key, uint64_t fallback)
{
    size_t length = strlen(key);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, length) == 0)
            return strtoull(line + length, NULL, 10);
    }
    return fallback;
}

// The number in FOLDER/NAME, behind `key`; `fallback` for "max" or when there is none.
static uint64_t read_number(const char *folder, const char *name, const char *key,
                            uint64_t fallback)
{
    char text[CONTROL_GROUP_TEXT_BYTES];

    if (!control_group_read(folder, name, text) || strncmp(text, "max", 3) == 0)
        return fallback;
    return number_after(text, key, fallback);
}

// The memory that the group at `folder` leaves: its limit, less the used memory that cannot be
// reclaimed.
static uint64_t left_in_group(const char *folder, const GroupFiles *files)
{
    uint64_t limit = read_number(folder, files->limit, "", UINT64_MAX), used, reclaimable;

    if (limit == UINT64_MAX)
        return UINT64_MAX;
    used = read_number(folder, files->used, "", 0);
    reclaimable = read_number(folder, "memory.stat", files->reclaimable, 0);
    used -= reclaimable < used ? reclaimable : used;
    return used < limit ? limit - used : 0;
}

// The least memory that the visited groups leave.
typedef struct GroupSearch {
    const GroupFiles *files;
    uint64_t least;
} GroupSearch;

static void visit_group(void *context, const char *folder)
{
    GroupSearch *search = context;
    uint64_t left = left_in_group(folder, search->files);

    search->least = left < search->least ? left : search->least;
}

static uint64_t left_in_groups(const MemorySources *sources, bool is_old)
{
    const ControlGroups groups = {.own_groups = sources->own_groups,
                                  .root = is_old ? sources->old_groups_root : sources->groups_root,
                                  .controller = is_old ? "memory" : NULL};
    GroupSearch search = {.files = is_old ? &old_files : &new_files, .least = UINT64_MAX};

    control_groups_visit(&groups, visit_group, &search);
    return search.least;
}

// The start of a file as a string; NULL: it cannot be read.
static const char *read_text(const char *path, char text[CONTROL_GROUP_TEXT_BYTES])
{
    FILE *file = fopen(path, "re");
    size_t length;

    if (file == NULL)
        return NULL;
    length = fread(text, 1, CONTROL_GROUP_TEXT_BYTES - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

uint64_t memory_available(const MemorySources *sources)
{
    char text[CONTROL_GROUP_TEXT_BYTES];
    uint64_t machine =
        number_after(read_text(sources->meminfo, text), "MemAvailable:", UINT64_MAX / 1024) * 1024;
    uint64_t groups = left_in_groups(sources, false), old_groups = left_in_groups(sources, true);

    if (machine / 1024 == UINT64_MAX / 1024)
        machine = UINT64_MAX;
    groups = groups < old_groups ? groups : old_groups;
    return machine < groups ? machine : groups;
}

uint64_t memory_resident(void)
{
    char text[CONTROL_GROUP_TEXT_BYTES];
    const char *statm = read_text("/proc/self/statm", text);
    long page_bytes = sysconf(_SC_PAGESIZE);

    // The first number is virtual memory.
    statm = statm != NULL ? strchr(statm, ' ') : NULL;
    return statm != NULL && page_bytes > 0 ? strtoull(statm, NULL, 10) * (uint64_t)page_bytes : 0;
}

void memory_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
