// bench_reload: how fast a snapshot is read, checksums on.
//
//     bench_reload FILE [ROUNDS [THREADS]]
//
// Prints "BYTES CPU_SECONDS WALL_SECONDS" of the median round by CPU time: BYTES of heap pages.
// With one thread, CPU time has nothing in it that threads of one core take from each other.

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "snapshot/file/snapshot_file.h"

#define MAX_ROUNDS 100

static double seconds(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct Round {
    double cpu;
    double wall;
} Round;

static int compare_rounds(const void *left, const void *right)
{
    const Round *a = left, *b = right;

    return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
    SnapshotReadOptions options = {0};
    Round times[MAX_ROUNDS];
    SnapshotFileInfo info;
    Error error;

    if (argc < 2 || rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: %s FILE [ROUNDS [THREADS]]\n", argv[0]);
        return 2;
    }
    if (argc > 3)
        options.threads = (uint32_t)strtoul(argv[3], NULL, 10);
    if (!snapshot_read_info(argv[1], &info, &error)) {
        fprintf(stderr, "%s: %s\n", argv[1], error.message);
        return 1;
    }
    for (int i = 0; i < rounds; i++) {
        double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
        HeapImage *image;

        if (!snapshot_read(argv[1], &options, &image, &error)) {
            fprintf(stderr, "%s: %s\n", argv[1], error.message);
            return 1;
        }
        times[i].cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        times[i].wall = seconds(CLOCK_MONOTONIC) - wall;
        heap_image_free(image);
    }
    qsort(times, (size_t)rounds, sizeof *times, compare_rounds);
    printf("%llu %.6f %.6f\n", (unsigned long long)info.page_bytes, times[rounds / 2].cpu,
           times[rounds / 2].wall);
    snapshot_file_info_release(&info);
    return 0;
}
