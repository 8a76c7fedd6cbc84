// See made_executable.h.

#include "tests/support/made_executable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/heap/heap_layout.h"

#define CODE_BYTES UINT64_C(0x1000000)
#define DATA (MADE_EXECUTABLE_BASE + CODE_BYTES)
#define DATA_BYTES UINT64_C(0x100000)
#define HEAP UINT64_C(0x560000000000)
#define STACK UINT64_C(0x570000000000)
#define STACK_BYTES UINT64_C(0x4000)
#define CLASS 64u
#define RIP 16u
#define RSP 19u
#define RBP 4u

static uint64_t function_at(const MadeFunctions *functions, uint32_t index)
{
    return MADE_EXECUTABLE_BASE + functions->addresses[index % functions->count];
}

static void make_heap(MadeProcess *process, const MadeFunctions *functions)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, CLASS, (UINT64_C(1) << MADE_EXECUTABLE_OBJECTS) - 1);
    for (uint32_t i = 0; i < MADE_EXECUTABLE_OBJECTS; i++) {
        uint64_t object = made_process_slot(HEAP, CLASS, i);

        made_process_set(process, object + layout->type_word.offset, function_at(functions, 2 * i));
        made_process_set(process, object + layout->drop_function.offset,
                         function_at(functions, 2 * i + 1));
    }
}

// Calls from everywhere: each frame pointer leads to the next, with a return address above it.
static void make_stack(MadeProcess *process, const MadeFunctions *functions)
{
    uint64_t pointer = STACK + STACK_BYTES / 2;
    uint32_t thread = made_process_thread(process, pointer, 0);

    made_process_register(process, thread, RIP, function_at(functions, 0) + 2);
    made_process_register(process, thread, RSP, pointer);
    made_process_register(process, thread, RBP, pointer + 0x40);
    for (uint32_t i = 0; i < 64; i++) {
        uint64_t at = pointer + 8 * i;
        uint64_t word = i % 3 == 0   ? function_at(functions, i) + 4
                        : i % 3 == 1 ? made_process_slot(HEAP, CLASS, i % MADE_EXECUTABLE_OBJECTS)
                                     : at + 0x40;
        made_process_set(process, at, word);
    }
}

bool made_executable_capture(MadeExecutable *made, const uint8_t *bytes, size_t length,
                             const MadeFunctions *functions, Error *error)
{
    HeapSearchOptions options = {.foreign_mode = FOREIGN_BLOCKS};
    char path[64];

    *made = (MadeExecutable){.process = made_process_new(),
                             .file = memfd_create("executable", MFD_CLOEXEC)};
    if (made->file < 0 || write(made->file, bytes, length) != (ssize_t)length)
        abort();
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), made->file);
    made_process_map(made->process, MADE_EXECUTABLE_BASE, CODE_BYTES, "r-xp", path);
    made_process_map(made->process, DATA, DATA_BYTES, "rw-p", path);
    made_process_map(made->process, STACK, STACK_BYTES, "rw-p", "[stack]");
    make_heap(made->process, functions);
    make_stack(made->process, functions);
    for (uint64_t i = 0; i < 512; i++)
        made_process_set(made->process, DATA + 0x800 * i,
                         made_process_slot(HEAP, CLASS, (uint32_t)i % MADE_EXECUTABLE_OBJECTS));
    // Files of cores are opened by the names that they had, and need no inode.
    made->copy = *made_process_copy(made->process);
    made->copy.is_core = true;
    return heap_search_new(&made->copy, &options, &made->search, &made->counts, error);
}

void made_executable_release(MadeExecutable *made)
{
    heap_search_free(made->search);
    made_process_free(made->process);
    (void)close(made->file);
}
