// Fuzz target: a core file, through the reader and the analysis of what it read.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/find/heap_search.h"
#include "snapshot/capture/core/core_process.h"

// More than this is slow, and no different.
#define MAX_BYTES (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void analyse(const ProcessCopy *copy)
{
    HeapSearchOptions options = {.foreign_mode = FOREIGN_BLOCKS};
    HeapSearch *search = NULL;
    HeapSearchCounts counts;
    Error error = {0};

    if (heap_search_new(copy, &options, &search, &counts, &error)) {
        if (heap_search_contents(search)->run_count == 0)
            abort();
        heap_search_free(search);
    } else if (error.code == ERROR_NONE || error.message[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProcessCopy copy;
    Error error = {0};
    char path[64];
    int file;

    if (size > MAX_BYTES)
        return 0;
    file = memfd_create("core", MFD_CLOEXEC);
    if (file < 0 || (size > 0 && write(file, data, size) != (ssize_t)size))
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (core_process_copy(path, NULL, NULL, &copy, &error)) {
        if (copy.thread_count == 0)
            abort();
        analyse(&copy);
        process_copy_release(&copy);
    } else if (error.code == ERROR_NONE || error.message[0] == '\0') {
        abort();
    }
    (void)close(file);
    return 0;
}
