// A process with a heap, sleeping threads, and threads that come and go.
//
//     many_threads HEARTBEAT [sleeping=N] [spawning=N] [pages=N] [lifetime-ms=N] [main-ends]
//
// sleeping: threads that sleep in nanosleep. spawning: threads that start short-lived threads
// one after the other, each of which may start one itself. pages: heap pages. lifetime-ms: the
// process ends by itself after that time. main-ends: the first thread ends, the others run on.
// Prints "ready", then runs until it is killed.

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

static const char *heartbeat;

static void start_thread(void *(*body)(void *), void *context)
{
    pthread_attr_t attributes;
    pthread_t thread;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, 65536);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, body, context) != 0)
        target_fail("pthread_create");
    (void)pthread_attr_destroy(&attributes);
}

static void *sleep_for_ever(void *context)
{
    const struct timespec hour = {.tv_sec = 3600};

    (void)context;
    for (;;)
        (void)nanosleep(&hour, NULL);
    return NULL;
}

static void *live_shortly(void *context)
{
    int generations = *(int *)context;
    pthread_t child;

    if (generations > 0) {
        generations--;
        if (pthread_create(&child, NULL, live_shortly, &generations) != 0)
            target_fail("pthread_create");
        (void)pthread_join(child, NULL);
    }
    return NULL;
}

static void *spawn_for_ever(void *context)
{
    (void)context;
    for (;;) {
        int generations = 2;
        pthread_t child;

        if (pthread_create(&child, NULL, live_shortly, &generations) != 0)
            target_fail("pthread_create");
        (void)pthread_join(child, NULL);
    }
    return NULL;
}

static void *end_process(void *context)
{
    long milliseconds = *(long *)context;
    const struct timespec lifetime = {.tv_sec = milliseconds / 1000,
                                      .tv_nsec = milliseconds % 1000 * 1000000};

    (void)nanosleep(&lifetime, NULL);
    _exit(0);
}

static long number_of(const char *argument, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(argument, key, length) != 0 || argument[length] != '=')
        return -1;
    return strtol(argument + length + 1, NULL, 10);
}

int main(int argc, char **argv)
{
    static long lifetime_ms;
    long sleeping = 0, spawning = 0, pages = 64;
    bool has_main = true;

    if (argc < 2) {
        fprintf(stderr, "usage: %s HEARTBEAT [KEY=N...]\n", argv[0]);
        return 2;
    }
    heartbeat = argv[1];
    for (int i = 2; i < argc; i++) {
        long value;

        if (strcmp(argv[i], "main-ends") == 0)
            has_main = false;
        else if ((value = number_of(argv[i], "sleeping")) >= 0)
            sleeping = value;
        else if ((value = number_of(argv[i], "spawning")) >= 0)
            spawning = value;
        else if ((value = number_of(argv[i], "pages")) >= 0)
            pages = value;
        else if ((value = number_of(argv[i], "lifetime-ms")) >= 0)
            lifetime_ms = value;
    }
    (void)target_map_heap((uint64_t)pages);
    target_start_heartbeat(heartbeat);
    for (long i = 0; i < sleeping; i++)
        start_thread(sleep_for_ever, NULL);
    for (long i = 0; i < spawning; i++)
        start_thread(spawn_for_ever, NULL);
    if (lifetime_ms > 0)
        start_thread(end_process, &lifetime_ms);
    target_announce();
    if (!has_main)
        pthread_exit(NULL);
    for (;;)
        (void)pause();
}
