// A program whose heap, of any layout, and whose other memory hold secrets in every byte that a
// redacted snapshot may not have.
//
//     scattered_secrets HEARTBEAT LAYOUT FOLDER [SNAPSHOT]
//
// LAYOUT is a name or a file. Pages are filled with secrets first; then the fields that make them
// pages, and the references in objects, are written over them. So padding, gaps between slots, ends
// of pages, free slots with their links, payload of objects alive and DEAD, freed malloc'd memory,
// unused stack, registers and names all hold secrets. FOLDER is where mapped files are made. With
// SNAPSHOT and a LAYOUT that is a file, the program captures itself, redacted.
//
// A secret is 8 bytes with the number of its place in each; the 4 bytes from anywhere in one occur
// in no address: all of them are odd and above 128. tests/live/scattered_secrets.sh knows them.

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "embed/rudo_snap.h"
#include "snapshot/heap/layout_file.h"
#include "tests/support/target.h"

#define LARGE_PAGES 3u

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

// Numbers of places; the script lists them, too.
enum Place {
    PLACE_PAGE = 1,    // headers, gaps, tails
    PLACE_OBJECT,      // payload of live objects
    PLACE_DEAD,        // of DEAD ones
    PLACE_FREE,        // free slots
    PLACE_LARGE,       // a large object and behind it
    PLACE_FREE_LARGE,  // a large object that is free
    PLACE_BLOCK,       // a malloc'd block that leads to the heap
    PLACE_FREED,       // freed chunks
    PLACE_PLAIN_BLOCK, // a block without content
    PLACE_DATA,
    PLACE_BSS,
    PLACE_TLS,
    PLACE_STACK,
    PLACE_DEAD_STACK,
    PLACE_REGISTER,
    PLACE_VECTOR,
    PLACE_PRIVATE_FILE,
    PLACE_SHARED,
    PLACE_ANONYMOUS,
};

static HeapLayout layout;
static uint8_t *arena;
static uint32_t arena_pages;
static void *volatile roots[4];
static volatile uint8_t in_data[32] = {1}, in_bss[32];
static __thread volatile uint8_t in_tls[32];

static void fill(volatile uint8_t *to, enum Place place, size_t bytes)
{
    // Each of the four bytes in a row names the place; the offset tells them apart.
    static const uint8_t salt[] = {0x00, 0x4a, 0x24, 0x6e, 0x12, 0x58, 0x36, 0x7c};

    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(0x81 | ((salt[((uintptr_t)to + i) % 8] + 2u * place) & 0x7e));
}

static void put_word(uint8_t *to, const void *address)
{
    memcpy(to, &address, sizeof address);
}

static uint8_t *page_at(uint32_t page)
{
    return arena + (size_t)page * layout.page_size;
}

static void write_header(uint8_t *page, uint32_t size, uint32_t first, uint32_t slots,
                         uint64_t flags)
{
    heap_layout_write(page, layout.magic, layout.magic_value);
    heap_layout_write(page, layout.block_size, size);
    heap_layout_write(page, layout.header_size, first);
    heap_layout_write(page, layout.object_count, slots);
    heap_layout_write(page, layout.flags, flags);
    heap_layout_write(page, layout.generation, 0);
    heap_layout_write(page, layout.owner_thread, layout.min_owner_thread);
    heap_layout_write(page, layout.dead_count, 0);
    heap_layout_write(page, layout.free_list_head, layout.free_list_none);
    memset(page + layout.allocated_bitmap, 0, 8u * layout.bitmap_words);
    memset(page + layout.mark_bitmap, 0, 8u * layout.bitmap_words);
    memset(page + layout.dirty_bitmap, 0, 8u * layout.bitmap_words);
}

// A live object, DEAD or not, that refers to `to`.
static void write_object(uint8_t *object, uint32_t bytes, bool is_dead, const void *to)
{
    uint32_t payload =
        heap_layout_has_object_header(&layout, bytes) ? layout.object_header_bytes : 0;

    fill(object, is_dead ? PLACE_DEAD : PLACE_OBJECT, bytes);
    if (payload > 0) {
        heap_layout_write(object, layout.reference_count, 1);
        heap_layout_write(object, layout.weak_count, is_dead ? layout.dead_bit : 0);
        heap_layout_write(object, layout.drop_function, 0x1000);
        heap_layout_write(object, layout.type_word, 0x2000);
        heap_layout_write(object, layout.dropping, 0);
        heap_layout_write(object, layout.object_generation, 1);
    }
    if (bytes >= payload + 8)
        put_word(object + payload, to);
}

// Slot 0 is alive, slot 1 DEAD where the layout has such, all others are free.
static uint8_t *make_small(uint32_t page_number, uint32_t size, const void *to)
{
    uint8_t *page = page_at(page_number);
    uint32_t first = heap_layout_small_header_size(&layout, size);
    uint32_t slots = (layout.page_size - first) / size;
    bool has_dead = layout.dead_bit != 0 && slots > 1;

    fill(page, PLACE_PAGE, layout.page_size);
    write_header(page, size, first, slots, 0);
    fill(page + first, PLACE_FREE, (size_t)slots * size);
    page[layout.allocated_bitmap] = has_dead ? 3 : 1;
    write_object(page + first, size, false, to);
    if (has_dead)
        write_object(page + first + size, size, true, to);
    return page + first;
}

static uint8_t *make_large(uint32_t page_number, bool is_free, const void *to)
{
    uint8_t *page = page_at(page_number);
    uint32_t alignment = layout.large_header_alignment;
    uint32_t first = (layout.page_header_bytes + alignment - 1) / alignment * alignment;
    uint32_t size = (LARGE_PAGES - 1) * layout.page_size - first + 1004;

    fill(page, PLACE_PAGE, (size_t)LARGE_PAGES * layout.page_size);
    write_header(page, size, first, 1, layout.flag_large);
    if (is_free) {
        fill(page + first, PLACE_FREE_LARGE, size);
        return NULL;
    }
    page[layout.allocated_bitmap] = 1;
    write_object(page + first, size, false, to);
    fill(page + first + layout.object_header_bytes + 8, PLACE_LARGE,
         size - layout.object_header_bytes - 8);
    return page + first;
}

static void *new_block(size_t bytes, enum Place place)
{
    uint8_t *block = malloc(bytes);

    if (block == NULL)
        target_fail("malloc");
    fill(block, place, malloc_usable_size(block));
    return block;
}

static void make_heap(void)
{
    uint32_t small = layout.min_block_size, large = layout.max_block_size, next = 0;
    uint8_t *block = new_block(200, PLACE_BLOCK);
    uint8_t *plain = new_block(300, PLACE_PLAIN_BLOCK);
    void *freed[40];

    while (small <= layout.object_header_bytes)
        small += layout.block_size_step > 0 ? layout.block_size_step : small;
    roots[0] = make_small(next++, small, block);
    put_word(block + 16, roots[0]);
    roots[1] = make_small(next++, layout.min_block_size, roots[0]);
    roots[2] = make_small(next++, large, plain);
    if (layout.flag_large != 0) {
        roots[3] = make_large(next, false, roots[0]);
        next += LARGE_PAGES;
        (void)make_large(next, true, NULL);
        next += LARGE_PAGES;
    }
    arena_pages = next;
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        freed[i] = new_block(24 + 90 * i, PLACE_FREED);
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        free(freed[i]);
}

static void map_file(const char *folder, const char *name, int flags, enum Place place)
{
    char path[500];
    uint8_t *memory;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 8192) != 0)
        target_fail(path);
    memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        target_fail("mmap");
    (void)close(fd);
    fill(memory, place, 4096);
    put_word(memory + 64, roots[0]);
    if (place == PLACE_SHARED)
        (void)unlink(path);
}

static void map_names(void)
{
    uint8_t *named = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("N4meOfMemfd", MFD_CLOEXEC);
    void *code;

    if (named == MAP_FAILED || fd < 0 || ftruncate(fd, 4096) != 0)
        target_fail("mmap");
    fill(named, PLACE_ANONYMOUS, 16384);
    put_word(named + 64, roots[0]); // a root of kind foreign
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, 16384, "N4meOfAnon");
    // Memory with a name that can be executed counts as a module.
    code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED)
        target_fail("mmap");
    (void)close(fd);
}

static __attribute__((noinline)) void leave_on_stack(void)
{
    uint8_t area[8192];

    fill(area, PLACE_DEAD_STACK, sizeof area);
    __asm__ volatile("" : : "r"(area) : "memory");
}

static void *spin(void *context)
{
    uint8_t on_stack[256], word[8] __attribute__((aligned(8)));
    uint8_t vector[16] __attribute__((aligned(16)));

    (void)prctl(PR_SET_NAME, "N4meOfThread");
    fill(in_tls, PLACE_TLS, sizeof in_tls);
    fill(on_stack, PLACE_STACK, sizeof on_stack);
    fill(word, PLACE_REGISTER, sizeof word);
    fill(vector, PLACE_VECTOR, sizeof vector);
    leave_on_stack();
    *(volatile int *)context = 1;
#ifdef __x86_64__
    __asm__ volatile("mov (%0), %%r12\n movaps (%1), %%xmm5\n movaps (%1), %%xmm6\n"
                     "1: mov $34, %%eax\n syscall\n jmp 1b"
                     :
                     : "r"(word), "r"(vector), "r"(on_stack)
                     : "memory", "r12", "rax", "rcx", "r11", "xmm5", "xmm6");
#endif
    for (;;) {
        __asm__ volatile("" : : "r"(on_stack) : "memory");
        (void)pause();
    }
    return NULL;
}

static void capture_self(const char *layout_path, const char *path)
{
    static char text[65536];
    FILE *file = fopen(layout_path, "re");
    rudo_snap_pages pages = {arena, (size_t)arena_pages * layout.page_size};
    rudo_snap_root named = {"N4meOfRoot", (const void *)(uintptr_t)&roots[0]};
    rudo_snap_options options;
    rudo_snap_result result;

    if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0)
        target_fail(layout_path);
    (void)fclose(file);
    rudo_snap_options_init(&options);
    options.layout = text;
    options.pages = &pages;
    options.page_count = 1;
    options.roots = &named;
    options.root_count = 1;
    options.redacts = 1;
    if (rudo_snap_wait(rudo_snap_capture(path, &options), &result) != RUDO_SNAP_DONE)
        target_fail(result.message);
}

int main(int argument_count, char **arguments)
{
    static volatile int is_spinning;
    pthread_t thread;
    Error error;

    if (argument_count < 4)
        return 2;
    if (!layout_find(arguments[2], &layout, &error))
        target_fail(error.message);
    arena = mmap(NULL, (size_t)20 * layout.page_size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        target_fail("mmap");
    arena += (layout.page_size - (uintptr_t)arena % layout.page_size) % layout.page_size;
    make_heap();
    fill(in_data, PLACE_DATA, sizeof in_data);
    fill(in_bss, PLACE_BSS, sizeof in_bss);
    map_file(arguments[3], "N4meOfFile", MAP_PRIVATE, PLACE_PRIVATE_FILE);
    map_file(arguments[3], "N4meOfDeleted", MAP_SHARED, PLACE_SHARED);
    map_names();
    leave_on_stack();
    if (argument_count > 4)
        capture_self(arguments[2], arguments[4]);
    if (pthread_create(&thread, NULL, spin, (void *)(uintptr_t)&is_spinning) != 0)
        target_fail("pthread_create");
    while (is_spinning == 0)
        (void)usleep(1000);
    target_start_heartbeat(arguments[1]);
    target_announce();
    for (;;)
        (void)pause();
}
