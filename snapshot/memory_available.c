// How much memory can be had: see memory_available_internal.h.
//
// Memory is only promised by the kernel, and supplied at the first use. Where it turns out that
// there is none, the kernel kills a process, and that may well be the one to be captured.

#include "snapshot/memory_available_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/proc_files_internal.h"

#define GROUP_PATH_BYTES 4096

const MemorySources system_memory_sources = {
    .meminfo = "/proc/meminfo",
    .own_groups = "/proc/self/cgroup",
    .groups_root = "/sys/fs/cgroup",
};

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

// What the group at `folder` leaves: its limit less what it uses and cannot give up.
static uint64_t left_in_group(const char *folder)
{
    uint64_t limit = read_number(folder, "memory.max", "", UINT64_MAX), used, reclaimable;

    if (limit == UINT64_MAX)
        return UINT64_MAX;
    used = read_number(folder, "memory.current", "", 0);
    reclaimable = read_number(folder, "memory.stat", "inactive_file ", 0);
    used -= reclaimable < used ? reclaimable : used;
    return used < limit ? limit - used : 0;
}

// The least that this process's group and those above it leave.
static uint64_t left_in_groups(const MemorySources *sources)
{
    char *text = proc_file_read(sources->own_groups), *own = NULL;
    char folder[GROUP_PATH_BYTES];
    size_t root_length = strlen(sources->groups_root);
    uint64_t least = UINT64_MAX;

    for (char *line = text; line != NULL && own == NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, "0::/", 4) == 0)
            own = line + 3;
    }
    if (own != NULL) {
        own[strcspn(own, "\n")] = '\0';
        if (snprintf(folder, sizeof folder, "%s%s", sources->groups_root, own) >=
            (int)sizeof folder)
            own = NULL;
    }
    while (own != NULL && strlen(folder) >= root_length) {
        uint64_t left = left_in_group(folder);
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
    uint64_t groups = left_in_groups(sources);

    free(text);
    if (machine / 1024 == UINT64_MAX / 1024)
        machine = UINT64_MAX;
    return machine < groups ? machine : groups;
}
