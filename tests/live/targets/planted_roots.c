// A process with one object for each place that may, or must not, hold a root.
//
//     planted_roots HEARTBEAT [coroutine|signal]
//
// The main thread waits on its own stack, in a coroutine, or in a signal handler that has a
// stack of its own.
//
// Prints a line "ADDRESS EXPECTATION NAME" for each object, then "ready". EXPECTATION: "live"
// when the object must be found reachable, "dead" when it must not (with --foreign blocks),
// "block" when it is held by malloc'd memory alone.
// Lines "COUNT pages" and "COUNT objects" count the content of the heap.
//
// An object's address must be nowhere but in its place. So it is written there by a function of its
// own (plant), kept inverted elsewhere, and stacks are wiped before a thread waits.

#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "snapshot/heap/heap_layout.h"
#include "tests/support/target.h"

#define SLOT_BYTES 64u
#define HEADER_BYTES 1600u
#define SLOTS 39u
#define HEAP_PAGES 4u
#define PAYLOAD 48u
#define WIPE_BYTES 32768u
#define NO_INLINE __attribute__((noinline))

typedef volatile uintptr_t Word;

// ---- objects ----

static uintptr_t heap_inverted;
static uint32_t planted_count;
static struct {
    const char *name;
    const char *expectation;
    uintptr_t inverted;
} planted[HEAP_PAGES * SLOTS];
static pthread_mutex_t planting = PTHREAD_MUTEX_INITIALIZER;

// Writes the address of a fresh object, plus `offset`, to `place`.
static NO_INLINE void plant_at(Word *place, uintptr_t offset, const char *expectation,
                               const char *name)
{
    uint32_t i;

    (void)pthread_mutex_lock(&planting);
    i = planted_count++;
    if (i >= HEAP_PAGES * SLOTS)
        target_fail("the heap is full");
    uintptr_t address = ~heap_inverted + i / SLOTS * 4096 + HEADER_BYTES + i % SLOTS * SLOT_BYTES;
    planted[i].name = name;
    planted[i].expectation = expectation;
    planted[i].inverted = ~address;
    *place = address + offset;
    (void)pthread_mutex_unlock(&planting);
}

static NO_INLINE void plant(Word *place, const char *expectation, const char *name)
{
    plant_at(place, 0, expectation, name);
}

// Overwrites the stack below this frame, where earlier calls may have left addresses.
static NO_INLINE void wipe_stack(void)
{
    volatile char *room = alloca(WIPE_BYTES);

    for (size_t i = 0; i < WIPE_BYTES; i++)
        room[i] = 0;
}

static NO_INLINE void wait_for_ever(void)
{
    wipe_stack();
    for (;;)
        (void)pause();
}

static void *map(size_t bytes, int flags)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        target_fail("mmap");
    return memory;
}

// A compiler drops allocations that are not used.
static NO_INLINE void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);

    __asm__ volatile("" : : "r"(memory) : "memory");
    if (memory == NULL)
        target_fail("malloc");
    return memory;
}

// ---- globals, thread-local storage, stacks ----

static Word in_data = 1;
static Word in_bss;
static Word far_in_bss[40000];
static _Thread_local Word in_tls;

static NO_INLINE void leave_in_dead_stack(const char *name)
{
    // Deeper than wipe_stack() reaches.
    Word *place = alloca(2 * WIPE_BYTES);

    plant(place + 8, "dead", name);
}

static NO_INLINE void plant_globals(void)
{
    plant(&in_data, "live", "in .data");
    plant(&in_bss, "live", "in .bss");
    plant(&far_in_bss[39990], "live", "at the end of a large .bss");
    plant(&in_tls, "live", "in the main thread's TLS");
}

// ---- malloc: blocks ----

static Word to_small, to_large, to_middle, to_end, to_aligned, to_grown, to_chain, to_object;

static NO_INLINE void plant_blocks(void)
{
    Word *small = allocate(48), *large = allocate(1 << 20), *middle = allocate(4000),
         *end = allocate(24), *aligned, *grown, *chain;
    Word *object;
    void *memory;

    plant(&small[5], "block", "in a small chunk");
    to_small = (uintptr_t)small;
    plant(&large[(1 << 17) - 1], "block", "at the end of a chunk with its own mapping");
    to_large = (uintptr_t)large;
    plant(&middle[1], "block", "in a chunk that is pointed into");
    to_middle = (uintptr_t)&middle[300];
    plant(&end[2], "block", "in a chunk's last word, which is the next chunk's first");
    to_end = (uintptr_t)end;
    if (posix_memalign(&memory, 65536, 500000) != 0)
        target_fail("posix_memalign");
    aligned = memory;
    plant(&aligned[62499], "block", "in an aligned chunk with its own mapping");
    to_aligned = (uintptr_t)aligned;
    grown = realloc(allocate(300000), 3000000);
    if (grown == NULL)
        target_fail("realloc");
    plant(&grown[370000], "block", "in a chunk that was moved to a larger mapping");
    to_grown = (uintptr_t)grown;

    chain = &to_chain;
    for (int i = 0; i < 5; i++) {
        Word *next = allocate(100 + 40 * (size_t)i);
        *chain = (uintptr_t)next;
        chain = &next[i];
    }
    plant(chain, "block", "behind a chain of chunks");

    // An object that holds a chunk that holds an object, like a Vec<Gc<T>>.
    plant(&to_object, "live", "owner of a buffer");
    object = (Word *)to_object;
    object[PAYLOAD / 8] = (uintptr_t)allocate(200);
    plant((Word *)object[PAYLOAD / 8] + 3, "block", "in a buffer that an object owns");
}

// Cyclic garbage through malloc'd memory, and chunks without a pointer to them.
static NO_INLINE void plant_garbage(void)
{
    Word *leaked = allocate(72), *large = allocate(400000), *first = allocate(56),
         *second = allocate(56);
    Word holder;
    Word *object;

    plant(&leaked[2], "dead", "in a chunk without a pointer to it");
    plant(&large[2], "dead", "in a mapped chunk without a pointer to it");
    plant(&first[0], "dead", "in a cycle of chunks");
    first[1] = (uintptr_t)second;
    second[1] = (uintptr_t)first;
    plant(&holder, "dead", "in a cycle through its own buffer");
    object = (Word *)holder;
    object[PAYLOAD / 8] = (uintptr_t)allocate(80);
    ((Word *)object[PAYLOAD / 8])[1] = holder;
}

// ---- malloc: free chunks, still pointed to ----

static Word to_freed[80];
static uint32_t freed_count;

static NO_INLINE void plant_and_free(size_t bytes, size_t count, const char *name)
{
    Word *chunks[32];

    for (size_t i = 0; i < count; i++) {
        chunks[i] = allocate(bytes);
        // Keeps neighbours apart, and is too large for the chunks that were freed before.
        (void)allocate(bytes + 1100);
    }
    for (size_t i = 0; i < count; i++) {
        plant(&chunks[i][bytes / 8 - 1], "dead", name);
        to_freed[freed_count++] = (uintptr_t)chunks[i];
        free((void *)(uintptr_t)chunks[i]);
    }
}

static NO_INLINE void plant_freed(void)
{
    plant_and_free(40, 7, "in a freed chunk (thread cache)");
    plant_and_free(40, 3, "in a freed chunk (fast bin)");
    plant_and_free(600, 12, "in a freed chunk (thread cache, unsorted bin)");
    plant_and_free(5000, 2, "in a freed chunk (large)");
    // Sorts the unsorted bin.
    (void)allocate(60000);
    plant_and_free(7000, 1, "in a freed chunk (unsorted)");
}

// The bins of the main arena point at the heads of free chunks, and so at the last word of the
// chunk before: garbage that is followed by a free chunk must stay garbage.
static NO_INLINE void plant_before_free(void)
{
    Word *garbage = allocate(9000), *behind = allocate(9000);

    (void)allocate(16);
    plant(&garbage[100], "dead", "in garbage that is followed by a free chunk");
    free((void *)(uintptr_t)behind);
}

// ---- memory that is not malloc's ----

static NO_INLINE void plant_foreign(void)
{
    Word *mapped = map(4 * 4096, MAP_PRIVATE), *shared = map(4096, MAP_SHARED), *broken;
    Word *lent;
    int zero = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Word *file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);

    if (file == MAP_FAILED)
        target_fail("/proc/self/exe");
    plant(&mapped[1000], "live", "in an anonymous mapping");
    plant(&shared[10], "live", "in an anonymous shared mapping");
    plant(&file[10], "live", "in a private mapping of a file");
    broken = sbrk(100000);
    if (broken == (void *)-1)
        target_fail("sbrk");
    plant(&broken[5000], "live", "in memory from sbrk");
    (void)allocate(60000);
    lent = sbrk(64);
    plant(&lent[3], "live", "in a little memory from sbrk");
    for (int i = 0; i < 4; i++)
        (void)allocate(60000);
    plant((Word *)allocate(50000) + 4, "dead", "in a leaked chunk behind sbrk");
}

// A mapping of a file that is made for it, and removed; only its page lives on.
static NO_INLINE Word *map_file(int file)
{
    Word *memory;

    if (file < 0 || ftruncate(file, 4096) != 0)
        target_fail("a file to be shared");
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        target_fail("mmap of a file");
    (void)close(file);
    return memory;
}

static NO_INLINE void plant_shared(void)
{
    char on_disk[] = "planted-roots-XXXXXX";
    int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    Word *attached = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
    Word *file = map_file(mkstemp(on_disk));

    (void)unlink(on_disk);
    if (attached == (void *)-1)
        target_fail("shmat");
    (void)shmctl(segment, IPC_RMID, NULL);
    plant(attached + 10, "live", "in a SysV segment");
    plant(map_file(memfd_create("planted", MFD_CLOEXEC)) + 10, "live", "in a memfd");
    plant(file + 10, "dead", "in a shared mapping of a file on disk");
}

// A GC page inside of a chunk: the rest of the chunk are roots.
static NO_INLINE void plant_in_lent_chunk(void)
{
    uint8_t *lent, *page = target_map_heap(1);
    void *memory;

    if (posix_memalign(&memory, 4096, 3 * 4096) != 0)
        target_fail("posix_memalign");
    lent = memory;
    __asm__ volatile("" : : "r"(lent) : "memory"); // keeps the stores: it is read from outside
    memcpy(lent + 4096, page, 4096);
    __asm__ volatile("" : : "r"(lent) : "memory");
    (void)munmap(page, 4096);
    plant((Word *)(lent + 100 * 8), "block", "in a chunk that holds a GC page");
}

// ---- threads ----

static sem_t settled;

static NO_INLINE void settle_and_wait(void)
{
    wipe_stack();
    (void)sem_post(&settled);
    wait_for_ever();
}

static void *wait_with_stack(void *context)
{
    Word on_stack, interior;

    (void)context;
    plant(&on_stack, "live", "on a thread's stack");
    plant_at(&interior, 20, "live", "pointed into from a thread's stack");
    plant(&in_tls, "live", "in a thread's TLS");
    leave_in_dead_stack("in a thread's dead stack");
    (void)sem_post(&settled);
    for (;;)
        (void)pause();
    return (void *)(uintptr_t)(on_stack + interior);
}

static void *wait_on_given_stack(void *context)
{
    Word on_stack;

    (void)context;
    plant(&on_stack, "live", "on a stack that was given to a thread");
    leave_in_dead_stack("in the dead part of a stack that was given to a thread");
    settle_and_wait();
    return (void *)on_stack;
}

// Enough chunks for several heaps of an arena of its own.
static void *wait_with_arena(void *context)
{
    static Word to_arena;
    Word *last = &to_arena;

    (void)context;
    for (int i = 0; i < 1500; i++) {
        Word *chunk = malloc(100000);
        if (chunk == NULL)
            target_fail("malloc");
        if (i % 300 == 10) {
            *last = (uintptr_t)chunk;
            last = chunk;
            plant(chunk + 2, "block", "in a chain through the heaps of an arena");
        }
        if (i % 300 == 20)
            plant(chunk + 2, "dead", "in a chunk of an arena without a pointer to it");
    }
    *last = 0;
    to_freed[freed_count++] = 0;
    plant_and_free(120, 9, "in a freed chunk of an arena");
    settle_and_wait();
    return NULL;
}

static void start(void *(*body)(void *), const pthread_attr_t *attributes)
{
    pthread_t thread;

    if (pthread_create(&thread, attributes, body, NULL) != 0)
        target_fail("pthread_create");
    (void)sem_wait(&settled);
}

static void start_on(void *stack, size_t bytes)
{
    pthread_attr_t attributes;

    (void)pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack, bytes) != 0)
        target_fail("pthread_attr_setstack");
    start(wait_on_given_stack, &attributes);
    (void)pthread_attr_destroy(&attributes);
}

// Only in registers.
static void *spin(void *context)
{
    Word place;

    (void)context;
    plant(&place, "live", "in a general register");
    register uintptr_t value __asm__("r13") = place;
    place = 0;
    plant_at(&place, 8, "live", "pointed into from a general register");
    register uintptr_t interior __asm__("r14") = place;
    place = 0;
    wipe_stack();
    (void)sem_post(&settled);
    __asm__ volatile("1: pause\n jmp 1b" : : "r"(value), "r"(interior));
    return NULL;
}

static void *spin_with_vector(void *context)
{
    Word place;

    (void)context;
    plant(&place, "live", "in a vector register");
    __asm__ volatile("movq %0, %%xmm7\n pslldq $8, %%xmm7" : : "r"(place) : "xmm7");
    place = 0;
    __asm__ volatile("xor %%eax, %%eax\n"
                     "mov %%rsp, %%rdi\n sub $16384, %%rdi\n mov $16128, %%ecx\n"
                     "rep stosb\n" ::
                         : "rax", "rcx", "rdi", "memory");
    // No call from here on: callees may use the register.
    __asm__ volatile("mov %0, %%r12\n movl $1, (%%r12)\n 1: pause\n jmp 1b"
                     :
                     : "r"(context)
                     : "r12", "memory");
    return NULL;
}

// ---- coroutines ----

static void wait_as_coroutine(void)
{
    Word on_stack, interior;

    plant(&on_stack, "live", "on a coroutine's stack");
    plant_at(&interior, 12, "live", "pointed into from a coroutine's stack");
    settle_and_wait();
    *(Word *)on_stack = interior;
}

static char stack_in_bss[65536] __attribute__((aligned(64)));

static void *wait_in_coroutine(void *context)
{
    ucontext_t own, other;
    Word on_stack;
    int kind = *(int *)context;

    plant(&on_stack, "live", "on the stack of a thread that runs a coroutine");
    (void)getcontext(&other);
    other.uc_stack.ss_size = kind == 1 ? 300000 : 65536;
    other.uc_stack.ss_sp = kind == 0   ? allocate(65536)
                           : kind == 1 ? allocate(300000)
                           : kind == 2 ? map(65536, MAP_PRIVATE)
                                       : stack_in_bss;
    other.uc_link = NULL;
    makecontext(&other, wait_as_coroutine, 0);
    (void)swapcontext(&own, &other);
    return (void *)on_stack;
}

static void start_coroutines(void)
{
    for (int kind = 0; kind < 4; kind++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, wait_in_coroutine, &kind) != 0)
            target_fail("pthread_create");
        (void)sem_wait(&settled);
    }
}

// ---- memory that only looks like GC pages ----

static uint64_t page_count;
static uint64_t object_count;

// A large object whose tail pages hold copies of a page.
static NO_INLINE void make_large_object(void)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    LayoutField allocated = {(uint16_t)layout->allocated_bitmap, 8};
    uint8_t *pages = map(5 * 4096, MAP_PRIVATE), *copy = target_map_heap(1);

    for (int i = 0; i < 5; i++)
        memcpy(pages + i * 4096, copy, 4096);
    heap_layout_write(pages, layout->flags, layout->flag_large);
    heap_layout_write(pages, layout->object_count, 1);
    heap_layout_write(pages, layout->header_size, 1584);
    heap_layout_write(pages, layout->block_size, 5 * 4096 - 1584);
    heap_layout_write(pages, allocated, 1);
    memset(pages + 1584, 0, 64);
    (void)munmap(copy, 4096);
    page_count++;
    object_count++;
}

static uint8_t fake_page[8192] __attribute__((aligned(4096)));

static NO_INLINE void make_fakes(void)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *mapped = map(4096, MAP_PRIVATE);

    memset(fake_page, 0, sizeof fake_page);
    for (size_t i = 0; i < sizeof fake_page; i += 4)
        heap_layout_write(fake_page + i, layout->magic, layout->magic_value);
    heap_layout_write(mapped, layout->magic, layout->magic_value);
}

// Prints what the heap holds, and "ready".
static NO_INLINE void announce(void)
{
    for (uint32_t i = 0; i < planted_count; i++)
        printf("0x%llx %s %s\n", (unsigned long long)~planted[i].inverted, planted[i].expectation,
               planted[i].name);
    // The page in the chunk is one more.
    printf("%llu pages\n", (unsigned long long)page_count + HEAP_PAGES + 1);
    printf("%llu objects\n", (unsigned long long)object_count + (HEAP_PAGES + 1) * SLOTS);
    target_announce();
}

static NO_INLINE void plant_all(void)
{
    plant_globals();
    plant_blocks();
    plant_garbage();
    plant_freed();
    plant_before_free();
    plant_foreign();
    plant_shared();
    plant_in_lent_chunk();
    make_large_object();
    make_fakes();
}

static NO_INLINE void start_all(void)
{
    pthread_t thread;
    static volatile int is_spinning;

    start(wait_with_stack, NULL);
    start(wait_with_arena, NULL);
    start_on(map(200 * 1024, MAP_PRIVATE), 200 * 1024);
    start_on(allocate(120000), 120000);
    start_on(allocate(400000), 400000);
    start(spin, NULL);
    if (pthread_create(&thread, NULL, spin_with_vector, (void *)(uintptr_t)&is_spinning) != 0)
        target_fail("pthread_create");
    while (is_spinning == 0)
        (void)usleep(1000);
    start_coroutines();
}

static void wait_in_handler(int number)
{
    Word interior;

    (void)number;
    plant_at(&interior, 4, "live", "pointed into from a signal stack");
    announce();
    wait_for_ever();
    *(Word *)interior = 0;
}

static NO_INLINE void wait_on_signal_stack(void)
{
    stack_t stack = {.ss_sp = map(65536, MAP_PRIVATE), .ss_size = 65536};
    struct sigaction action = {.sa_flags = SA_ONSTACK};

    action.sa_handler = wait_in_handler;
    if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
        target_fail("sigaltstack");
    (void)raise(SIGUSR1);
}

static void wait_in_main_coroutine(void)
{
    Word interior;

    plant_at(&interior, 4, "live", "pointed into from the main thread's coroutine");
    announce();
    wait_for_ever();
    *(Word *)interior = 0;
}

static NO_INLINE void wait_on_mapped_stack(void)
{
    ucontext_t own, other;

    (void)getcontext(&other);
    other.uc_stack.ss_size = 65536;
    other.uc_stack.ss_sp = map(65536, MAP_PRIVATE);
    other.uc_link = NULL;
    makecontext(&other, wait_in_main_coroutine, 0);
    (void)swapcontext(&own, &other);
}

int main(int argument_count, char **arguments)
{
    Word on_stack;
    const char *how = argument_count > 2 ? arguments[2] : "";

    if (argument_count < 2)
        return 2;
    target_start_heartbeat(arguments[1]);
    heap_inverted = ~(uintptr_t)target_map_heap(HEAP_PAGES);
    (void)sem_init(&settled, 0, 0);
    plant(&on_stack, "live", "on the main thread's stack");
    plant_all();
    start_all();
    wipe_stack();
    if (strcmp(how, "coroutine") == 0)
        wait_on_mapped_stack();
    if (strcmp(how, "signal") == 0)
        wait_on_signal_stack();
    leave_in_dead_stack("in the main thread's dead stack");
    announce();
    wait_for_ever();
    return (int)on_stack;
}
