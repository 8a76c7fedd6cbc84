// Thread stacks and thread-local storage.
//
// glibc puts a thread's stack, its static TLS and its descriptor (struct pthread, where
// fs_base points) into one block above a guard:
//
//     guard | never used ... dead | SP-128 ... live ... | static TLS | descriptor |
//      ---p | not read            | stack               |            | tls        |
//
// From SP-128 to the descriptor is stack, so static TLS counts as stack there. The kernel
// merges the block with anonymous memory above it, but never across the guard. The part under
// SP-128 counts as dead only where it certainly is this stack: right above a guard, or where the
// descriptor says so (a stack that the program gave to the thread has no guard, and may be
// malloc'd). The main thread has its stack in a mapping of its own, "[stack]", and its
// TLS elsewhere.
//
// A thread may run on memory that is not a thread stack: a coroutine's, in malloc'd or mapped
// memory, or a signal stack. Then all of its own stack is live, since it is unknown how far down it
// is used, and the other one is found by its SP alone (StrayStack).

#include "base/array.h"
#include "snapshot/capture/copy/register_words.h"
#include "snapshot/capture/find/heap_search_internal.h"

// The part of the thread descriptor that is certainly there: glibc's tcbhead_t.
#define DESCRIPTOR_HEAD_BYTES 704u
// The descriptor with all that may follow in its page; the real size differs by version.
#define DESCRIPTOR_BYTES 2304u
#define MAX_DESCRIPTOR_BYTES 8192u
// Static TLS lies this far below the descriptor at most.
#define MAX_STATIC_TLS_BYTES (UINT64_C(1) << 20)
// Entries of a thread's vector of TLS blocks that are read.
#define MAX_TLS_MODULES 4096u
// Offsets in tcbhead_t, fixed by the x86-64 ABI of glibc.
#define DESCRIPTOR_SELF 0u
#define DESCRIPTOR_VECTOR 8u

// Is there a guard right below the mapping, memory without any permissions?
static bool is_above_guard(const ProcessCopy *copy, uint32_t index)
{
    const ProcessMapping *below;

    if (index == 0)
        return false;
    below = &copy->mappings[index - 1];
    return below->end == copy->mappings[index].start && !below->is_readable &&
           !below->is_writable && !below->is_executable;
}

// Does a descriptor of another thread lie in [start, end)? Then a guard below `start` guards that
// thread's stack.
static bool holds_descriptor(const ProcessCopy *copy, uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < copy->thread_count; i++)
        if (copy->threads[i].control_block >= start && copy->threads[i].control_block < end)
            return true;
    return false;
}

static uint64_t live_start(const ProcessThread *thread, const ProcessMapping *mapping)
{
    uint64_t start = thread->stack_pointer - mapping->start < RED_ZONE_BYTES
                         ? mapping->start
                         : thread->stack_pointer - RED_ZONE_BYTES;

    return round_down(start, 8);
}

static bool claim_main_stack(HeapSearch *search, uint32_t thread, const ProcessMapping *mapping,
                             Error *error)
{
    uint64_t start = live_start(&search->copy->threads[thread], mapping);

    return region_list_add(&search->stacks, start, mapping->end, REGION_STACK, thread, error) &&
           region_list_add(&search->dead_stacks, mapping->start, start, REGION_IGNORED, NO_INDEX,
                           error);
}

// The start of the thread's stack as the descriptor has it; 0 when it does not. The two fields,
// block and size, are next to each other, and only their place differs by version. They are
// recognised by their values: the block ends where the descriptor does, and begins in the
// descriptor's mapping or in the guard below it. (The sum alone is not enough: a small number and a
// pointer into the descriptor add up, too.)
static uint64_t recorded_stack_start(const ProcessCopy *copy, uint64_t descriptor,
                                     const ProcessMapping *mapping)
{
    MemoryReader reader = memory_reader(copy);
    uint64_t lowest = mapping->start;

    if (is_above_guard(copy, (uint32_t)(mapping - copy->mappings)))
        lowest = (mapping - 1)->start;
    for (uint64_t offset = DESCRIPTOR_HEAD_BYTES; offset < DESCRIPTOR_BYTES; offset += 8) {
        uint64_t block = memory_word(&reader, descriptor + offset);
        uint64_t bytes = memory_word(&reader, descriptor + offset + 8);
        if (block >= lowest && block < descriptor && bytes > descriptor - block &&
            bytes - (descriptor - block) <= MAX_DESCRIPTOR_BYTES)
            return block < mapping->start ? mapping->start : block;
    }
    return 0;
}

// The lowest address of the stack that ends at the thread's descriptor. *is_certain: nothing
// but the stack is in between, because a guard is below it or the descriptor says so.
static uint64_t stack_start(const HeapSearch *search, uint32_t thread,
                            const ProcessMapping *mapping, bool *is_certain)
{
    const ProcessCopy *copy = search->copy;
    uint64_t descriptor = copy->threads[thread].control_block;
    uint64_t recorded = recorded_stack_start(copy, descriptor, mapping);
    bool is_guarded = is_above_guard(copy, (uint32_t)(mapping - copy->mappings)) &&
                      !holds_descriptor(copy, mapping->start, descriptor);

    *is_certain = is_guarded || recorded != 0;
    return is_guarded || recorded == 0 ? mapping->start : recorded;
}

// The stack below the thread's descriptor, which is in the same mapping as its SP.
static bool claim_own_stack(HeapSearch *search, uint32_t thread, const ProcessMapping *mapping,
                            Error *error)
{
    const ProcessThread *record = &search->copy->threads[thread];
    uint64_t live = live_start(record, mapping);
    bool is_certain;
    uint64_t start = stack_start(search, thread, mapping, &is_certain);

    // A main thread here was forked off by another thread, or runs on a coroutine's stack that the
    // kernel merged with its TLS. These cannot be told apart, so nothing is dead.
    if ((int)record->tid == search->copy->pid || !is_certain || record->stack_pointer < start)
        return region_list_add(&search->likely_stacks, live, record->control_block, REGION_STACK,
                               thread, error);
    return region_list_add(&search->stacks, live, record->control_block, REGION_STACK, thread,
                           error) &&
           region_list_add(&search->dead_stacks, start, live, REGION_IGNORED, NO_INDEX, error);
}

// The stack of a thread that executes somewhere else: all of it is live.
static bool claim_whole_stack(HeapSearch *search, uint32_t thread, Error *error)
{
    const ProcessCopy *copy = search->copy;
    const ProcessThread *record = &copy->threads[thread];
    const ProcessMapping *home = process_copy_find_mapping(copy, record->control_block);
    bool is_certain;
    uint64_t start;

    if ((int)record->tid == copy->pid)
        for (uint32_t i = 0; i < copy->mapping_count; i++)
            if (mapping_is_stack(&copy->mappings[i]))
                return region_list_add(&search->stacks, copy->mappings[i].start,
                                       copy->mappings[i].end, REGION_STACK, thread, error);
    if (home == NULL || (int)record->tid == copy->pid)
        return true;
    start = stack_start(search, thread, home, &is_certain);
    return region_list_add(is_certain ? &search->stacks : &search->likely_stacks, start,
                           record->control_block, REGION_STACK, thread, error);
}

static bool add_stray(HeapSearch *search, uint32_t thread, Error *error)
{
    if (!array_reserve(&search->strays, &search->stray_capacity, search->stray_count + 1,
                       sizeof *search->strays, "stacks", error))
        return false;
    search->strays[search->stray_count++] =
        (StrayStack){search->copy->threads[thread].stack_pointer, thread};
    return true;
}

static bool find_stack(HeapSearch *search, uint32_t thread, Error *error)
{
    const ProcessCopy *copy = search->copy;
    const ProcessThread *record = &copy->threads[thread];
    uint32_t here = process_copy_mapping_index(copy, record->stack_pointer);

    if (here != NO_INDEX && mapping_is_stack(&copy->mappings[here])) {
        if (!claim_main_stack(search, thread, &copy->mappings[here], error))
            return false;
        // Any other thread runs there as a guest, and has a stack of its own.
        return (int)record->tid == copy->pid || claim_whole_stack(search, thread, error);
    }
    if (here != NO_INDEX && record->stack_pointer < record->control_block &&
        here == process_copy_mapping_index(copy, record->control_block)) {
        if (!claim_own_stack(search, thread, &copy->mappings[here], error))
            return false;
        return (int)record->tid != copy->pid || claim_whole_stack(search, thread, error);
    }
    return add_stray(search, thread, error) && claim_whole_stack(search, thread, error);
}

// The start of the thread's static TLS: its vector of TLS blocks points to the block of each
// module. The blocks of modules that were loaded later are malloc'd, and their second word, the
// pointer to free, is not 0.
static uint64_t static_tls_start(MemoryReader *reader, uint64_t descriptor,
                                 const ProcessMapping *mapping)
{
    uint64_t vector = memory_word(reader, descriptor + DESCRIPTOR_VECTOR);
    uint64_t lowest = descriptor;
    uint64_t count;

    if (vector < 16)
        return descriptor;
    count = memory_word(reader, vector - 16);
    if (count > MAX_TLS_MODULES)
        count = MAX_TLS_MODULES;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t block = memory_word(reader, vector + 16 * i);
        if (block < lowest && block >= mapping->start &&
            descriptor - block <= MAX_STATIC_TLS_BYTES &&
            memory_word(reader, vector + 16 * i + 8) == 0)
            lowest = block;
    }
    return lowest;
}

static bool find_tls(HeapSearch *search, uint32_t thread, Error *error)
{
    const ProcessCopy *copy = search->copy;
    MemoryReader reader = memory_reader(copy);
    uint64_t descriptor = copy->threads[thread].control_block;
    const ProcessMapping *mapping = process_copy_find_mapping(copy, descriptor);
    uint64_t start, head_end, tail_end;

    if (mapping == NULL || !mapping_is_private_writable(mapping) || descriptor % 8 != 0)
        return true;
    start = descriptor;
    if (memory_word(&reader, descriptor + DESCRIPTOR_SELF) == descriptor)
        start = round_down(static_tls_start(&reader, descriptor, mapping), 8);
    head_end = descriptor + DESCRIPTOR_HEAD_BYTES;
    tail_end = round_up(descriptor + DESCRIPTOR_BYTES, PAGE_BYTES);
    if (head_end > mapping->end)
        head_end = mapping->end;
    if (tail_end > mapping->end)
        tail_end = mapping->end;
    return region_list_add(&search->tls, start, head_end, REGION_TLS, thread, error) &&
           region_list_add(&search->tls_tails, head_end, tail_end, REGION_TLS, thread, error);
}

bool heap_search_find_stacks(HeapSearch *search, Error *error)
{
    for (uint32_t i = 0; i < search->copy->thread_count; i++)
        if (!find_stack(search, i, error) || !find_tls(search, i, error))
            return false;
    return true;
}
