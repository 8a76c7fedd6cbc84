// Where the pages of a heap image lie in memory: reserving room for all page runs, finding a
// captured address in it, giving it back.
//
// Placement is all or nothing: either every run lies at its captured address, or the whole image
// lies in one arena. Nothing outside this file and heap_image_page_bytes() needs to know which.

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/search.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

// More mappings than this, and the image goes into one arena: the kernel's own limit
// (vm.max_map_count) is 65,530 for the whole process.
#define MAX_RUNS_IN_PLACE 10000u
// Room that our own stack may still grow into; no run is placed there.
#define STACK_ROOM_BELOW (UINT64_C(64) << 20)
#define STACK_ROOM_ABOVE (UINT64_C(16) << 20)

// Sanitizers reserve, or refuse, parts of the address space (ThreadSanitizer aborts on low
// fixed mappings), so their builds always relocate.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLACES_IN_ARENA true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define PLACES_IN_ARENA true
#endif
#endif
#ifndef PLACES_IN_ARENA
#define PLACES_IN_ARENA false
#endif

static void unmap_runs(const HeapImage *image, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)munmap((void *)(uintptr_t)image->runs[i].address,
                     image->runs[i].page_count << image->page_shift);
}

void heap_image_unmap(HeapImage *image)
{
    if (image->pager != NULL) {
        heap_pager_free(image->pager);
    } else if (image->is_relocated) {
        if (image->arena != NULL)
            (void)munmap(image->arena, image->arena_bytes);
    } else {
        unmap_runs(image, image->run_count);
    }
    image->run_count = 0;
    image->arena = NULL;
    image->pager = NULL;
}

static bool are_possible_runs(const HeapImage *image, const PageRun *runs, uint64_t run_count)
{
    uint64_t previous_end = image->layout.page_size; // no process has page 0
    uint64_t pages = 0;

    for (uint64_t i = 0; i < run_count; i++) {
        uint64_t address = runs[i].address;
        if (address % image->layout.page_size != 0 || address < previous_end ||
            runs[i].page_count == 0 || address >= HEAP_ADDRESS_LIMIT ||
            runs[i].page_count > (HEAP_ADDRESS_LIMIT - address) >> image->page_shift)
            return false;
        previous_end = address + (runs[i].page_count << image->page_shift);
        pages += runs[i].page_count;
    }
    return pages < NO_INDEX;
}

// Would a run take room that our own stack may grow into?
static bool is_near_our_stack(const PageRun *run, uint32_t page_shift)
{
    uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    uint64_t low = here > STACK_ROOM_BELOW ? here - STACK_ROOM_BELOW : 0;

    return run->address < here + STACK_ROOM_ABOVE &&
           run->address + (run->page_count << page_shift) > low;
}

// All runs at their captured addresses, or none. Returns false when an address is taken
// or cannot be had: the image is then relocated.
static bool place_at_captured_addresses(HeapImage *image)
{
    if (image->run_count > MAX_RUNS_IN_PLACE)
        return false;
    for (uint64_t i = 0; i < image->run_count; i++) {
        const PageRun *run = &image->runs[i];
        void *wanted = (void *)(uintptr_t)run->address;
        size_t bytes = run->page_count << image->page_shift;
        void *got = MAP_FAILED;
        if (!is_near_our_stack(run, image->page_shift))
            got = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        // A kernel before 4.17 takes the address for a hint.
        if (got != MAP_FAILED && got != wanted) {
            (void)munmap(got, bytes);
            got = MAP_FAILED;
        }
        if (got == MAP_FAILED) {
            unmap_runs(image, i);
            return false;
        }
        (void)madvise(got, bytes, MADV_HUGEPAGE); // only speed is lost without it
    }
    return true;
}

// Room that begins at a multiple of `alignment` (a power of two), or MAP_FAILED.
static void *map_aligned(uint64_t bytes, uint64_t alignment)
{
    uint64_t extra = alignment > (uint64_t)sysconf(_SC_PAGESIZE) ? alignment : 0;
    uint8_t *mapped = mmap(NULL, bytes + extra, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (mapped == MAP_FAILED || extra == 0)
        return mapped;

    uint64_t before = -(uint64_t)(uintptr_t)mapped & (alignment - 1);
    if (before > 0)
        (void)munmap(mapped, before);
    (void)munmap(mapped + before + bytes, extra - before);
    return mapped + before;
}

// The arena begins at a multiple of the page size, as pages do where they were captured: the
// marker counts objects of one page as near to each other, and the schedule digest counts on that.
static bool place_in_arena(HeapImage *image, Error *error)
{
    void *arena = map_aligned(image->arena_bytes, image->layout.page_size);

    if (arena == MAP_FAILED) {
        image->run_count = 0;
        return error_set_memory(error, image->arena_bytes, "the heap image");
    }
    (void)madvise(arena, image->arena_bytes, MADV_HUGEPAGE);
    image->arena = arena;
    image->is_relocated = true;
    return true;
}

// Note [Paged images]
//
// Where memory is short only a part of the pages is resident (snapshot/heap/heap_pager.h). The
// arena is the pager's range, in which the runs lie one behind the other, as in most files. Code
// that reads pages knows nothing of it. Code that changes them uses heap_image_clear(). Code that
// visits all pages, on one thread or several, does so in the order of their addresses, or it
// would wait for most of them again and again; so the marker works otherwise
// (marker/mark_in_passes.h).
static bool place_in_pager(HeapImageBuilder *builder, Error *error)
{
    HeapImage *image = builder->image;

    if (!heap_pager_new(&builder->paging, image->arena_bytes, &builder->source, &image->pager,
                        error)) {
        image->run_count = 0;
        return false;
    }
    builder->source = (HeapPageSource){0};
    image->arena = heap_pager_base(image->pager);
    image->is_relocated = true;
    return true;
}

// Gives every run its place in the arena. Gaps are kept where that costs little address space
// (they take no memory), because then one number leads from any captured address of a dense
// heap to its bytes.
static void plan_arena(HeapImageBuilder *builder)
{
    HeapImage *image = builder->image;
    uint64_t room = image->image_bytes * 3 >> image->page_shift; // pages, for gaps
    uint64_t next = 0;

    for (uint64_t i = 0; i < image->run_count; i++) {
        const PageRun *run = &image->runs[i];
        if (i > 0 && !builder->is_paged) {
            const PageRun *before = &image->runs[i - 1];
            uint64_t gap =
                ((run->address - before->address) >> image->page_shift) - before->page_count;
            if (gap < WINDOW_GAP_BYTES >> image->page_shift && gap <= room &&
                next + gap < UINT32_MAX / 2) {
                next += gap;
                room -= gap;
            }
        }
        builder->run_places[i].start = next;
        next += run->page_count;
    }
    image->arena_bytes = next << image->page_shift;
}

bool heap_image_builder_reserve(HeapImageBuilder *builder, const PageRun *runs, uint64_t run_count,
                                Error *error)
{
    HeapImage *image = builder->image;
    PageRun *merged;
    RunPlace *places;

    assert(are_possible_runs(image, runs, run_count));
    merged = malloc((run_count + 1) * sizeof *merged);
    places = calloc(run_count + 1, sizeof *places);
    image->runs = merged;
    builder->run_places = places;
    if (merged == NULL || places == NULL)
        return error_set_memory(error, run_count * sizeof *merged, "the page runs");
    for (uint64_t i = 0; i < run_count; i++) {
        PageRun *last = image->run_count > 0 ? &merged[image->run_count - 1] : NULL;
        image->image_bytes += runs[i].page_count << image->page_shift;
        if (last != NULL &&
            last->address + (last->page_count << image->page_shift) == runs[i].address)
            last->page_count += runs[i].page_count;
        else
            merged[image->run_count++] = runs[i];
    }
    plan_arena(builder);
    if (!page_records_reserve(&builder->records, &image->layout,
                              image->arena_bytes >> image->page_shift, error)) {
        image->run_count = 0; // nothing is mapped
        return false;
    }
    if (builder->is_paged)
        return place_in_pager(builder, error);
    if (image->run_count == 0)
        return true;
    if (!PLACES_IN_ARENA && !builder->force_relocation && place_at_captured_addresses(image))
        return true;
    return place_in_arena(image, error);
}

// Offset of `address` in the arena order of pages, and the bytes that follow it in its run.
static bool find_in_runs(const HeapImage *image, uint64_t address, uint64_t *run_index,
                         uint64_t *bytes_left)
{
    uint64_t next = search_above(image->runs, image->run_count, address, address);

    if (next == 0)
        return false;
    const PageRun *run = &image->runs[next - 1];
    uint64_t run_bytes = run->page_count << image->page_shift;
    if (address - run->address >= run_bytes)
        return false;
    *run_index = next - 1;
    *bytes_left = run_bytes - (address - run->address);
    return true;
}

uint64_t heap_image_builder_place(const HeapImageBuilder *builder, const uint8_t *bytes,
                                  uint64_t *offset)
{
    const HeapImage *image = builder->image;
    uint64_t address = (uint64_t)(uintptr_t)bytes;
    uint64_t run = 0, bytes_left, at;

    if (image->is_relocated) {
        at = (uint64_t)(bytes - image->arena);
    } else {
        bool is_found = find_in_runs(image, address, &run, &bytes_left);
        assert(is_found);
        (void)is_found;
        at = (builder->run_places[run].start << image->page_shift) +
             (address - image->runs[run].address);
    }
    *offset = at & (image->layout.page_size - 1);
    return at >> image->page_shift;
}

uint8_t *heap_image_builder_bytes(HeapImageBuilder *builder, uint64_t address, uint64_t bytes)
{
    HeapImage *image = builder->image;
    uint64_t run_index, bytes_left;
    uint8_t *place = (uint8_t *)(uintptr_t)address;

    if (!find_in_runs(image, address, &run_index, &bytes_left) || bytes > bytes_left)
        return NULL;
    if (image->is_relocated)
        place = image->arena + (builder->run_places[run_index].start << image->page_shift) +
                (address - image->runs[run_index].address);
    // Records are filled from bytes that were given before.
    if (builder->run_places[run_index].was_given)
        heap_image_builder_forget(builder, place, bytes);
    builder->run_places[run_index].was_given = true;
    return place;
}
