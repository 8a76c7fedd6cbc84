// A program on the Boehm collector whose threads do nothing but allocate, keep and drop objects, so
// that it can be stopped at any moment and compared: each object begins with its own address, with
// MAGIC, and `ring` has those that are kept.
//
//     busy [THREADS]      prints "ring ADDRESS ENTRIES" once all have begun

#define GC_THREADS
#include <gc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 8
#define ENTRIES 4096
#define MAGIC UINT64_C(0x5bd1e995a7c3f10d)

uint64_t *volatile ring[THREADS][ENTRIES];

static uint64_t *new_object(size_t bytes, int is_pointer_free)
{
    uint64_t *object = is_pointer_free ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC(bytes);

    object[0] = (uint64_t)object ^ MAGIC;
    if (bytes > 16)
        object[1] = 0;
    return object;
}

static void *work(void *argument)
{
    long thread = (long)argument;
    uint64_t state = 12345 + (uint64_t)thread * 777;

    for (;;) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t random = state >> 20, entry = random % ENTRIES;
        size_t bytes = 24 + (random >> 12) % ((random >> 24) % 50 != 0 ? 400 : 20000);
        int is_pointer_free = (int)(random >> 40 & 1);
        uint64_t *object = new_object(bytes, is_pointer_free);

        if (!is_pointer_free)
            object[1] = (uint64_t)ring[thread][entry * 7 % ENTRIES];
        if ((random >> 36 & 7) == 7) {
            GC_FREE(object);
            continue;
        }
        ring[thread][entry] = (random >> 35 & 1) != 0 ? object : NULL;
        if (object[0] != ((uint64_t)object ^ MAGIC))
            abort();
        for (int i = 0; i < 3; i++)
            (void)new_object(24, 0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 4;

    GC_INIT();
    for (long i = 0; i < threads && i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)i) != 0)
            return 1;
    }
    usleep(300000);
    printf("ring %p %d\n", (void *)ring, THREADS * ENTRIES);
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}
