// Snapshots written and read on several threads at once, for ThreadSanitizer to watch: the
// frames of one file on many threads, and many files side by side. Each must hold what one
// thread would have written.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"
#include "tests/support/tap.h"

#define THREADS 4u

typedef struct Job {
    const TestFolder *folder;
    RandomHeap *heap;
    Bytes wanted; // the file as one thread writes it
    unsigned index;
    unsigned rounds;
    bool ok;
} Job;

static bool write_file(const Job *job, const char *path, uint32_t threads)
{
    SnapshotWriteOptions options = {.threads = threads, .replaces = true};
    Error error;

    return snapshot_write(path, random_heap_contents(job->heap), &options, NULL, &error);
}

static bool read_file(const Job *job, const char *path)
{
    SnapshotReadOptions options = {.threads = THREADS, .force_relocation = true};
    HeapImage *image = NULL;
    Error error;
    bool ok = snapshot_read(path, &options, &image, &error);

    ok = ok && image->root_count == random_heap_contents(job->heap)->root_count;
    heap_image_free(image);
    return ok;
}

static void *work(void *argument)
{
    Job *job = argument;
    char name[32], *path;

    (void)snprintf(name, sizeof name, "heap-%u.zst", job->index);
    path = test_folder_file(job->folder, name);
    for (unsigned i = 0; i < job->rounds && job->ok; i++) {
        job->ok = write_file(job, path, THREADS) && read_file(job, path);
        if (job->ok) {
            Bytes bytes = file_bytes(path);
            job->ok = bytes.length == job->wanted.length &&
                      memcmp(bytes.bytes, job->wanted.bytes, bytes.length) == 0;
            free(bytes.bytes);
        }
    }
    free(path);
    return NULL;
}

int main(void)
{
    RandomHeapOptions options = random_heap_options(test_seed(21), 60000);
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "wanted.zst");
    pthread_t threads[THREADS];
    Job jobs[THREADS];
    Job first = {.folder = &folder, .rounds = (unsigned)test_dose(2), .ok = true};

    options.objects = 60000; // several frames
    first.heap = random_heap_new(&options);
    if (!write_file(&first, path, 1))
        tap_bail("cannot write %s", path);
    first.wanted = file_bytes(path);
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = first;
        jobs[i].index = i;
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0)
            tap_bail("cannot start a thread");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        tap_ok(jobs[i].ok, "files of writer %u are those of one thread, and can be read", i);
    }
    free(first.wanted.bytes);
    random_heap_free(first.heap);
    free(path);
    test_folder_free(&folder);
    return tap_finish();
}
