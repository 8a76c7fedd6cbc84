// A process with a secret of its own in each place whose bytes may get into a snapshot.
//
//     planted_secrets HEARTBEAT FOLDER [SECRET]
//
// Secrets are "SECRET" and two letters, so that each fits in a word and names its place. The heap:
// one page of class 64, one of class 32 (no object headers), one large object of three pages, a
// malloc block that an object refers to. FOLDER holds a file that is mapped; its name and FOLDER's
// are secrets that the test chose.

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "snapshot/heap/heap_layout.h"
#include "tests/support/target.h"

#define PAGE 4096u
#define LARGE_BYTES (2u * PAGE + 1000u + 5u) // not a multiple of 8

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static uint8_t *volatile root_of_small; // globals: root words
static uint8_t *volatile root_of_bare;
static uint8_t *volatile root_of_large;
static volatile char in_data[16] = "SECRETda";

static uint8_t *map_pages(uint32_t count)
{
    uint8_t *pages = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        target_fail("mmap");
    return pages;
}

static void plant(uint8_t *place, const char *where)
{
    memcpy(place, "SECRET", 6);
    memcpy(place + 6, where, 2);
}

static void put_word(uint8_t *place, const void *address)
{
    uint64_t word = (uintptr_t)address;

    memcpy(place, &word, sizeof word);
}

static uint8_t *make_page(uint32_t block_size, uint32_t pages, uint32_t slots, uint32_t header_size,
                          uint64_t allocated)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    LayoutField word = {0, 8};
    uint8_t *page = map_pages(pages);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count, slots);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->flags, pages > 1 ? layout->flag_large : 0);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    heap_layout_write(page + layout->allocated_bitmap, word, allocated);
    // Padding of the page header: 14 and 15, 26 to 31, 1570 to 1575.
    memcpy(page + 14, "S1", 2);
    memcpy(page + 26, "SECRE2", 6);
    memcpy(page + 1570, "SECRE3", 6);
    // Bits of no slot.
    plant(page + layout->mark_bitmap + 320, "b1");
    plant(page + layout->dirty_bitmap + 328, "b2");
    plant(page + layout->allocated_bitmap + 504, "b3");
    if (header_size >= 1576 + 8)
        plant(page + 1576, "gp");
    return page;
}

// Slot 0 refers to slot 1 and to a malloc block; slots from 2 on are free.
static void make_small(void)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *page = make_page(64, 1, 39, 1600, 3);
    uint8_t *first = page + 1600, *second = first + 64, *third = second + 64;
    uint8_t *block = calloc(1, 100);

    if (block == NULL)
        target_fail("malloc");
    heap_layout_write(first, layout->reference_count, 1);
    heap_layout_write(second, layout->reference_count, 1);
    memcpy(first + 44, "SEhd", 4); // a u32 right behind the header
    put_word(first + 48, second);
    put_word(first + 56, block);
    memcpy(second + 44, "SEh2", 4);
    plant(second + 48, "ob");
    memcpy(second + 57, "SECRETu", 7); // across no word's start
    plant(third + 48, "fr");           // a free slot, kept with --keep-free
    memcpy(third + 44, "SEh3", 4);
    plant(block, "bl");
    put_word(block + 8, second);
    plant(block + 24, "bm");
    plant(block + 92, "be"); // across words, to the end
    root_of_small = first;
}

static void make_bare(void)
{
    uint8_t *page = make_page(32, 1, 78, 1600, 1);
    uint8_t *first = page + 1600, *second = first + 32;

    put_word(first, first);
    plant(first + 8, "c1");
    plant(second, "c2"); // where a free-list link would be
    plant(second + 16, "c3");
    root_of_bare = first;
}

static void make_large(void)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *page = make_page(LARGE_BYTES, 3, 1, 1584, 1);
    uint8_t *object = page + 1584;

    heap_layout_write(object, layout->reference_count, 1);
    memcpy(object + 44, "SEh4", 4);
    plant(object + 48, "l1");
    plant(object + PAGE, "l2"); // on the second page
    put_word(object + 2 * PAGE, root_of_small);
    plant(object + LARGE_BYTES - 13, "l3");
    memcpy(object + LARGE_BYTES - 5, "SECR5", 5); // the end, less than a word
    plant(page + 3 * PAGE - 8, "l4");             // behind the object
    root_of_large = object;
}

static void name_memory(void)
{
    uint8_t *named = map_pages(4);

    // The kernel may lack it.
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, 4 * PAGE, "SECRETan");
    put_word(named + 64, root_of_small); // a root of kind foreign
    plant(named + 72, "fo");
}

static void map_file(const char *folder)
{
    char path[500];
    uint8_t *memory;
    int fd;

    (void)snprintf(path, sizeof path, "%s/SECRETfi.db", folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, PAGE) != 0)
        target_fail(path);
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED)
        target_fail("mmap");
    (void)close(fd);
    plant(memory, "mf");
    put_word(memory + 8, root_of_small); // a root of kind global
}

// With a secret in a register, in a vector register, and on the stack.
static void *spin(void *context)
{
    volatile uint8_t on_stack[32] __attribute__((aligned(8)));
    uint64_t word;

    (void)prctl(PR_SET_NAME, "SECRETth");
    plant((uint8_t *)(uintptr_t)on_stack, "st");
    put_word((uint8_t *)(uintptr_t)on_stack + 8, root_of_small);
    plant((uint8_t *)&word, "re");
    *(volatile int *)context = 1;
    __asm__ volatile("movq %0, %%xmm7\n 1: pause\n jmp 1b"
                     :
                     : "r"(word), "r"(on_stack), "r"(root_of_small)
                     : "xmm7", "memory");
    return NULL;
}

int main(int argument_count, char **arguments)
{
    static volatile int is_spinning;
    pthread_t thread;

    if (argument_count < 3)
        return 2;
    in_data[8] = 'x';
    make_small();
    make_bare();
    make_large();
    name_memory();
    map_file(arguments[2]);
    if (pthread_create(&thread, NULL, spin, (void *)(uintptr_t)&is_spinning) != 0)
        target_fail("pthread_create");
    while (is_spinning == 0)
        (void)usleep(1000);
    target_start_heartbeat(arguments[1]);
    target_announce();
    for (;;)
        (void)pause();
}
