// MadeProcess: see made_process.h.

#include "tests/support/made_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "snapshot/heap/heap_layout.h"

#define PAGE 4096u

typedef struct MadeMemory {
    uint64_t start;
    uint64_t bytes;
    uint8_t *data;
    uint8_t *touched; // a byte a page
} MadeMemory;

struct MadeProcess {
    ProcessCopy copy;
    ProcessMapping mappings[MADE_PROCESS_MAX_MAPPINGS];
    MadeMemory memory[MADE_PROCESS_MAX_MAPPINGS];
    ProcessThread threads[MADE_PROCESS_MAX_THREADS];
    ProcessRegister registers[MADE_PROCESS_MAX_THREADS][MADE_PROCESS_MAX_REGISTERS];
    uint64_t range_capacity;
};

static void *must_have(void *memory)
{
    if (memory == NULL || memory == MAP_FAILED) {
        fputs("made process: out of memory\n", stderr);
        abort();
    }
    return memory;
}

MadeProcess *made_process_new(void)
{
    MadeProcess *process = must_have(calloc(1, sizeof *process));

    process->copy.pid = MADE_PROCESS_PID;
    process->copy.method = "made";
    (void)snprintf(process->copy.executable, sizeof process->copy.executable, "made");
    process->copy.mappings = process->mappings;
    process->copy.threads = process->threads;
    return process;
}

void made_process_free(MadeProcess *process)
{
    if (process == NULL)
        return;
    for (uint32_t i = 0; i < process->copy.mapping_count; i++) {
        free(process->mappings[i].name);
        (void)munmap(process->memory[i].data, process->memory[i].bytes);
        free(process->memory[i].touched);
    }
    free(process->copy.ranges);
    free(process);
}

void made_process_map(MadeProcess *process, uint64_t start, uint64_t bytes, const char *permissions,
                      const char *name)
{
    uint32_t i = process->copy.mapping_count++;
    uint64_t file_offset = 0;

    if (i >= MADE_PROCESS_MAX_MAPPINGS)
        abort();
    for (; i > 0 && process->mappings[i - 1].start > start; i--) {
        process->mappings[i] = process->mappings[i - 1];
        process->memory[i] = process->memory[i - 1];
    }
    // A file goes on where its last mapping ended.
    if (i > 0 && name[0] == '/' && strcmp(process->mappings[i - 1].name, name) == 0)
        file_offset = process->mappings[i - 1].file_offset + process->mappings[i - 1].end -
                      process->mappings[i - 1].start;
    process->mappings[i] = (ProcessMapping){
        .start = start,
        .end = start + bytes,
        .file_offset = file_offset,
        .inode = name[0] == '/' ? 4711 : 0,
        .is_readable = permissions[0] == 'r',
        .is_writable = permissions[1] == 'w',
        .is_executable = permissions[2] == 'x',
        .is_private = permissions[3] == 'p',
        .name = must_have(strdup(name)),
    };
    process->memory[i] =
        (MadeMemory){start, bytes,
                     must_have(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
                     must_have(calloc(bytes / PAGE, 1))};
}

uint8_t *made_process_bytes(MadeProcess *process, uint64_t address, uint64_t bytes)
{
    for (uint32_t i = 0; i < process->copy.mapping_count; i++) {
        MadeMemory *memory = &process->memory[i];
        if (address < memory->start || address - memory->start + bytes > memory->bytes)
            continue;
        for (uint64_t page = (address - memory->start) / PAGE;
             page <= (address - memory->start + bytes - 1) / PAGE; page++)
            memory->touched[page] = 1;
        return memory->data + (address - memory->start);
    }
    fprintf(stderr, "made process: nothing at 0x%llx\n", (unsigned long long)address);
    abort();
}

void made_process_set(MadeProcess *process, uint64_t address, uint64_t word)
{
    memcpy(made_process_bytes(process, address, sizeof word), &word, sizeof word);
}

void made_process_page(MadeProcess *process, uint64_t address, uint32_t block_size,
                       uint64_t allocated)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint32_t header_size = heap_layout_small_header_size(layout, block_size);
    uint8_t *page = made_process_bytes(process, address, layout->page_size);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count, (layout->page_size - header_size) / block_size);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    memcpy(page + layout->allocated_bitmap, &allocated, sizeof allocated);
}

void made_process_large_object(MadeProcess *process, uint64_t address, uint32_t block_size)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint64_t allocated = 1;
    uint8_t *page = made_process_bytes(process, address, layout->page_size);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count, 1);
    heap_layout_write(page, layout->header_size, 1584);
    heap_layout_write(page, layout->flags, layout->flag_large);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    memcpy(page + layout->allocated_bitmap, &allocated, sizeof allocated);
}

void made_process_chunks(MadeProcess *process, uint64_t start, const uint64_t *sizes, size_t count,
                         uint64_t end)
{
    const uint64_t in_use = 1; // the chunk below

    for (size_t i = 0; i < count; i++) {
        made_process_set(process, start + 8, sizes[i] | in_use);
        start += sizes[i];
    }
    made_process_set(process, start + 8, (end - start) | in_use);
}

uint64_t made_process_slot(uint64_t page, uint32_t block_size, uint32_t slot)
{
    return page + heap_layout_small_header_size(heap_layout_rudo_gc_0_8(), block_size) +
           (uint64_t)slot * block_size;
}

uint32_t made_process_thread(MadeProcess *process, uint64_t stack_pointer, uint64_t control_block)
{
    uint32_t i = process->copy.thread_count++;

    if (i >= MADE_PROCESS_MAX_THREADS)
        abort();
    process->threads[i] = (ProcessThread){
        .tid = MADE_PROCESS_PID + i,
        .name = "made",
        .stack_pointer = stack_pointer,
        .control_block = control_block,
        .registers = process->registers[i],
    };
    return i;
}

void made_process_register(MadeProcess *process, uint32_t thread, uint32_t number, uint64_t value)
{
    ProcessThread *record = &process->threads[thread];

    if (record->register_count >= MADE_PROCESS_MAX_REGISTERS)
        abort();
    record->registers[record->register_count++] = (ProcessRegister){number, value};
}

static void add_range(MadeProcess *process, uint64_t address, const uint8_t *data)
{
    ProcessCopy *copy = &process->copy;
    ProcessRange *last = copy->range_count > 0 ? &copy->ranges[copy->range_count - 1] : NULL;

    copy->copied_bytes += PAGE;
    if (last != NULL && last->address + last->bytes == address &&
        last->data + last->bytes == data) {
        last->bytes += PAGE;
        return;
    }
    if (copy->range_count == process->range_capacity) {
        process->range_capacity = 2 * process->range_capacity + 16;
        copy->ranges =
            must_have(realloc(copy->ranges, process->range_capacity * sizeof *copy->ranges));
    }
    copy->ranges[copy->range_count++] = (ProcessRange){address, PAGE, data};
}

const ProcessCopy *made_process_copy(MadeProcess *process)
{
    ProcessCopy *copy = &process->copy;

    copy->range_count = 0;
    copy->copied_bytes = 0;
    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const MadeMemory *memory = &process->memory[i];
        if (!process->mappings[i].is_private || !process->mappings[i].is_writable)
            continue;
        for (uint64_t page = 0; page < memory->bytes / PAGE; page++)
            if (memory->touched[page])
                add_range(process, memory->start + page * PAGE, memory->data + page * PAGE);
    }
    return copy;
}
