// Writes to pinned memory: see pinning_ring.h.

#include "tests/support/pinning_ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/target.h"

#define ENTRIES 4u
#define PAGE_BYTES 4096u
// Newer than the headers of Debian 12. The rings lie in memory of the program, Linux 6.5.
#define SETUP_NO_MMAP (1u << 14)

static int enter(const PinningRing *ring, unsigned submitted, unsigned awaited)
{
    return (int)syscall(SYS_io_uring_enter, ring->number, submitted, awaited,
                        ring->enter_flags | (awaited > 0 ? IORING_ENTER_GETEVENTS : 0u), NULL, 0);
}

static void find_rings(PinningRing *ring, const struct io_uring_params *setup, uint8_t *rings,
                       void *entries)
{
    ring->submission_tail = (uint32_t *)(void *)(rings + setup->sq_off.tail);
    ring->completion_head = (uint32_t *)(void *)(rings + setup->cq_off.head);
    ring->completion_tail = (uint32_t *)(void *)(rings + setup->cq_off.tail);
    memcpy(&ring->submission_mask, rings + setup->sq_off.ring_mask, sizeof ring->submission_mask);
    for (uint32_t i = 0; i < setup->sq_entries; i++)
        memcpy(rings + setup->sq_off.array + i * sizeof i, &i, sizeof i);
    ring->rings = rings;
    ring->entries = entries;
}

static bool open_mapped(PinningRing *ring)
{
    struct io_uring_params setup = {0};
    uint8_t *rings;
    void *entries;

    ring->number = (int)syscall(SYS_io_uring_setup, ENTRIES, &setup);
    if (ring->number < 0)
        return false;
    rings = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->number,
                 IORING_OFF_SQ_RING);
    entries =
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->number, IORING_OFF_SQES);
    if (rings == MAP_FAILED || entries == MAP_FAILED)
        return false;
    find_rings(ring, &setup, rings, entries);
    return true;
}

// What the process that makes a ring tells us.
typedef struct ForeignRing {
    uint8_t rings[PAGE_BYTES];
    uint8_t entries[PAGE_BYTES];
    struct io_uring_params setup;
    int64_t number;
} ForeignRing;

// The kernel accounts for a ring with the memory of its maker: here a process that shares
// nothing with us but the open files and this memory, and has ended.
static bool open_by_another(PinningRing *ring)
{
    ForeignRing *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;

    if (shared == MAP_FAILED)
        return false;
    shared->setup.flags = SETUP_NO_MMAP;
    shared->setup.cq_off.resv2 = (uintptr_t)shared->rings;
    shared->setup.sq_off.resv2 = (uintptr_t)shared->entries;
    shared->number = -EAGAIN;
    child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        long number = syscall(SYS_io_uring_setup, ENTRIES, &shared->setup);

        shared->number = number < 0 ? -errno : number;
        _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return false;
    ring->number = (int)shared->number;
    errno = ring->number < 0 ? -ring->number : 0;
    find_rings(ring, &shared->setup, shared->rings, shared->entries);
    return ring->number >= 0;
}

// From here on it has no descriptor, only a number among the rings of this thread.
static bool close_descriptor(PinningRing *ring)
{
    struct io_uring_rsrc_update update = {.offset = UINT32_MAX, .data = (uint32_t)ring->number};

    if (syscall(SYS_io_uring_register, ring->number, IORING_REGISTER_RING_FDS, &update, 1) != 1)
        return false;
    (void)close(ring->number);
    ring->number = (int)update.offset;
    ring->enter_flags = IORING_ENTER_REGISTERED_RING;
    return true;
}

bool pinning_ring_open(PinningRing *ring, PinningRingKind kind, void *start, size_t bytes,
                       const char **reason)
{
    const struct iovec buffer = {.iov_base = start, .iov_len = bytes};

    *ring = (PinningRing){.number = -1};
    if (pipe(ring->pipe) == 0 &&
        (kind == RING_UNMAPPED || kind == RING_HIDDEN ? open_by_another(ring)
                                                      : open_mapped(ring)) &&
        syscall(SYS_io_uring_register, ring->number, IORING_REGISTER_BUFFERS, &buffer, 1) == 0 &&
        (kind == RING_LISTED || kind == RING_UNMAPPED || close_descriptor(ring)))
        return true;
    *reason = strerror(errno);
    return false;
}

void pinning_ring_close(PinningRing *ring)
{
    (void)munmap(ring->entries, PAGE_BYTES);
    (void)munmap(ring->rings, PAGE_BYTES);
    (void)close(ring->number);
    (void)close(ring->pipe[0]);
    (void)close(ring->pipe[1]);
}

void pinning_ring_put(PinningRing *ring, uint64_t *word, uint64_t value)
{
    uint32_t at = *ring->submission_tail;
    struct io_uring_sqe *entry =
        (struct io_uring_sqe *)ring->entries + (at & ring->submission_mask);
    uint32_t head = *ring->completion_head;

    if (write(ring->pipe[1], &value, sizeof value) != (ssize_t)sizeof value)
        target_fail("write");
    *entry = (struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED,
                                   .fd = ring->pipe[0],
                                   .off = UINT64_MAX,
                                   .addr = (uintptr_t)word,
                                   .len = sizeof value};
    // Release: the kernel sees the entry; acquire: we see the value. Its partners are the kernel's.
    __atomic_store_n(ring->submission_tail, at + 1, __ATOMIC_RELEASE);
    if (enter(ring, 1, 0) != 1)
        target_fail("io_uring_enter");
    while (__atomic_load_n(ring->completion_tail, __ATOMIC_ACQUIRE) == head)
        if (enter(ring, 0, 1) < 0 && errno != EINTR)
            target_fail("io_uring_enter");
    __atomic_store_n(ring->completion_head, head + 1, __ATOMIC_RELEASE);
    if (__atomic_load_n(word, __ATOMIC_RELAXED) != value)
        target_fail("a read into a registered buffer");
}
