// A 64-bit process, one thread of which runs 32-bit code: it counts, and sleeps for a millisecond,
// again and again.
//
//     mixes_word_sizes HEARTBEAT
//
// Prints "ready"; "skipped: REASON" before it if this machine cannot do it. Upon SIGTERM it ends,
// with status 9 if the thread has stopped counting.

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/target.h"

#define AREA_BYTES 65536u
#define HEAP_PAGES 64u

#if defined(__x86_64__)

// The data of the 32-bit code, at an address of 32 bits. The stack is below, the code above.
typedef struct SmallData {
    uint32_t count;
    uint32_t seconds;
    uint32_t nanoseconds;
} SmallData;

#define CODE_OFFSET 1024u
#define DATA_OFFSET 32768u

// %edi: the data.
extern const char small_code[], small_code_end[];
__asm__(".pushsection .rodata\n"
        ".globl small_code, small_code_end\n"
        ".code32\n"
        "small_code:\n"
        "    movl $0x2b, %eax\n" // the segment of data; 64-bit code needs none
        "    movl %eax, %ds\n"
        "    movl %eax, %es\n"
        "1:  lock incl (%edi)\n"
        "    movl $162, %eax\n" // nanosleep
        "    leal 4(%edi), %ebx\n"
        "    xorl %ecx, %ecx\n"
        "    int $0x80\n"
        "    jmp 1b\n"
        "small_code_end:\n"
        ".code64\n"
        ".popsection\n");

static SmallData *data;

static void *run_small_code(void *context)
{
    const uint64_t code = (uintptr_t)data + CODE_OFFSET, segment = 0x23;

    (void)context;
    // A far return, into the segment of 32-bit code.
    __asm__ volatile("movq %0, %%rsp\n"
                     "pushq %1\n"
                     "pushq %2\n"
                     "lretq\n"
                     :
                     : "r"((uint64_t)(uintptr_t)data), "r"(segment), "r"(code), "D"(data)
                     : "memory");
    __builtin_unreachable();
}

static void start_small_code(void)
{
    uint8_t *area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    pthread_t thread;

    if (area == MAP_FAILED)
        target_fail("mmap");
    data = (SmallData *)(void *)(area + DATA_OFFSET);
    data->nanoseconds = 1000000;
    memcpy((uint8_t *)data + CODE_OFFSET, small_code, (size_t)(small_code_end - small_code));
    if (pthread_create(&thread, NULL, run_small_code, NULL) != 0)
        target_fail("pthread_create");
}

static uint32_t count_so_far(void)
{
    return __atomic_load_n(&data->count, __ATOMIC_RELAXED);
}

#else

static void start_small_code(void)
{
    printf("skipped: only x86-64 has two word sizes\n");
}

static uint32_t count_so_far(void)
{
    static uint32_t count;

    return count++;
}

#endif

static void say_skipped(int signal)
{
    static const char text[] = "skipped: this kernel does not run 32-bit code\nready\n";

    (void)signal;
    _exit(write(STDOUT_FILENO, text, sizeof text - 1) < 0);
}

int main(int argc, char **argv)
{
    uint32_t before;
    sigset_t term;
    int signal_number;

    if (argc < 2) {
        fprintf(stderr, "usage: %s HEARTBEAT\n", argv[0]);
        return 2;
    }
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &term, NULL);
    (void)signal(SIGSEGV, say_skipped);
    (void)target_map_heap(HEAP_PAGES);
    target_start_heartbeat(argv[1]);
    start_small_code();
    while (count_so_far() == 0)
        (void)usleep(1000);
    (void)signal(SIGSEGV, SIG_DFL);
    target_announce();
    (void)sigwait(&term, &signal_number);
    before = count_so_far();
    for (int i = 0; i < 5000 && count_so_far() == before; i++)
        (void)usleep(1000);
    return count_so_far() == before ? 9 : 0;
}
