// A process with a heap that does things which are hard to capture (hard_targets.sh).
//
//     hard_to_capture HEARTBEAT WHAT [NUMBER]
//
// WHAT:
//   execs      executes itself again 50 times a second; prints "ready" each time
//   forks      two threads fork children all the time, each of which looks at the heap
//   mappings   has NUMBER mappings
//   unforked   a third of the heap is MADV_DONTFORK, a third MADV_WIPEONFORK
//   huge       the heap lies in huge pages, and is written to
//   userfault  serves its own userfaultfd: a part of the heap is write-protected and written to
//              again and again, and other memory gets its pages from it when it is read
//   packets    has an AF_XDP socket, whose frames are in its memory
//   maps       maps the file NUMBER, which it takes for a library
//
// Prints "pages N" and "ready"; upon SIGTERM "done N wrong M": the number of actions (children,
// writes), and of those that failed. "skipped: REASON" if this machine does not have it.

#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

#define PAGE_BYTES UINT64_C(4096)
#define HEAP_PAGES UINT64_C(6144)
#define HUGE_BYTES (UINT64_C(2) << 20)
#define SERVED_PAGES UINT64_C(64)
#define MAGIC 0x52554447u

static uint8_t *heap;
static uint64_t done_count, wrong_count; // relaxed: read at the end, or for progress

static void start_thread(void *(*body)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, NULL) != 0)
        target_fail("pthread_create");
}

static void sleep_us(long microseconds)
{
    const struct timespec moment = {.tv_nsec = microseconds * 1000};

    (void)nanosleep(&moment, NULL);
}

static void note(bool is_right)
{
    __atomic_fetch_add(&done_count, 1, __ATOMIC_RELAXED);
    if (!is_right)
        __atomic_fetch_add(&wrong_count, 1, __ATOMIC_RELAXED);
}

static _Noreturn void skip(const char *reason)
{
    printf("skipped: %s\nready\n", reason);
    (void)fflush(stdout);
    exit(0);
}

// ---- forks ----

static bool heap_is_whole(void)
{
    for (uint64_t i = 0; i < HEAP_PAGES; i++) {
        uint32_t magic;

        memcpy(&magic, heap + i * PAGE_BYTES, sizeof magic);
        if (magic != MAGIC)
            return false;
    }
    return true;
}

static void *fork_for_ever(void *context)
{
    (void)context;
    for (;;) {
        int status = -1;
        pid_t child = fork();

        if (child == 0)
            _exit(heap_is_whole() ? 7 : 1);
        while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        note(child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7);
        sleep_us(500);
    }
    return NULL;
}

// ---- mappings ----

// Every other page is read-only, so that the kernel merges no mappings.
static void make_mappings(uint64_t count)
{
    uint8_t *area =
        mmap(NULL, count * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        target_fail("mmap");
    memset(area, 1, count * PAGE_BYTES);
    for (uint64_t i = 0; i + 1 < count; i += 2)
        if (mprotect(area + i * PAGE_BYTES, PAGE_BYTES, PROT_READ) != 0)
            target_fail("mprotect");
}

// ---- huge pages ----

static void move_to_huge_pages(void)
{
    uint64_t bytes = HEAP_PAGES * PAGE_BYTES;
    uint8_t *area =
        mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *aligned;

    if (area == MAP_FAILED)
        target_fail("mmap");
    aligned = area + (HUGE_BYTES - (uintptr_t)area % HUGE_BYTES) % HUGE_BYTES;
    if (madvise(aligned, bytes, MADV_HUGEPAGE) != 0)
        skip("no transparent huge pages");
    memcpy(aligned, heap, bytes);
    if (munmap(heap, bytes) != 0)
        target_fail("munmap");
    heap = aligned;
}

static void *write_for_ever(void *context)
{
    (void)context;
    for (uint64_t i = 0;; i = (i + 4099) % HEAP_PAGES) {
        uint64_t *word = (uint64_t *)(void *)(heap + i * PAGE_BYTES + PAGE_BYTES - 8);
        uint64_t before = __atomic_load_n(word, __ATOMIC_RELAXED);

        __atomic_store_n(word, before + 1, __ATOMIC_RELAXED);
        note(__atomic_load_n(word, __ATOMIC_RELAXED) == before + 1);
        if (i % 16 == 0)
            sleep_us(1000);
    }
    return NULL;
}

// ---- a userfaultfd of its own ----

static int userfault = -1;
static uint8_t *served; // memory that the handler fills, page by page

static void protect(uint8_t *start, uint64_t bytes, bool is_protected)
{
    struct uffdio_writeprotect range = {.range = {.start = (uintptr_t)start, .len = bytes},
                                        .mode = is_protected ? UFFDIO_WRITEPROTECT_MODE_WP : 0};

    if (ioctl(userfault, UFFDIO_WRITEPROTECT, &range) != 0)
        note(false);
}

static void *serve_faults(void *context)
{
    uint8_t page[PAGE_BYTES];

    (void)context;
    memset(page, 5, sizeof page);
    for (;;) {
        struct uffd_msg message;
        struct uffdio_copy copy = {.src = (uintptr_t)page, .len = PAGE_BYTES};
        uint8_t *place;

        if (read(userfault, &message, sizeof message) != (ssize_t)sizeof message)
            continue;
        memcpy(&place, &message.arg.pagefault.address, sizeof place);
        place -= (uintptr_t)place % PAGE_BYTES;
        if ((message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) != 0) {
            protect(place, PAGE_BYTES, false);
            continue;
        }
        copy.dst = (uintptr_t)place;
        if (ioctl(userfault, UFFDIO_COPY, &copy) != 0 && errno != EEXIST)
            note(false);
    }
    return NULL;
}

static bool watch(void *start, uint64_t bytes, uint64_t mode)
{
    struct uffdio_register registration = {.range = {.start = (uintptr_t)start, .len = bytes},
                                           .mode = mode};

    return ioctl(userfault, UFFDIO_REGISTER, &registration) == 0;
}

static void open_userfault(void)
{
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};

    userfault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    served = mmap(NULL, SERVED_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (userfault < 0 || ioctl(userfault, UFFDIO_API, &api) != 0 || served == MAP_FAILED ||
        !watch(heap, HEAP_PAGES / 2 * PAGE_BYTES, UFFDIO_REGISTER_MODE_WP) ||
        !watch(served, SERVED_PAGES * PAGE_BYTES, UFFDIO_REGISTER_MODE_MISSING))
        skip("no userfaultfd");
    start_thread(serve_faults);
}

// Each round protects the heap's first half; each write is a fault, which the handler resolves.
static void *use_userfault(void *context)
{
    (void)context;
    for (uint64_t round = 0;; round++) {
        volatile uint8_t *page = served + round / 64 % SERVED_PAGES * PAGE_BYTES;

        protect(heap, HEAP_PAGES / 2 * PAGE_BYTES, true);
        for (uint64_t i = round % 7; i < HEAP_PAGES / 2; i += 97)
            heap[i * PAGE_BYTES + PAGE_BYTES - 8]++;
        note(page[round % PAGE_BYTES] == 5);
        sleep_us(2000);
    }
    return NULL;
}

// ---- frames that network devices write to ----

static void open_packet_socket(void)
{
    const uint64_t frames = 64;
    struct xdp_umem_reg area = {.len = frames * PAGE_BYTES, .chunk_size = PAGE_BYTES};
    const int entries = 64;
    int packets = socket(AF_XDP, SOCK_RAW, 0);
    void *start = mmap(NULL, area.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    area.addr = (uintptr_t)start;
    if (packets < 0 || start == MAP_FAILED ||
        setsockopt(packets, SOL_XDP, XDP_UMEM_REG, &area, sizeof area) != 0 ||
        setsockopt(packets, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof entries) != 0 ||
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, packets,
             (off_t)XDP_UMEM_PGOFF_FILL_RING) == MAP_FAILED)
        skip("no AF_XDP sockets");
}

// ---- a file with code ----

static void map_library(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0 ||
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED)
        target_fail(path);
    (void)close(file);
}

// ---- all of them ----

static void *exec_soon(void *context)
{
    char **argv = context;

    sleep_us(20000);
    (void)execv("/proc/self/exe", argv);
    target_fail("execv");
}

static void advise(uint64_t first, uint64_t end, int advice)
{
    if (madvise(heap + first * PAGE_BYTES, (end - first) * PAGE_BYTES, advice) != 0)
        target_fail("madvise");
}

static void become(char **argv)
{
    const char *what = argv[2];
    pthread_t thread;

    if (strcmp(what, "forks") == 0) {
        start_thread(fork_for_ever);
        start_thread(fork_for_ever);
    } else if (strcmp(what, "mappings") == 0) {
        make_mappings(strtoull(argv[3], NULL, 10));
    } else if (strcmp(what, "unforked") == 0) {
        advise(0, HEAP_PAGES / 3, MADV_DONTFORK);
        advise(HEAP_PAGES / 3, HEAP_PAGES / 3 * 2, MADV_WIPEONFORK);
    } else if (strcmp(what, "huge") == 0) {
        move_to_huge_pages();
        start_thread(write_for_ever);
    } else if (strcmp(what, "userfault") == 0) {
        open_userfault();
        start_thread(use_userfault);
    } else if (strcmp(what, "packets") == 0) {
        open_packet_socket();
    } else if (strcmp(what, "maps") == 0) {
        map_library(argv[3]);
    } else if (pthread_create(&thread, NULL, exec_soon, argv) != 0) {
        target_fail("pthread_create");
    }
}

int main(int argc, char **argv)
{
    sigset_t term;
    int signal;

    if (argc < 3) {
        fprintf(stderr, "usage: %s HEARTBEAT WHAT [NUMBER]\n", argv[0]);
        return 2;
    }
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &term, NULL);
    heap = target_map_heap(HEAP_PAGES);
    target_start_heartbeat(argv[1]);
    printf("pages %llu\n", (unsigned long long)HEAP_PAGES);
    become(argv);
    target_announce();
    (void)sigwait(&term, &signal);
    printf("done %llu wrong %llu\n", (unsigned long long)done_count,
           (unsigned long long)wrong_count);
    return fflush(stdout) == 0 ? 0 : 1;
}
