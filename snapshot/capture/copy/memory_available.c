// How much memory can be allocated: see memory_available.h.
//
// The kernel promises memory when it is mapped, and supplies it at the first use. If there is none
// by then, the kernel kills a process, perhaps the very one that is captured.

#include "snapshot/capture/copy/memory_available.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/copy/proc_files.h"

#define GROUP_PATH_BYTES 4096

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
    char path[GROUP_PATH_BYTES];
    uint64_t number;
    char *text;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return fallback;
    text = proc_file_read(path);
    if (text == NULL)
        return fallback;
    number = strncmp(text, "max", 3) == 0 ? fallback : number_after(text, key, fallback);
    free(text);
    return number;
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

// Does the list of controllers, as in "3:cpu,memory:/", have `memory`?
static bool has_memory_controller(const char *line)
{
    const char *list = strchr(line, ':');
    size_t length = list == NULL ? 0 : strcspn(list + 1, ":\n");

    for (const char *at = list; at != NULL && at <= list + length; at = strchr(at + 1, ','))
        if (strncmp(at + 1, "memory", 6) == 0 && strchr(",:", at[7]) != NULL)
            return true;
    return false;
}

// The path of this process's group, as a line of `text` says, cut off there; NULL: there is none.
static char *own_group(char *text, bool is_old)
{
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        char *path;

        line += *line == '\n';
        if (is_old ? !has_memory_controller(line) : strncmp(line, "0::/", 4) != 0)
            continue;
        path = strchr(strchr(line, ':') + 1, ':') + 1;
        path[strcspn(path, "\n")] = '\0';
        return path;
    }
    return NULL;
}

// The least memory that this process's group and the groups above it leave. In a container, the
// named groups may not exist here; its own group is the root then.
static uint64_t left_in_groups(const MemorySources *sources, bool is_old)
{
    const char *root = is_old ? sources->old_groups_root : sources->groups_root;
    char *text = proc_file_read(sources->own_groups), *own = own_group(text, is_old);
    uint64_t least = UINT64_MAX;
    char folder[GROUP_PATH_BYTES];

    if (own != NULL && root != NULL &&
        snprintf(folder, sizeof folder, "%s%s", root, own) >= (int)sizeof folder)
        own = NULL;
    while (own != NULL && root != NULL && strlen(folder) >= strlen(root)) {
        uint64_t left = left_in_group(folder, is_old ? &old_files : &new_files);
        char *last = strrchr(folder, '/');

        least = left < least ? left : least;
        if (last == NULL)
            break;
        *last = '\0';
    }
    free(text);
    return least;
}

uint64_t memory_available(const MemorySources *sources)
{
    char *text = proc_file_read(sources->meminfo);
    uint64_t machine = number_after(text, "MemAvailable:", UINT64_MAX / 1024) * 1024;
    uint64_t groups = left_in_groups(sources, false), old_groups = left_in_groups(sources, true);

    free(text);
    if (machine / 1024 == UINT64_MAX / 1024)
        machine = UINT64_MAX;
    groups = groups < old_groups ? groups : old_groups;
    return machine < groups ? machine : groups;
}
