// Numbered snapshots: see cli/commands/snapshot_series.h.

#include "cli/commands/snapshot_series.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// The name's part of `path`, and in it the suffix, which a dot begins; a dot at the start does not.
static const char *name_of(const char *path, const char **suffix)
{
    const char *folder_end = strrchr(path, '/');
    const char *name = folder_end == NULL ? path : folder_end + 1;
    const char *dot = strrchr(name, '.');

    *suffix = dot == NULL || dot == name ? path + strlen(path) : dot;
    return name;
}

bool series_path(const char *path, uint32_t number, char *out, size_t size)
{
    const char *suffix;

    (void)name_of(path, &suffix);
    return snprintf(out, size, "%.*s.%04u%s", (int)(suffix - path), path, number, suffix) <
           (int)size;
}

// The number in a name that series_path() made of `name`; 0: it did not.
static uint32_t number_in(const char *entry, const char *name, const char *suffix)
{
    size_t stem = (size_t)(suffix - name), digits = 0;
    uint64_t number = 0;

    if (strncmp(entry, name, stem) != 0 || entry[stem] != '.')
        return 0;
    entry += stem + 1;
    for (; entry[digits] >= '0' && entry[digits] <= '9' && number <= UINT32_MAX; digits++)
        number = 10 * number + (uint64_t)(entry[digits] - '0');
    return digits >= 4 && number <= UINT32_MAX && strcmp(entry + digits, suffix) == 0
               ? (uint32_t)number
               : 0;
}

bool series_last(const char *path, uint32_t *last, Error *error)
{
    const char *suffix, *name = name_of(path, &suffix);
    char folder[PATH_MAX];
    struct dirent *entry;
    DIR *entries;

    *last = 0;
    if (snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path) >= (int)sizeof folder)
        return error_set(error, ERROR_USAGE, "the file name '%s' is too long", path);
    entries = opendir(name == path ? "." : folder);
    if (entries == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot read the folder of '%s': %s", path,
                         strerror(errno));
    while ((entry = readdir(entries)) != NULL) {
        uint32_t number = number_in(entry->d_name, name, suffix);
        if (number > *last)
            *last = number;
    }
    (void)closedir(entries);
    return true;
}
