// What programs that tests capture have in common: see target.h.

#include "tests/support/target.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/heap/heap_layout.h"

#define TARGET_BLOCK_SIZE 64u

void target_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

uint8_t *target_map_heap(uint64_t page_count)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint32_t header_size = heap_layout_small_header_size(layout, TARGET_BLOCK_SIZE);
    uint32_t slots = (layout->page_size - header_size) / TARGET_BLOCK_SIZE;
    LayoutField allocated = {.offset = (uint16_t)layout->allocated_bitmap, .width = 8};
    uint8_t *heap = mmap(NULL, page_count * layout->page_size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (heap == MAP_FAILED)
        target_fail("mmap");
    for (uint64_t i = 0; i < page_count; i++) {
        uint8_t *page = heap + i * layout->page_size;

        heap_layout_write(page, layout->magic, layout->magic_value);
        heap_layout_write(page, layout->block_size, TARGET_BLOCK_SIZE);
        heap_layout_write(page, layout->object_count, slots);
        heap_layout_write(page, layout->header_size, header_size);
        heap_layout_write(page, layout->owner_thread, layout->min_owner_thread);
        heap_layout_write(page, layout->free_list_head, layout->free_list_none);
        heap_layout_write(page, allocated, (UINT64_C(1) << slots) - 1);
    }
    return heap;
}

static void *beat(void *context)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    uint64_t *counter = context;

    for (;;) {
        // Relaxed: only this thread writes, and readers want no more than progress.
        __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
        (void)nanosleep(&moment, NULL);
    }
    return NULL;
}

void target_start_heartbeat(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    sigset_t all, before;
    pthread_t thread;
    void *counter;

    if (fd < 0 || ftruncate(fd, 4096) != 0)
        target_fail(path);
    counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        target_fail("mmap");
    (void)close(fd);
    // Signals are for the threads that the test is about.
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, beat, counter) != 0)
        target_fail("pthread_create");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void target_announce(void)
{
    // Only Yama knows it; elsewhere it is not needed.
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    puts("ready");
    if (fflush(stdout) != 0)
        target_fail("stdout");
}
