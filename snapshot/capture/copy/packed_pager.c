// PackedPager: see packed_pager_internal.h.
//
// An area is a mapping that is empty at first. It is registered with a userfaultfd, so that a
// thread that reads one of its pages waits until a pager thread has unpacked the frame around the
// page. When the cache is full, the frame that was unpacked first is dropped; it is unpacked again
// when it is read again.

#include "snapshot/capture/copy/packed_pager_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/parallel_for.h"
#include "snapshot/capture/copy/page_selection.h"

#define STACK_BYTES (UINT64_C(256) << 10)
// Several threads may each read several frames at a time.
#define LEAST_CACHE_BYTES (UINT64_C(4) << 20)
// Only faults of user code can be handled, which takes no privilege. Older than Linux 5.11: no
// flag.
#define USER_MODE_ONLY 1

typedef enum FrameState {
    FRAME_ABSENT,
    FRAME_COMING, // a thread is unpacking it
    FRAME_THERE,
} FrameState;

static uint64_t frame_bytes(const PackedArea *area, uint64_t frame)
{
    uint64_t left = area->bytes - frame * PACKED_FRAME_BYTES;

    return left < PACKED_FRAME_BYTES ? left : PACKED_FRAME_BYTES;
}

// ---- supplying frames ----

static void wake(const PackedPager *pager, uint8_t *start, uint64_t bytes)
{
    struct uffdio_range range = {.start = (uintptr_t)start, .len = bytes};

    (void)ioctl(pager->userfault, UFFDIO_WAKE, &range);
}

// Copies a frame into its area. The kernel may stop half-way; the rest is requested again.
static void supply(const PackedPager *pager, uint8_t *start, const uint8_t *from, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        struct uffdio_copy copy = {.dst = (uintptr_t)(start + done),
                                   .src = (uintptr_t)(from + done),
                                   .len = bytes - done,
                                   .mode = UFFDIO_COPY_MODE_DONTWAKE};

        if (ioctl(pager->userfault, UFFDIO_COPY, &copy) == 0)
            break;
        if (copy.copy > 0)
            done += (uint64_t)copy.copy;
        else if (errno == EEXIST)
            done += PAGE_BYTES;
        else if (errno != EAGAIN)
            break;
    }
    wake(pager, start, bytes);
}

static void note_failure(PackedPager *pager, const Error *error)
{
    (void)pthread_mutex_lock(&pager->mutex);
    if (!pager->has_failed)
        pager->failure = *error;
    pager->has_failed = true;
    (void)pthread_mutex_unlock(&pager->mutex);
}

// Records that a frame is present, and drops the oldest one when the cache is full. With the mutex
// held.
static void note_present(PackedPager *pager, PresentFrame frame)
{
    pager->areas[frame.area].states[frame.frame] = FRAME_THERE;
    if (pager->present_count == pager->present_capacity) {
        PresentFrame oldest = pager->present[pager->present_first];
        PackedArea *area = &pager->areas[oldest.area];

        area->states[oldest.frame] = FRAME_ABSENT;
        (void)madvise(area->base + oldest.frame * PACKED_FRAME_BYTES,
                      frame_bytes(area, oldest.frame), MADV_DONTNEED);
        pager->present_first = (pager->present_first + 1) % pager->present_capacity;
        pager->present_count--;
    }
    pager->present[(pager->present_first + pager->present_count) % pager->present_capacity] = frame;
    pager->present_count++;
}

static bool find_frame(const PackedPager *pager, uint64_t address, PresentFrame *out)
{
    for (uint32_t i = 0; i < pager->area_count; i++) {
        uint64_t base = (uintptr_t)pager->areas[i].base;

        if (address >= base && address - base < pager->areas[i].bytes) {
            *out = (PresentFrame){i, (address - base) / PACKED_FRAME_BYTES};
            return true;
        }
    }
    return false;
}

// Supplies the frame of the page at `address`, for which a thread waits.
static void serve(PagerThread *thread, uint64_t address)
{
    PackedPager *pager = thread->pager;
    FrameState state = FRAME_ABSENT;
    const uint8_t *bytes;
    PackedArea area;
    PresentFrame at;
    Error error;

    (void)pthread_mutex_lock(&pager->mutex);
    if (!find_frame(pager, address, &at)) {
        (void)pthread_mutex_unlock(&pager->mutex);
        return;
    }
    area = pager->areas[at.area];
    state = (FrameState)area.states[at.frame];
    if (state == FRAME_ABSENT)
        area.states[at.frame] = FRAME_COMING;
    (void)pthread_mutex_unlock(&pager->mutex);

    // The thread that unpacks the frame wakes all waiting threads. If the frame has come meanwhile,
    // this one waited for nothing.
    if (state == FRAME_THERE)
        wake(pager, area.base + at.frame * PACKED_FRAME_BYTES, frame_bytes(&area, at.frame));
    if (state != FRAME_ABSENT)
        return;
    if (!frame_unpacker_unpack(thread->unpacker, pager->spool, &area.frames[at.frame],
                               frame_bytes(&area, at.frame), &bytes, &error))
        note_failure(pager, &error);
    // With the mutex held: as soon as the frame can be read, another thread may drop it.
    (void)pthread_mutex_lock(&pager->mutex);
    supply(pager, area.base + at.frame * PACKED_FRAME_BYTES, bytes, frame_bytes(&area, at.frame));
    note_present(pager, at);
    (void)pthread_mutex_unlock(&pager->mutex);
}

static void *run_thread(void *argument)
{
    PagerThread *thread = argument;
    PackedPager *pager = thread->pager;
    struct pollfd watched[2] = {{.fd = pager->userfault, .events = POLLIN},
                                {.fd = pager->end, .events = POLLIN}};
    struct uffd_msg message;

    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (watched[1].revents != 0)
            return NULL;
        // Another thread may have been faster.
        if (read(pager->userfault, &message, sizeof message) == (ssize_t)sizeof message &&
            message.event == UFFD_EVENT_PAGEFAULT)
            serve(thread, message.arg.pagefault.address);
    }
}

// ---- areas ----

static void area_release(PackedArea *area)
{
    if (area->base != NULL)
        (void)munmap(area->base, area->bytes);
    free(area->frames);
    free(area->states);
    *area = (PackedArea){.base = NULL};
}

static bool area_init(PackedArea *area, int userfault, uint64_t bytes, Error *error)
{
    struct uffdio_register request = {.mode = UFFDIO_REGISTER_MODE_MISSING};
    void *base = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    *area = (PackedArea){.bytes = bytes};
    if (base == MAP_FAILED)
        return error_set_memory(error, bytes, "addresses of compressed pages");
    area->base = base;
    area->frame_count = (bytes + PACKED_FRAME_BYTES - 1) / PACKED_FRAME_BYTES;
    area->frames = calloc(area->frame_count, sizeof *area->frames);
    area->states = calloc(area->frame_count, sizeof *area->states);
    if (area->frames == NULL || area->states == NULL)
        return error_set_memory(error, area->frame_count * sizeof *area->frames, "frames");
    (void)madvise(base, bytes, MADV_NOHUGEPAGE);
    request.range.start = (uintptr_t)base;
    request.range.len = bytes;
    return ioctl(userfault, UFFDIO_REGISTER, &request) == 0 ||
           error_set(error, ERROR_SYSTEM, "cannot watch memory: %s", strerror(errno));
}

PackedArea *packed_pager_new_area(PackedPager *pager, uint64_t bytes, Error *error)
{
    PackedArea *area = &pager->areas[pager->area_count];

    if (pager->area_count == PACKED_PAGER_MAX_AREAS) {
        (void)error_set_memory(error, bytes, "more compressed pages");
        return NULL;
    }
    if (area_init(area, pager->userfault, bytes, error))
        return area;
    area_release(area);
    return NULL;
}

void packed_pager_publish(PackedPager *pager)
{
    (void)pthread_mutex_lock(&pager->mutex);
    pager->area_count++;
    (void)pthread_mutex_unlock(&pager->mutex);
}

void packed_pager_drop_area(PackedPager *pager)
{
    area_release(&pager->areas[pager->area_count]);
}

bool packed_pager_check(PackedPager *pager, Error *error)
{
    bool is_ok;

    (void)pthread_mutex_lock(&pager->mutex);
    is_ok = !pager->has_failed;
    if (!is_ok)
        *error = pager->failure;
    (void)pthread_mutex_unlock(&pager->mutex);
    return is_ok;
}

// ---- begin and end ----

static bool open_userfault(PackedPager *pager, Error *error)
{
    struct uffdio_api api = {.api = UFFD_API};

    pager->userfault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
    if (pager->userfault < 0 && errno == EINVAL)
        pager->userfault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (pager->userfault >= 0 && ioctl(pager->userfault, UFFDIO_API, &api) == 0)
        return true;
    error_set(error, ERROR_SYSTEM, "pages cannot be kept compressed: userfaultfd: %s",
              strerror(errno));
    return error_add_hint(error,
                          "without --staging they need not be, where there is memory for all");
}

static bool start_thread(PackedPager *pager, PagerThread *thread, const pthread_attr_t *attributes,
                         Error *error)
{
    int result;

    thread->pager = pager;
    if (!frame_unpacker_new(&thread->unpacker, error))
        return false;
    result = pthread_create(&thread->thread, attributes, run_thread, thread);
    thread->is_running = result == 0;
    // One thread is enough.
    if (result == 0 || thread != pager->threads)
        return true;
    (void)error_set(error, ERROR_SYSTEM, "cannot start a thread that unpacks pages: %s",
                    strerror(result));
    return error_add_hint(error, "a limit on processes leaves none; without --staging none is "
                                 "needed, where there is memory for all pages");
}

// With all signals blocked: they are for the other threads of the program.
static bool start_threads(PackedPager *pager, Error *error)
{
    uint32_t count = parallel_for_threads(0, PACKED_PAGER_MAX_THREADS);
    pthread_attr_t attributes;
    sigset_t all, before;
    bool is_ok = true;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 0; i < count && is_ok; i++)
        is_ok = start_thread(pager, &pager->threads[i], &attributes, error);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return is_ok;
}

bool packed_pager_init(PackedPager *pager, const SpoolFile *spool, uint64_t cache_bytes,
                       Error *error)
{
    *pager = (PackedPager){.spool = spool, .userfault = -1, .end = -1};
    (void)pthread_mutex_init(&pager->mutex, NULL);
    cache_bytes = cache_bytes > LEAST_CACHE_BYTES ? cache_bytes : LEAST_CACHE_BYTES;
    pager->present_capacity = cache_bytes / PACKED_FRAME_BYTES;
    pager->present = calloc(pager->present_capacity, sizeof *pager->present);
    if (pager->present == NULL)
        return error_set_memory(error, pager->present_capacity * sizeof *pager->present,
                                "compressed pages");
    pager->end = eventfd(0, EFD_CLOEXEC);
    if (pager->end < 0)
        return error_set(error, ERROR_SYSTEM, "cannot make an event: %s", strerror(errno));
    return open_userfault(pager, error) && start_threads(pager, error);
}

void packed_pager_release(PackedPager *pager)
{
    const uint64_t one = 1;

    if (pager->end >= 0)
        (void)!write(pager->end, &one, sizeof one);
    for (uint32_t i = 0; i < PACKED_PAGER_MAX_THREADS; i++) {
        if (pager->threads[i].is_running)
            (void)pthread_join(pager->threads[i].thread, NULL);
        frame_unpacker_free(pager->threads[i].unpacker);
    }
    for (uint32_t i = 0; i < pager->area_count; i++)
        area_release(&pager->areas[i]);
    if (pager->userfault >= 0)
        (void)close(pager->userfault);
    if (pager->end >= 0)
        (void)close(pager->end);
    free(pager->present);
    (void)pthread_mutex_destroy(&pager->mutex);
}
