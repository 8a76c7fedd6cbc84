// See cli/heap_memory.h.

#include "cli/heap_memory.h"

#include "base/machine/memory_available.h"
#include "cli/terminal.h"

bool heap_memory_refuse(const MemoryLimit *limit, const char *what, uint64_t bytes, uint64_t left,
                        uint64_t would_do, Error *error)
{
    char need[NUMBER_CHARS], all[NUMBER_CHARS];
    bool is_automatic = limit->is_automatic;

    (void)error_set(error, ERROR_MEMORY, "%s would take %s more than %s", what,
                    format_bytes(need, bytes - left),
                    is_automatic ? "there is memory" : "--mem-limit allows");
    return error_add_hint(error, is_automatic ? "%s of memory would do" : "--mem-limit %s would do",
                          format_round_bytes(all, would_do));
}

bool heap_memory_check_whole(const MemoryLimit *limit, const char *path, uint32_t jobs,
                             Error *error)
{
    uint64_t bytes, each = limit->bytes / jobs;

    if (limit->bytes == UINT64_MAX)
        return true;
    // Reading says better why a file cannot be read.
    if (!memory_limit_whole_bytes(limit, path, &bytes, error))
        return error->code != ERROR_MEMORY;
    return bytes <= each || heap_memory_refuse(limit, "the heap, which this needs whole,", bytes,
                                               each, bytes * jobs, error);
}

bool heap_memory_check_tables(const MemoryLimit *limit, const char *path, Error *error)
{
    uint64_t bytes, used;
    char text[NUMBER_CHARS];

    // Below that, only what was made from the heap counts.
    if (limit->bytes == UINT64_MAX || limit->bytes < MEMORY_LIMIT_LEAST)
        return true;
    if (!snapshot_read_table_bytes(path, &bytes, error))
        return error->code != ERROR_MEMORY;
    used = memory_resident() + limit->paging.budget_bytes;
    if (used < limit->bytes && bytes <= limit->bytes - used)
        return true;
    (void)error_set(error, ERROR_MEMORY, "the tables of the heap take %s, and %s",
                    format_bytes(text, bytes + used),
                    limit->is_automatic ? "there is less memory" : "--mem-limit allows less");
    return error_add_hint(error, "more than %s would do", format_round_bytes(text, bytes + used));
}

bool heap_memory_read(const MemoryLimit *limit, const char *path, HeapImage **out, Error *error)
{
    SnapshotReadOptions options = {.threads = 0};

    *out = NULL;
    memory_limit_read_options(limit, &options);
    return heap_memory_check_tables(limit, path, error) &&
           snapshot_read(path, &options, out, error);
}

uint32_t heap_memory_jobs(const MemoryLimit *limit, const char *path, uint32_t jobs)
{
    uint64_t bytes;
    Error ignored;

    if (limit->bytes == UINT64_MAX || jobs == 1 ||
        !memory_limit_whole_bytes(limit, path, &bytes, &ignored) || bytes <= limit->bytes / jobs)
        return jobs;
    return bytes < limit->bytes ? (uint32_t)(limit->bytes / bytes) : 1;
}

uint64_t heap_memory_salvaged(int64_t option)
{
    uint64_t resident = memory_resident(), limit = (uint64_t)option;

    if (option == 0)
        return 0;
    // The whole stream, and its parts as they are written.
    return limit >= resident + 2 ? (limit - resident) / 2 : 1;
}
